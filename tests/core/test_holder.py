"""Holders: weights that are computed from others, trained, saved, loaded and copied in the place of variables."""

import copy

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.core.holder import Holder
from lamina.errors import SerializationError


@lamina.saving.register_keras_serializable("tests")
class LowRank(Holder):
    """A frozen kernel and a product of two small ones beside it."""

    def __init__(self, base, rank=2):
        super().__init__(base)
        self.rank = rank
        self.freeze(base)
        rows = int(np.prod(base.shape[:-1]))
        self.a = self.add_weight((rows, rank), lamina.initializers.GlorotUniform(1), name="a")
        self.b = self.add_weight((rank, base.shape[-1]), lamina.initializers.GlorotUniform(2), name="b")

    def compute(self):
        change = ops.reshape(ops.matmul(self.a.value, self.b.value), self.shape)
        return self.base.value + change


@lamina.saving.register_keras_serializable("tests")
class Quantized(Holder):
    """Whole numbers and a scale."""

    def __init__(self, base):
        super().__init__(base)
        self.freeze(base)
        numbers = base.numpy()
        scale = max(float(np.abs(numbers).max()) / 127, 1e-6)
        self.whole = self.add_weight(base.shape, "zeros", "int8", trainable=False, name="whole")
        self.whole.assign(np.round(numbers / scale).astype("int8"))
        self.scale = self.add_weight((), lamina.initializers.Constant(scale), trainable=False, name="scale")

    def compute(self):
        return ops.cast(self.whole.value, self.scale.dtype) * self.scale.value


def dense():
    return (
        layers.Dense(3, kernel_regularizer="l2"),
        "kernel",
        np.linspace(-1, 1, 20, dtype="float32").reshape(4, 5),
    )


def einsum():
    return layers.EinsumDense("ab,bc->ac", (3,), bias_axes="c"), "kernel", dense()[2]


def embedding():
    return layers.Embedding(5, 3), "embeddings", np.arange(8, dtype="int32").reshape(4, 2) % 5


def conv():
    return layers.Conv2D(2, 2), "kernel", np.linspace(-1, 1, 72, dtype="float32").reshape(4, 3, 3, 2)


LAYERS = {"Dense": dense, "EinsumDense": einsum, "Embedding": embedding, "Conv2D": conv}


def model_of(kind):
    """A compiled model with a low-rank weight in one layer, and its data."""
    layer, name, x = LAYERS[kind]()
    model = lamina.Sequential(
        [lamina.Input(x.shape[1:], dtype=x.dtype.name), layer, layers.Flatten(), layers.Dense(1)]
    )
    setattr(layer, name, LowRank(getattr(layer, name), rank=2))
    model.compile("adam", "mse")
    return model, layer, name, x


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_low_rank_weight_trains_in_the_place_of_a_variable(kind, backend):
    with lamina.backend(backend):
        model, layer, name, x = model_of(kind)
        holder = getattr(layer, name)
        paths = [v.path.rpartition("/")[2] for v in layer.weights]
        assert paths == (["a", "b"] if kind == "Embedding" else ["bias", "a", "b"]) + [name]
        assert holder.base.path not in [v.path for v in layer.trainable_weights]
        full = getattr(layer, name)
        np.testing.assert_allclose(
            full.numpy(),
            holder.base.numpy() + (holder.a.numpy() @ holder.b.numpy()).reshape(full.shape),
            rtol=1e-5,
        )
        # as the same layer whose kernel is the sum
        plain = LAYERS[kind]()[0]
        plain.build((None, *x.shape[1:]))
        values = {name: full.numpy()} | ({"bias": layer.bias.numpy()} if kind != "Embedding" else {})
        for key, value in values.items():
            getattr(plain, key).assign(value)
        np.testing.assert_allclose(
            ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(plain(x)), rtol=1e-4, atol=1e-5
        )
        before = {v.path: v.numpy() for v in model.weights}
        model.fit(x, np.ones((4, 1), "float32"), batch_size=2, epochs=1, verbose=0)  # two steps
        moved = {v.path for v in model.weights if not np.array_equal(v.numpy(), before[v.path])}
        assert holder.base.path not in moved
        assert {holder.a.path, holder.b.path} <= moved


@pytest.mark.parametrize("form", ["model.keras", "model.weights.h5", "model.safetensors", "copy"])
def test_holders_go_through_files_and_copies(form, tmp_path):
    with lamina.backend("numpy"):
        model, layer, _, x = model_of("Dense")
        layer.kernel.a.assign(layer.kernel.a + 1)
        if form == "copy":
            again = copy.deepcopy(model)
        elif form == "model.keras":
            model.save(tmp_path / form)
            again = lamina.models.load_model(tmp_path / form)
        else:
            model.save_weights(tmp_path / form)
            again = model_of("Dense")[0]
            again.load_weights(tmp_path / form)
        assert type(again.layers[0].kernel) is LowRank
        assert again.layers[0].kernel.rank == 2
        for mine, theirs in zip(model.weights, again.weights, strict=True):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
        np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), rtol=1e-6)


def test_holders_of_holders_and_of_whole_numbers(tmp_path):
    with lamina.backend("numpy"):
        layer = layers.Dense(3, name="dense")
        model = lamina.Sequential([lamina.Input((4,)), layer])
        exact = layer.kernel.numpy()
        layer.kernel = Quantized(layer.kernel)
        np.testing.assert_allclose(layer.kernel.numpy(), exact, atol=0.01)
        layer.kernel = LowRank(layer.kernel, rank=1)
        paths = [v.path.partition("dense/")[2] for v in layer.trainable_weights]
        assert paths == ["bias", "kernel/a", "kernel/b"]
        layer.trainable = False
        assert layer.trainable_weights == []
        layer.trainable = True
        assert len(layer.trainable_weights) == 3  # what is frozen for good stays so
        model.save(tmp_path / "model.keras")
        again = lamina.models.load_model(tmp_path / "model.keras")
        assert type(again.layers[0].kernel.base) is Quantized
        x = np.ones((2, 4), "float32")
        np.testing.assert_allclose(model.predict(x, verbose=0), again.predict(x, verbose=0), rtol=1e-6)


def test_a_holder_counts_as_a_change_and_its_penalty_is_on_what_it_computes():
    with lamina.backend("numpy"):
        model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, kernel_regularizer="l2")])
        before = model._structure
        layer = model.layers[0]
        layer.kernel = LowRank(layer.kernel)
        assert model._structure > before
        before = model._structure
        layer.kernel.a.trainable = False
        assert model._structure > before
        (penalty,) = model.losses
        assert float(penalty) == pytest.approx(0.01 * (layer.kernel.numpy() ** 2).sum(), rel=1e-5)


def test_what_a_holder_refuses():
    layer = layers.Dense(3, kernel_constraint="non_neg", name="dense")
    with pytest.raises(TypeError, match="LowRank stands in the place of a variable, got NoneType as `base`"):
        LowRank(None)
    layer.build((None, 4))
    with pytest.raises(
        ValueError, match="the constraint of that variable cannot be put on a value that is computed"
    ):
        LowRank(layer.kernel)
    layer.bias = holder = Holder(layer.bias)
    with pytest.raises(NotImplementedError, match="Holder must define `compute"):
        holder.numpy()
    with pytest.raises(TypeError, match="Holder 'dense/bias' is computed: assign to its variables"):
        holder.assign([0.0, 0.0, 0.0])
    with pytest.raises(SerializationError, match="is not a holder that a file may name"):
        layer._put_holders({"kernel": {"class_name": "Dense", "registered_name": "Dense", "config": {}}})
    with pytest.raises(SerializationError, match="the place of the variable 'nothing', which"):
        layer._put_holders({"nothing": {}})
