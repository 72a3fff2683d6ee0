"""Copies and pickles: whatever a model is made of, in this process and in one that is started anew."""

import collections
import copy
import io
import multiprocessing
import pickle

import numpy as np
import pytest

import lamina
from lamina import layers, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")
Pair = collections.namedtuple("Pair", ["mean", "spread"])


class Scale(layers.Layer):
    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), initializer=Ramp(2.0))

    def call(self, x):
        return x * self.gain


class Ramp(lamina.initializers.Initializer):
    def __init__(self, top=1.0):
        self.top = top

    def __call__(self, shape, dtype=None):
        return ops.ones(shape, dtype) * self.top


class Cubes(lamina.regularizers.Regularizer):
    def __call__(self, w):
        return ops.sum(ops.abs(w) ** 3)


class Steep(lamina.losses.Loss):
    def __init__(self, power=2.0, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** self.power, axis=-1)


class Largest(lamina.metrics.Metric):
    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.top = self.add_weight(shape=(), initializer="zeros", name="top")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.top.assign(ops.maximum(self.top, ops.max(y_pred)))

    def result(self):
        return self.top


class Slow(lamina.optimizers.SGD):
    pass


class Fading(lamina.optimizers.schedules.LearningRateSchedule):
    def __init__(self, top=0.1):
        self.top = top

    def __call__(self, step):
        return self.top / (1.0 + ops.cast(step, "float32"))


class Noting(lamina.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = [1, 2]


class Stack(lamina.Model):
    def __init__(self, units):
        super().__init__()
        self.units, self.parts = units, [layers.Dense(u) for u in units]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


def doubled(x):
    return 2.0 * x


def small(*inner, optimizer="sgd", **kwargs):
    model = lamina.Sequential([lamina.Input((4,)), *inner, layers.Dense(2)])
    model.compile(optimizer, **{"loss": "mse"} | kwargs)
    return model


def one_step(model):
    """Given gradients: NumPy has none."""
    weights = model.trainable_variables
    model.optimizer.apply([np.full(v.shape, 0.5, "float32") for v in weights], weights)


def stack():
    model = Stack([3, 2])
    model(X)
    model.compile(Slow(0.1), Steep(3.0))
    return model


MODELS = {
    "own layer": lambda: small(Scale()),
    "own parts": lambda: small(
        layers.Dense(3, activation=doubled, kernel_initializer=Ramp(0.5), bias_regularizer=Cubes())
    ),
    "own training": lambda: small(
        optimizer=Slow(Fading(), momentum=0.9), loss=Steep(1.5), metrics=[Largest()]
    ),
    "own model": stack,
    "noise": lambda: small(layers.Dropout(0.5), layers.GaussianNoise(0.5)),
    "averages": lambda: small(optimizer=lamina.optimizers.Adam(0.1, use_ema=True)),
    "both ways": lambda: small(layers.Reshape((4, 1)), layers.Bidirectional(layers.LSTM(2))),
}


def through_joblib(thing):
    joblib = pytest.importorskip("joblib")
    file = io.BytesIO()
    joblib.dump(thing, file)
    file.seek(0)
    return joblib.load(file)


def through_cloudpickle(thing):
    return pickle.loads(pytest.importorskip("cloudpickle").dumps(thing))


WAYS = {
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "deepcopy": copy.deepcopy,
    "cloudpickle": through_cloudpickle, "joblib": through_joblib,
}  # fmt: skip


def state(model):
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", MODELS)
def test_a_copy_is_the_same_model_and_goes_its_own_way(kind, way):
    """Weights, seeds and the optimizer's state; then a step of one is not a step of the other."""
    model = MODELS[kind]()
    one_step(model)
    other = WAYS[way](model)
    assert type(other) is type(model)
    for a, b in zip(state(model), state(other), strict=True):
        np.testing.assert_array_equal(a, b)
    before = state(model)
    one_step(other)
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    one_step(model)
    for a, b in zip(state(model), state(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_function_that_mentions_lamina_is_sent_by_value():
    """As from a notebook: `lazy_loader` gives some packages a class that cloudpickle does not know."""
    cloudpickle = pytest.importorskip("cloudpickle")
    code = "def f(x):\n    return ops.tanh(x) + layers.Dense(1).units + initializers.Zeros()((1,)) + len(visual.__name__)"
    names = {
        "ops": ops,
        "layers": layers,
        "initializers": lamina.initializers,
        "visual": lamina.visual,
        "backend": lamina.backend,
    }
    exec(code, names)
    f = pickle.loads(cloudpickle.dumps(names["f"]))
    np.testing.assert_allclose(ops.convert_to_numpy(f(np.zeros(1, "float32"))), 1.0 + len("lamina.visual"))
    assert pickle.loads(cloudpickle.dumps(lamina.backend)) is lamina.backend


def in_another_process(model, loss, metric, optimizer, callback, initializer, queue):
    queue.put(
        (
            np.asarray(model.predict(X, verbose=0)), loss.power, float(metric.result()), float(optimizer.learning_rate.numpy()),
            callback.seen, initializer.top, len(model.optimizer.variables),
        )
    )  # fmt: skip


def test_across_a_process_that_is_started_anew():
    context = multiprocessing.get_context("spawn")
    model, metric = small(Scale(), loss=Steep(1.5)), Largest()
    one_step(model)
    metric.update_state(Y, np.full((6, 2), 7.0, "float32"))
    queue = context.Queue()
    given = (model, Steep(4.0), metric, Slow(0.25), Noting(), Ramp(3.0), queue)
    process = context.Process(target=in_another_process, args=given)
    process.start()
    found, power, top, rate, seen, ramp, count = queue.get(timeout=300)
    process.join()
    np.testing.assert_allclose(found, model.predict(X, verbose=0), rtol=1e-6)
    assert (power, top, rate, seen, ramp, count) == (
        4.0,
        7.0,
        0.25,
        [1, 2],
        3.0,
        len(model.optimizer.variables),
    )


# -- containers --------------------------------------------------------------------------------------------------------


@lamina.saving.register_keras_serializable("copies")
class Circle(layers.Layer):
    """Its list holds itself, and a dict that holds the list and the layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        first = layers.Dense(3)
        box = [first]
        box.append({"box": box, "self": self, "other": layers.Dense(2)})
        self.box = box
        self.again = box

    def call(self, x):
        return self.box[1]["other"](self.box[0](x))


def test_containers_that_hold_themselves_are_saved_once(tmp_path):
    model = lamina.Sequential([lamina.Input((4,)), Circle()])
    layer = model.layers[0]
    assert layer.box[1]["box"] is layer.box
    assert len(model.weights) == 4
    wanted = model.predict(X, verbose=0)
    model.save(tmp_path / "m.keras")
    for ending in (".weights.h5", ".safetensors", ".npz"):
        model.save_weights(tmp_path / f"m{ending}")
    again = lamina.saving.load_model(tmp_path / "m.keras")
    for other in (again, copy.deepcopy(model), lamina.models.clone_model(model)):
        for ending in (".weights.h5", ".safetensors", ".npz"):
            other.load_weights(tmp_path / f"m{ending}")
        np.testing.assert_allclose(other.predict(X, verbose=0), wanted, rtol=1e-6)


def test_a_circle_in_the_arguments_is_refused_in_words(tmp_path):
    @lamina.saving.register_keras_serializable("copies")
    class Given(layers.Layer):
        def __init__(self, table, **kwargs):
            super().__init__(**kwargs)
            self.table = table

        def call(self, x):
            return x

    table = {"a": [1]}
    table["a"].append(table)
    model = lamina.Sequential([lamina.Input((4,)), Given(table)])
    with pytest.raises(lamina.errors.SerializationError, match="contains itself"):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []


def test_named_outputs(tmp_path):
    """In the process they stay named; a file of Keras keeps their order and no names."""
    x = lamina.Input((4,))
    model = lamina.Model(x, Pair(layers.Dense(2)(x), layers.Dense(3)(x)))
    assert type(model.predict(X, verbose=0)) is Pair
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), lamina.models.clone_model(model)):
        assert type(other(X)) is Pair
    model.save(tmp_path / "m.keras")
    found = lamina.saving.load_model(tmp_path / "m.keras").predict(X, verbose=0)
    assert type(found) is list
    for a, b in zip(found, model.predict(X, verbose=0), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
