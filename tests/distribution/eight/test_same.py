"""What is trained on eight devices is what is trained on one."""

import warnings

import jax
import pytest
from same import L, assert_same, data, network, train

import lamina

D = lamina.distribution


@pytest.fixture(scope="module")
def one():
    """The runs on one device, each made once."""
    made = {}

    def found(kind, batch_size, **more):
        key = (kind, batch_size, *sorted(more))
        if key not in made:
            made[key] = train(kind, batch_size, **more)
        return made[key]

    return found


def mesh():
    return D.DeviceMesh((2, 4), ["batch", "model"])


def test_there_are_eight():
    assert D.list_devices() == [f"cpu:{i}" for i in range(8)]
    assert D.get_device_count() == 8
    assert mesh().devices.shape == (2, 4)
    assert mesh().backend_mesh.shape == {"batch": 2, "model": 4}


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_data_parallel(one, kind):
    """101 rows in batches of 32: the last one of 5 rows does not divide."""
    assert_same(one(kind, 32), train(kind, 32, D.DataParallel()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A batch of")
@pytest.mark.parametrize("batch_size", [32, 20, 13])
@pytest.mark.parametrize("kind", ["mlp", "conv", "lstm", "transformer"])
def test_data_parallel_at_length(one, kind, batch_size):
    assert_same(one(kind, batch_size, epochs=2), train(kind, batch_size, D.DataParallel(), epochs=2))


def test_a_batch_that_does_not_divide_lies_on_as_many_devices_as_it_can():
    x, y = data(40)
    with D.DataParallel().scope():
        model = lamina.Sequential([lamina.Input((6, 6, 1)), L.Flatten(), L.Dense(3)])
        model.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        with pytest.warns(
            UserWarning, match="20 rows does not divide over 8 devices, so it is divided over 4"
        ):
            model.fit(x, y, batch_size=20, verbose=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(x, y, batch_size=16, verbose=0)  # the last batch, of 8
            model.fit(x[:20], y[:20], batch_size=16, verbose=0)  # and of 4
            assert model.predict(x[:10], verbose=0).shape == (10, 3)
            assert model.predict(x[:0], verbose=0).shape == (0, 3)


def layouts():
    found = D.LayoutMap(mesh())
    found["first/kernel"] = (None, "model")
    found["first/bias"] = ("model",)
    found["head/kernel"] = ("model", None)
    return found


def test_model_parallel(one):
    found = train("mlp", 32, D.ModelParallel(layout_map=layouts(), batch_dim_name="batch"))
    assert_same(one("mlp", 32), found)
    kernel = found.model.get_layer("first").kernel
    assert kernel.value.sharding.spec == jax.sharding.PartitionSpec(None, "model")
    momentum = next(v for v in found.model.optimizer.variables if v.name == "first_kernel_momentum")
    assert (
        momentum.value.sharding == kernel.value.sharding
    )  # state lies where its weight does, and stays there
    parts = sum(v.value.addressable_data(0).nbytes for v in found.model.weights)
    whole = sum(w.nbytes for w in found.weights)
    replicated = found.model.get_layer("head").bias.numpy().nbytes
    assert parts - replicated <= 1.05 * (whole - replicated) / 4


def test_model_parallel_outputs_have_their_layout():
    layouts_ = layouts()
    layouts_["first/output"] = ("batch", "model")
    asked = []
    parallel = D.ModelParallel(layout_map=layouts_)
    with parallel.scope():
        lamina.utils.set_random_seed(1)
        model = network("mlp")
        model.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        plain, parallel.lay_out = (
            parallel.lay_out,
            lambda layer, y: asked.append(layer.name) or plain(layer, y),
        )
        model.fit(*data(32), verbose=0)
    assert "first" in asked


def test_fully_sharded(one):
    sharded = D.FullyShardedDataParallel(min_size=8)
    found = train("mlp", 32, sharded)
    assert_same(one("mlp", 32), found)
    kernel = found.model.get_layer("first").kernel  # of shape (36, 16)
    assert kernel.layout.axes == (None, "batch")
    assert kernel.value.addressable_data(0).shape == (36, 2)
    assert {v.name for v in found.model.optimizer.variables if any(v.layout.axes)} >= {
        "first_kernel_momentum", "first_kernel_velocity", "first_bias_momentum",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["conv", "lstm", "transformer"])
def test_others_at_length(one, kind):
    for distribution in (
        D.FullyShardedDataParallel(min_size=8),
        D.FullyShardedDataParallel(min_size=8, reshard_after_forward=False),
        D.ModelParallel(layout_map="auto", device_mesh=mesh(), batch_dim_name="batch"),
    ):
        assert_same(one(kind, 32), train(kind, 32, distribution))
