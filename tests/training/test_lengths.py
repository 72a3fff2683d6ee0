"""How long epochs are, who is called when, and what ends endless sources; Keras as oracle where it is right."""

import itertools
import warnings

import numpy as np
import pytest
from models import linear
from oracle import keras

import lamina

ROWS = np.arange(10, dtype="float32")[:, None]
ZERO = np.zeros_like(ROWS)


def numbered(k, count):
    class Numbered(k.utils.PyDataset):
        def __len__(self):
            return count

        def __getitem__(self, index):
            return np.full((2, 1), float(index), "float32"), ZERO[:2]

    return Numbered()


def in_keras():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(0.0), "mae")
    return model


def batches(count=None):
    """An endless source, or one of so many batches."""
    for i in itertools.count() if count is None else range(count):
        yield np.full((2, 1), float(i), "float32"), ZERO[:2]


class Calls:
    """Notes calls of batch hooks; made for each library below."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(("train begin", batch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(("train end", batch))

    def on_test_batch_begin(self, batch, logs=None):
        self.calls.append(("test begin", batch))

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(("test end", batch))

    def on_predict_batch_begin(self, batch, logs=None):
        self.calls.append(("predict begin", batch))

    def on_predict_batch_end(self, batch, logs=None):
        self.calls.append(("predict end", batch, np.shape(logs["outputs"])))


def watch(k):
    return type("Watch", (Calls, k.callbacks.Callback), {})()


def runs(k, model, source, **how):
    """History, calls, and how many warnings there were."""
    calls = watch(k)
    x, y = source if isinstance(source, tuple) else (source, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(x, y, verbose=0, shuffle=False, callbacks=[calls], **how)
    return history.history, calls.calls, len(caught)


@pytest.mark.parametrize(
    "how",
    [
        {"steps_per_epoch": 2, "epochs": 4},
        {"steps_per_epoch": 8, "epochs": 3},
        {"steps_per_epoch": 5, "epochs": 2},
        {"steps_per_epoch": 2, "epochs": 4, "initial_epoch": 1},
    ],
)
@pytest.mark.parametrize("kind", ["arrays", "data set"])
def test_epochs_go_on_with_the_same_pass(kind, how):
    source = lambda k: (ROWS, ZERO) if kind == "arrays" else numbered(k, 5)
    how = how | ({"batch_size": 2} if kind == "arrays" else {})
    with lamina.backend("torch"):
        assert runs(lamina, linear(), source(lamina), **how) == runs(keras, in_keras(), source(keras), **how)


def test_a_source_that_can_be_read_again_is_as_a_data_set():
    listed = list(batches(3))
    with lamina.backend("torch"), pytest.warns(UserWarning, match="ended after 1 batches, 2 were asked for"):
        history = linear().fit(listed_source(listed), steps_per_epoch=2, epochs=3, verbose=0, shuffle=False)
    assert history.history["loss"] == [0.5, 2.0, 0.5]


def listed_source(listed):
    class Source:
        def __iter__(self):
            return iter(listed)

    return Source()


@pytest.mark.parametrize("steps", [2, 3, 5])
@pytest.mark.parametrize("kind", ["indexed", "iterable"])
def test_validation_has_the_same_batches_in_every_epoch(kind, steps):
    source = lambda k: numbered(k, 3)
    how = {"epochs": 3, "validation_steps": steps, "batch_size": 5}
    theirs = runs(keras, in_keras(), (ROWS, ZERO), validation_data=source(keras), **how)
    with lamina.backend("torch"):
        ours = source(lamina) if kind == "indexed" else listed_source(list(batches(3)))
        assert runs(lamina, linear(), (ROWS, ZERO), validation_data=ours, **how) == theirs


def test_a_generator_validates_until_it_is_used_up():
    with lamina.backend("torch"), pytest.warns(UserWarning, match="so validation ends"):
        history = linear().fit(
            ROWS, ZERO, epochs=3, verbose=0, validation_data=batches(3), validation_steps=3
        )
    assert (history.history["val_loss"], history.epoch) == ([1.0], [0, 1, 2])


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
@pytest.mark.parametrize("size", [None, 2])
def test_steps_of_predict_and_evaluate_on_arrays(steps, size):
    theirs = in_keras()
    with warnings.catch_warnings(), lamina.backend("torch"):
        warnings.simplefilter("ignore")
        how = {"steps": steps, "batch_size": size, "verbose": 0}
        np.testing.assert_array_equal(linear().predict(ROWS, **how), theirs.predict(ROWS, **how))
        assert linear().evaluate(ROWS, ZERO, **how) == pytest.approx(theirs.evaluate(ROWS, ZERO, **how))


@pytest.mark.parametrize("kind", ["generator", "data set", "iterable"])
def test_predict_stops_where_the_data_does(kind):
    source = {
        "generator": batches(3),
        "data set": numbered(lamina, 3),
        "iterable": listed_source(list(batches(3))),
    }
    with lamina.backend("torch"), pytest.warns(UserWarning, match="ended after 3 batches, 5 were asked for"):
        found = linear().predict(source[kind], steps=5, verbose=0)
    assert found.ravel().tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.around_the_step
def test_callbacks_hear_of_each_execution(backend):
    model, calls = linear(steps_per_execution=2), watch(lamina)
    model.fit(batches(5), verbose=0, callbacks=[calls])
    model.evaluate(batches(5), verbose=0, callbacks=[calls])
    model.predict(batches(5), verbose=0, callbacks=[calls])
    places = [("begin", 0), ("end", 1), ("begin", 2), ("end", 3), ("begin", 4), ("end", 4)]
    assert [(call[0].split()[1], call[1]) for call in calls.calls] == places * 3
    assert [call[2] for call in calls.calls if call[0] == "predict end"] == [(4, 1), (4, 1), (2, 1)]


MODES = {"eager": {"run_eagerly": True}, "graph": {"jit_compile": False}, "jit": {"jit_compile": True}}


IN_A_TRACE = pytest.mark.filterwarnings(
    "ignore:The .grad attribute"
)  # torch's own, while Dynamo looks at tensors


@IN_A_TRACE
@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("mode", ["eager", "graph", pytest.param("jit", marks=pytest.mark.slow)])
def test_callbacks_end_endless_sources(backend, every, mode):
    if backend != "torch" and every == 3 and mode != "jit":
        pytest.skip("one compilation per kind is enough")

    class Stop(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = True

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = True

    model = linear(steps_per_execution=every, **MODES[mode])
    mean = (every - 1) / 2
    assert model.fit(batches(), verbose=0, callbacks=[Stop()], epochs=3).history["loss"] == [mean]
    assert model.evaluate(batches(), verbose=0, callbacks=[Stop()]) == mean
    assert len(model.predict(batches(), verbose=0, callbacks=[Stop()])) == 2 * every


@pytest.mark.around_the_step
@IN_A_TRACE
@pytest.mark.parametrize("mode", ["eager", "graph", pytest.param("jit", marks=pytest.mark.slow)])
def test_callbacks_are_called_in_the_same_order_in_every_mode(backend, mode):
    def sequence(k, model):
        calls = watch(k)
        model.fit(numbered(k, 3), epochs=2, verbose=0, callbacks=[calls], validation_data=numbered(k, 2))
        model.evaluate(numbered(k, 2), verbose=0, callbacks=[calls])
        model.predict(numbered(k, 2), verbose=0, callbacks=[calls])
        return calls.calls

    assert sequence(lamina, linear(**MODES[mode])) == sequence(keras, in_keras())


@pytest.mark.around_the_step
@pytest.mark.parametrize("what", ["evaluate", "test_on_batch", "train_on_batch", "predict"])
def test_calls_in_a_callback_leave_the_metrics_of_the_epoch(backend, what):
    class Other(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            x, y = ROWS + 5, ZERO
            if what == "predict":
                self.model.predict(x, verbose=0)
            elif what == "evaluate":
                self.model.evaluate(x, y, verbose=0)
            else:
                getattr(self.model, what)(x[:2], y[:2])

        def on_epoch_end(self, epoch, logs=None):
            self.logs = dict(logs)

    other = Other()
    history = linear(metrics=["mae"]).fit(ROWS, ZERO, batch_size=2, verbose=0, callbacks=[other]).history
    assert history == {"loss": [4.5], "mae": [4.5]}
    assert other.logs == {"loss": 4.5, "mae": 4.5}
