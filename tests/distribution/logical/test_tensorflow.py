"""On four logical devices of TensorFlow's CPU: what is trained is what one device trains."""

import numpy as np
import pytest
import tensorflow as tf
from same import Batches, L, assert_same, data, network, train

import lamina
from lamina.backends.tensorflow import dtensor
from lamina.errors import BackendError

D = lamina.distribution
SGD = lambda: lamina.optimizers.SGD(0.1)


def both(kind="mlp", distribution=None, batch_size=32, **more):
    one = train(kind, batch_size, **more)
    many = train(kind, batch_size, distribution or D.DataParallel(), **more)
    assert_same(one, many)
    return many


def test_there_are_four():
    assert D.list_devices() == [f"cpu:{i}" for i in range(4)]
    assert D.DeviceMesh((2, 2), ["batch", "model"]).backend_mesh.dim_names == ["batch", "model"]


def test_dropout_moments_and_rows_that_do_not_divide():
    found = both("mlp")
    kernel = found.model.get_layer("first").kernel
    assert isinstance(kernel._stored.tensor, dtensor.DVariable)
    both("conv", optimizer=SGD)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:A batch of")
@pytest.mark.parametrize("batch_size", [32, 13])
@pytest.mark.parametrize("kind", ["mlp", "conv", "lstm", "transformer"])
def test_at_length(kind, batch_size):
    both(kind, batch_size=batch_size, epochs=2, optimizer=SGD if kind == "conv" else None)


def test_a_batch_is_divided_and_read_in_parts():
    """Each device has a quarter of the rows, and the program sums gradients over them."""
    from lamina.training.feed.spread import spreader

    with D.DataParallel().scope():
        batch = spreader(lamina.kernel.context.current()).batch((np.arange(8.0).reshape(8, 1),))
    parts = [part.numpy().ravel().tolist() for part in tf.experimental.dtensor.unpack(batch[0])]
    assert parts == [[0, 1], [2, 3], [4, 5], [6, 7]]


class Own(lamina.Model):
    """A step with TensorFlow's tape, metrics that are more than means, and a loss over pairs of rows."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = L.Dense(16, activation="relu"), L.Dense(3, activation="softmax")
        self.noise, self.counter = L.GaussianNoise(0.1), self.add_weight((), "zeros", trainable=False)
        self.own = [
            lamina.metrics.AUC(name="auc"),
            lamina.metrics.MeanIoU(3, sparse_y_pred=False, name="iou"),
            lamina.metrics.SparseTopKCategoricalAccuracy(2, name="top"),
        ]

    def call(self, x, training=None):
        return self.head(self.noise(self.inner(tf.reshape(x, (-1, 36))), training=training))

    def train_step(self, data):
        x, y = data
        for _ in range(2):  # what the first step writes, the second one reads
            with tf.GradientTape() as tape:
                predicted = self(x, training=True)
                alike = tf.reduce_mean(lamina.ops.matmul(predicted, tf.transpose(predicted)))
                loss = self.compute_loss(x, y, predicted) + alike
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.counter.assign_add(1.0)
        hot = tf.one_hot(tf.cast(y, tf.int32), 3)
        for metric, truth in zip(self.own, (hot, y, y), strict=True):
            metric.update_state(truth, predicted)
        return {"loss": loss, "count": self.counter, **{m.name: m.result() for m in self.own}}


def test_a_step_of_the_users_own():
    found = both(Own, metrics=(), optimizer=SGD)
    assert found.history["count"] == [8.0]


@pytest.mark.slow
def test_optimizers():
    both(
        optimizer=lambda: lamina.optimizers.AdamW(
            0.01, gradient_accumulation_steps=2, use_ema=True, ema_overwrite_frequency=2, global_clipnorm=0.1
        ),
        epochs=2,
    )
    both(
        optimizer=lambda: lamina.optimizers.LossScaleOptimizer(
            SGD(), initial_scale=8.0, dynamic_growth_steps=2
        )
    )


@pytest.mark.slow
@pytest.mark.parametrize("rows", [3, 13])
def test_few_rows(rows):
    both(rows=rows, optimizer=SGD)


def of_streams():
    lamina.utils.set_random_seed(1)
    model = network("mlp")
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"])
    source = (Batches()[i % 4] for i in range(4))
    rows = tf.data.Dataset.from_tensor_slices(data(40)).batch(12)
    x, y = data(16)
    w = np.linspace(0, 1, 16)
    return (
        model.fit(Batches(), verbose=0, shuffle=False).history["loss"],
        model.fit(source, steps_per_epoch=4, epochs=1, verbose=0).history["loss"],
        model.fit(rows, verbose=0).history["loss"],
        model.train_on_batch(x, y, w),
        model.test_on_batch(x[:5], y[:5], w[:5]),
        model.predict(Batches(), verbose=0).tolist(),
        np.asarray(model(x)).tolist(),  # outside of a program
        model.evaluate(x, y, sample_weight=w, batch_size=8, verbose=0),
    )


@pytest.mark.filterwarnings("ignore:A batch of")
def test_streams_single_batches_and_weights_of_samples():
    one = of_streams()
    with D.DataParallel().scope():
        many = of_streams()
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(b, a, 1e-5, 1e-6)


def keras_guide(strategy=None):
    """As Keras's guide to training on several devices has it."""
    lamina.utils.set_random_seed(1)
    x, y = data(101)
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    if strategy is None:
        model = network("mlp")
        model.compile(SGD(), loss, metrics=["accuracy"])
    else:
        with strategy.scope():
            model = network("mlp")
            model.compile(SGD(), loss, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, validation_split=0.2, verbose=0).history
    return model, [*history.values(), model.evaluate(x, y, verbose=0), model.predict(x[:10], verbose=0)]


def test_the_scope_of_a_strategy():
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(4)])
    _, one = keras_guide()
    model, many = keras_guide(strategy)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_allclose(b, a, 1e-5, 1e-6)
    assert model.weights[0].layout.device_mesh.shape == (4,)
    assert D.distribution() is None
    x, y = data(8)
    with strategy.scope():  # `fit` inside, and a model that has weights already
        model = network("mlp")
        model(x)
        model.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, verbose=0)
        assert isinstance(model.weights[0]._stored.tensor, dtensor.DVariable)


def test_what_a_strategy_cannot_be():
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        model = network("mlp")
        model.compile("sgd", "mse")
    assert model._model_state.distribution is None
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        v = lamina.Variable(np.zeros(2, "float32"))
        with pytest.raises(BackendError, match=r"inside strategy.run"):
            strategy.run(lambda: v.assign_add(np.ones(2, "float32")))


def test_what_cannot_be_divided_is_told():
    with D.DataParallel().scope():
        model = lamina.Sequential([lamina.Input((2, 2)), L.Lambda(lambda x: tf.linalg.svd(x)[0])])
        with pytest.raises(BackendError, match=r"cannot divide .*Svd"):
            model.predict(np.ones((4, 2, 2), "float32"), verbose=0)
        model = lamina.Sequential([lamina.Input((2,)), L.Lambda(lambda x: x[:, None])])
        with pytest.raises(BackendError, match=r"Write x\[:, None, :\]"):
            model.predict(np.ones((4, 2), "float32"), verbose=0)
        some = L.Lambda(lambda x: tf.where(tf.reduce_any(x > 2), x, 0.0))
        with pytest.raises(BackendError, match=r"as many axes as its result; got one of shape \(\)"):
            lamina.Sequential([lamina.Input((2,)), some]).predict(np.ones((4, 2), "float32"), verbose=0)
        model = network("mlp")
        model.compile("sgd", "mse", run_eagerly=True)
        with pytest.raises(ValueError, match="run_eagerly=True"):
            model.fit(*data(8), verbose=0)


def test_assignments_keep_the_layout():
    mesh = D.DeviceMesh((4,), ["batch"])
    v = lamina.Variable(np.arange(8.0, dtype="float32"), layout=D.TensorLayout(["batch"], mesh))
    lies = lambda: v._stored.tensor.layout.sharding_specs
    for value in (np.zeros(8, "float32"), lamina.ops.ones((8,)), v * 2, list(range(8))):
        v.assign(value)
        assert lies() == ["batch"]
    v.assign_add(lamina.ops.ones((8,)))
    assert v.numpy().tolist() == list(range(1, 9))
    assert lies() == ["batch"]


def test_keys_drop_axes_before_the_one_that_is_divided():
    x = np.arange(24.0, dtype="float32").reshape(4, 3, 2)
    with D.DataParallel().scope():
        keys = ((0,), (slice(None), slice(None), 1), (-1, slice(None), None))
        turned = lambda x: lamina.ops.transpose(x, (1, 0, 2))
        taken = lambda x: [lamina.ops.get_item(turned(x), key) for key in keys]
        model = lamina.Sequential([lamina.Input((3, 2)), L.Lambda(taken)])
        found = model.predict(x, verbose=0)
    turned = x.transpose(1, 0, 2)
    for a, b in zip(found, (turned[0], turned[:, :, 1], turned[-1][:, None]), strict=True):
        np.testing.assert_allclose(a, b)


def test_divided_weights():
    """A LayoutMap, and fully sharded training: what one device trains, of weights of which each device holds a part."""
    layouts = D.LayoutMap(D.DeviceMesh((2, 2), ["batch", "model"]))
    layouts["first/kernel"] = (None, "model")
    layouts["first/bias"] = ("model",)
    layouts["head/kernel"] = ("model", None)
    one = train("mlp", 32)
    part = lambda variable: dtensor.dtensor.unpack(variable._stored.tensor.value())[0].shape
    for distribution, shape in (
        (D.ModelParallel(layout_map=layouts, batch_dim_name="batch"), (36, 8)),
        (D.FullyShardedDataParallel(min_size=8), (9, 16)),
    ):
        many = train("mlp", 32, distribution)
        assert_same(one, many)
        kernel = many.model.get_layer("first").kernel
        momentum = next(v for v in many.model.optimizer.variables if v.name == "first_kernel_momentum")
        assert part(kernel) == part(momentum) == shape


def moments_and_drops():
    inputs = lamina.Input((6, 6, 1))
    x = L.Dense(16, "relu", name="first")(L.Flatten()(inputs))
    return lamina.Model(inputs, L.Dense(3)(L.Dropout(0.2)(L.BatchNormalization()(x))))


def test_divided_moments():
    """What every device computes whole, where its result is kept in parts."""
    found = both(moments_and_drops, D.FullyShardedDataParallel(min_size=8), optimizer=SGD)
    moving = next(v for v in found.model.variables if v.path.endswith("moving_mean"))
    assert max(moving.placement.parts) == 4
