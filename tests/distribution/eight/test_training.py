"""What else training has, on eight devices as on one."""

import jax
import numpy as np
import pytest
from same import Batches, L, assert_same, data, network, train

import lamina

D = lamina.distribution


def both(kind="mlp", distribution=None, batch_size=32, **more):
    one = train(kind, batch_size, **more)
    many = train(kind, batch_size, distribution or D.DataParallel(), **more)
    assert_same(one, many)
    return many


@pytest.mark.slow
def test_accumulation_averages_and_clipping():
    found = both(
        distribution=D.FullyShardedDataParallel(min_size=8),
        optimizer=lambda: lamina.optimizers.AdamW(
            0.01, gradient_accumulation_steps=2, use_ema=True, ema_overwrite_frequency=2, global_clipnorm=0.1
        ),
    )
    kernel = found.model.get_layer("first").kernel
    state = [v for v in found.model.optimizer.variables if v.shape == kernel.shape]
    assert len(state) == 4
    assert {v.value.sharding for v in state} == {kernel.value.sharding}


@pytest.mark.slow
def test_loss_scaling():
    both(
        optimizer=lambda: lamina.optimizers.LossScaleOptimizer(
            lamina.optimizers.SGD(0.1), initial_scale=8.0, dynamic_growth_steps=2
        )
    )


class Curves(lamina.Model):
    """A model of the user's own, with a step of its own and metrics that are more than means."""

    def __init__(self):
        super().__init__()
        self.inner = L.Dense(16, activation="relu")
        self.noise, self.head = L.GaussianNoise(0.1), L.Dense(3, activation="softmax")
        self.own = [
            lamina.metrics.AUC(name="auc"),
            lamina.metrics.MeanIoU(3, sparse_y_pred=False, name="iou"),
            lamina.metrics.SparseTopKCategoricalAccuracy(2, name="top"),
        ]

    def call(self, x, training=None):
        return self.head(self.noise(self.inner(lamina.ops.reshape(x, (-1, 36))), training=training))

    def train_step(self, data):
        x, y = data

        def loss():
            predicted = self(x, training=True)
            return lamina.ops.mean(lamina.ops.sparse_categorical_crossentropy(y, predicted)), predicted

        (value, predicted), gradients = lamina.value_and_grad(loss, self.trainable_variables, has_aux=True)()
        self.optimizer.apply(gradients, self.trainable_variables)
        hot = lamina.ops.one_hot(y, 3)
        for metric, truth in zip(self.own, (hot, y, y), strict=True):
            metric.update_state(truth, predicted)
        return {"loss": value, **{m.name: m.result() for m in self.own}}


def test_a_step_and_metrics_of_the_users_own():
    both(Curves, metrics=(), optimizer=lambda: lamina.optimizers.SGD(0.1))


@pytest.mark.parametrize(
    "rows", [3, pytest.param(8, marks=pytest.mark.slow), pytest.param(13, marks=pytest.mark.slow)]
)
def test_few_rows(rows):
    both(rows=rows, optimizer=lambda: lamina.optimizers.SGD(0.1))


@pytest.mark.slow
def test_single_batches_and_weights_of_samples():
    def losses():
        lamina.utils.set_random_seed(1)
        model = network("mlp")
        model.compile(
            "sgd",
            lamina.losses.SparseCategoricalCrossentropy(from_logits=True),
            weighted_metrics=["accuracy"],
        )
        x, y = data(16)
        w = np.linspace(0, 1, 16)
        found = [model.train_on_batch(x, y, w), model.test_on_batch(x[:5], y[:5], w[:5])]
        model.fit(x, y, sample_weight=w, class_weight={0: 2.0}, batch_size=8, shuffle=False, verbose=0)
        return (
            *found,
            model.predict_on_batch(x[:3]).tolist(),
            model.predict(x, batch_size=8, verbose=0).tolist(),
        )

    one = losses()
    with D.DataParallel().scope():
        many = losses()
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(b, a, 1e-5, 1e-6)


def test_streams():
    def losses():
        lamina.utils.set_random_seed(1)
        model = network("mlp")
        model.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        source = (Batches()[i % 4] for i in range(8))
        fitted = model.fit(Batches(), verbose=0, shuffle=False).history["loss"]
        fitted += model.fit(source, steps_per_epoch=4, epochs=2, verbose=0).history["loss"]
        return fitted, model.predict(Batches(), verbose=0).tolist()

    one = losses()
    with D.DataParallel().scope(), pytest.warns(UserWarning, match="12 rows does not divide"):
        many = losses()
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(b, a, 1e-5, 1e-6)


# -- variables -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_made_outside_trains_inside_and_goes_on_outside():
    x, y = data(32)
    lamina.utils.set_random_seed(1)
    model = network("mlp")
    model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, verbose=0)
    sharded = D.FullyShardedDataParallel(min_size=8)
    before = model.get_weights()
    with sharded.scope():
        predicted = model.predict(x, verbose=0)
        assert model.get_layer("first").kernel.placement.gathered
        model.fit(x, y, verbose=0)
    assert all(len(v.value.sharding.device_set) == 8 for v in model.weights + model.optimizer.variables)
    model.fit(x, y, verbose=0)
    model.set_weights(before)
    np.testing.assert_allclose(model.predict(x, verbose=0), predicted, 1e-5, 1e-6)
    assert model.get_layer("first").kernel.value.addressable_data(0).shape == (36, 2)


def test_assignments_keep_the_layout():
    mesh = D.DeviceMesh((8,), ["batch"])
    v = lamina.Variable(np.arange(16.0, dtype="float32"), layout=D.TensorLayout(["batch"], mesh))
    wanted = v.value.sharding
    for value in (np.zeros(16, "float32"), lamina.ops.ones((16,)), v * 2, list(range(16))):
        v.assign(value)
        assert v.value.sharding == wanted
        assert v.value.addressable_data(3).shape == (2,)
    v.assign_add(lamina.ops.ones((16,)))
    assert v.numpy().tolist() == list(range(1, 17))
    assert v.value.sharding == wanted
    x = D.distribute_tensor(np.zeros((8, 2), "float32"), D.TensorLayout(["batch", None], mesh))
    assert x.sharding.spec == jax.sharding.PartitionSpec("batch", None)


def test_parts_are_drawn_alone(monkeypatch):
    from lamina.initializers import base

    monkeypatch.setattr(base, "BLOCK", 64)
    whole = lamina.initializers.GlorotUniform(seed=1)((64, 16))
    drawn = []
    plain = base.Plan.__getitem__
    monkeypatch.setattr(
        base.Plan, "__getitem__", lambda plan, i: drawn.append(found := plain(plan, i)) or found
    )
    monkeypatch.setattr(base.Plan, "__call__", lambda plan: pytest.fail("drawn whole"))
    mesh = D.DeviceMesh((8,), ["batch"])
    for axes, part in ((["batch"], (8, 16)), ([None, "batch"], (64, 2))):
        layout = D.TensorLayout(axes, mesh)
        v = lamina.Variable(lamina.initializers.GlorotUniform(seed=1), (64, 16), layout=layout)
        assert np.array_equal(v.value, whole)
        assert {found.shape for found in drawn} == {part}
        drawn.clear()


def test_dropout_differs_across_parts_of_the_batch():
    with D.DataParallel().scope():
        model = lamina.Sequential([lamina.Input((64,)), L.Dropout(0.5)])
        y = lamina.jit(lambda x: model(x, training=True))(np.ones((8, 64), "float32"))
    assert len({row.tobytes() for row in np.asarray(y)}) == 8


def test_layouts_that_do_not_fit():
    mesh = D.DeviceMesh((2, 4), ["batch", "model"])
    with pytest.raises(
        ValueError, match=r"axis 1 of size 3 cannot be divided into 4 equal parts along 'model'"
    ):
        lamina.Variable(np.zeros((4, 3)), layout=D.TensorLayout([None, "model"], mesh))
    with pytest.raises(ValueError, match=r"has 1 axes, but its layout says how 2 are divided"):
        D.distribute_tensor(np.zeros(4), D.TensorLayout([None, "model"], mesh))


# -- checkpoints ----------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_is_restored_on_another_mesh(tmp_path):
    pytest.importorskip("orbax.checkpoint")

    def made():
        lamina.utils.set_random_seed(1)
        model = network("mlp")
        model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    mesh = D.DeviceMesh((2, 4), ["batch", "model"])
    with D.ModelParallel(layout_map="auto", device_mesh=mesh, batch_dim_name="batch").scope():
        model = made()
        model.fit(*data(32), verbose=0, callbacks=[lamina.callbacks.ShardedCheckpoint(tmp_path / "c")])
    wanted = [v.numpy() for v in (*model.weights, *model.optimizer.variables)]
    for distribution in (D.FullyShardedDataParallel(min_size=8), D.DataParallel(devices=["cpu:3"])):
        with distribution.scope():
            other = made()
            assert lamina.callbacks.ShardedCheckpoint.restore(other, tmp_path / "c") == 0
            for a, v in zip(wanted, (*other.weights, *other.optimizer.variables), strict=True):
                assert np.array_equal(v.numpy(), a)
                assert v.value.sharding.device_set == set(v.layout.device_mesh.backend_mesh.devices.flat)


@pytest.mark.slow
def test_a_checkpoint_goes_on_on_another_mesh(tmp_path):
    x, y = data(64)

    def run(distribution, epochs, name="a"):
        with distribution.scope():
            lamina.utils.set_random_seed(1)
            model = network("conv")
            model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
            history = model.fit(x, y, epochs=epochs, verbose=0, resume=tmp_path / name).history["loss"]
            return model.get_weights(), history

    mesh = D.DeviceMesh((2, 4), ["batch", "model"])
    sharded = D.FullyShardedDataParallel(min_size=8)
    auto = D.ModelParallel(layout_map="auto", device_mesh=mesh, batch_dim_name="batch")
    whole, losses = run(D.DataParallel(), 2, "whole")
    run(sharded, 1)
    weights, again = run(auto, 2)
    np.testing.assert_allclose(again, losses, 1e-5)
    for a, b in zip(whole, weights, strict=True):
        np.testing.assert_allclose(b, a, 1e-4, 1e-5)
