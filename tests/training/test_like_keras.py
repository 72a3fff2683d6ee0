"""What users of Keras write and expect: overridden methods, data as it comes, eager runs, mistakes told in words."""

import traceback
import warnings

import numpy as np
import pytest
from models import linear
from oracle import keras

import lamina
from lamina import ops

X, Y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")


@pytest.fixture
def torch():
    with lamina.backend("torch"):
        yield


def dense(kind=None, units=1, loss="mse", activation=None, k=lamina, **compiled):
    inputs = k.Input((2,))
    outputs = k.layers.Dense(units, activation=activation, kernel_initializer="ones")(inputs)
    model = (kind or k.Model)(inputs, outputs)
    model.compile(k.optimizers.SGD(0.0), loss, **compiled)
    return model


# -- methods of a model's own ----------------------------------------------------------------------------------------


def with_metrics(k):
    class WithMetrics(k.Model):
        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            found = super().compute_metrics(x, y, y_pred, sample_weight)
            return found | {"mean": k.ops.mean(y_pred)}

    return WithMetrics


def test_an_overridden_compute_metrics_is_called(backend):
    ours, theirs = (
        dense(with_metrics(lamina), metrics=["mae"]),
        dense(with_metrics(keras), k=keras, metrics=["mae"]),
    )
    how = {"batch_size": 4, "verbose": 0}
    assert ours.fit(X, Y, **how).history == theirs.fit(X, Y, **how).history
    assert ours.evaluate(X, Y, return_dict=True, **how) == theirs.evaluate(X, Y, return_dict=True, **how)


class All(lamina.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(y_pred)


class NoTraining(lamina.Model):
    def compute_loss(self, x, y, y_pred, sample_weight):
        return ops.mean(y_pred)


class Two(lamina.Model):
    def compute_loss(self, y_pred, y):
        return ops.mean(y_pred) + 0 * ops.mean(y)


class Keywords(lamina.Model):
    def compute_loss(self, y_pred=None, **others):
        assert set(others) == {"x", "y", "sample_weight", "training"}
        return ops.mean(y_pred)


@pytest.mark.parametrize("kind", [All, NoTraining, Two, Keywords])
def test_compute_loss_takes_what_it_names(torch, kind):
    model = dense(kind)
    assert model.fit(X, Y, verbose=0).history["loss"] == [2.0]
    assert model.evaluate(X, Y, verbose=0) == 2.0


def test_a_step_of_ones_own_gets_what_the_source_gives(torch):
    seen = []

    class Own(lamina.Model):
        def train_step(self, data):
            seen.append((type(data), len(data)))
            return {"loss": ops.sum(next(iter(lamina.tree.flatten(data))))}

        test_step = train_step

    model = dense(Own, loss=None)
    given = [{"x": X, "y": Y}, (X, Y, Y), (X, Y, Y, Y), [X, Y]]
    for data in given:
        model.fit((d for d in [data]), verbose=0)
        model.evaluate((d for d in [data]), verbose=0)
        assert seen == [(type(data), len(data))] * len(seen)
        seen.clear()
    model.fit({"x": X, "y": Y}, verbose=0)
    assert set(seen) == {(dict, 2)}
    assert lamina.utils.pack_x_y_sample_weight({"x": 1}) == {"x": 1}


def test_a_model_without_weights_or_loss_trains_with_a_warning(backend):
    model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Activation("relu")])
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="has no trainable weights"):
        assert model.fit(X, X * 0, verbose=0).history["loss"] == [1.0]
    model = dense(loss=None, metrics=["mae"])
    with pytest.warns(UserWarning, match="nothing to minimise"):
        assert model.fit(X, Y, verbose=0).history == {"loss": [0.0], "mae": [2.0]}
        assert model.evaluate(X, Y, verbose=0) == [0.0, 2.0]


def test_lists_for_named_inputs_are_in_the_order_of_declaration(torch):
    v, u, w = (lamina.Input((2,), name=name) for name in "vuw")
    model = lamina.Model({"v": v, "u": u}, lamina.layers.Subtract()([u, v]))
    np.testing.assert_array_equal(model.predict([X * 3, X], verbose=0), X * -2)
    np.testing.assert_array_equal(model.predict({"u": X, "v": X * 3}, verbose=0), X * -2)
    nested = lamina.Model([w, {"v": v, "u": u}], lamina.layers.Subtract()([u, v]) + 0 * w)
    np.testing.assert_array_equal(ops.convert_to_numpy(nested([X, [X * 3, X]])), X * -2)


def test_one_output_in_a_list_or_dict_takes_a_bare_target(torch):
    inputs = lamina.Input((2,))
    out = lamina.layers.Dense(1, kernel_initializer="ones")(inputs)
    for outputs in ([out], {"a": out}):
        model = lamina.Model(inputs, outputs)
        model.compile(lamina.optimizers.SGD(0.0), "mse")
        assert model.fit(X, Y, verbose=0).history["loss"] == [4.0]


# -- eager -----------------------------------------------------------------------------------------------------------


def test_run_eagerly_shows_numbers_and_nothing_else(backend, capsys):
    class Looks(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1)

        def call(self, x):
            mean = float(ops.convert_to_numpy(ops.mean(x)))
            print("mean", mean)
            return self.dense(x) if mean > 0 else self.dense(-x)

    for first in ("fit", "predict", "train_on_batch", "evaluate"):
        model = Looks()
        model.compile("sgd", "mse", run_eagerly=True)
        getattr(model, first)(*([X] if first == "predict" else [X, Y]))
        assert {line for line in capsys.readouterr().out.splitlines() if "mean" in line} == {"mean 1.0"}
        model.fit(X, Y, verbose=0)
        assert set(capsys.readouterr().out.splitlines()) == {"mean 1.0"}


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.around_the_step
@pytest.mark.parametrize("label", [-1, 3])
def test_labels_that_are_no_classes(backend, label):
    model = dense(units=3, loss=lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.array([0, 1, 2, 0, 1, 2, 0, label])
    for call in (
        lambda: model.fit(X, labels, batch_size=4, verbose=0),
        lambda: model.evaluate(X, labels, verbose=0),
    ):
        with pytest.raises(ValueError, match=f"holds the label {label}, but the model tells 3 classes apart"):
            call()
    with pytest.raises(ValueError, match="labels must be 0 to 2"):
        model.train_on_batch(X, labels)
    model.fit(X, labels, sample_weight=(labels != label).astype("float32"), verbose=0)


def test_labels_that_are_ignored_may_be_anything(torch):
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    dense(units=3, loss=loss).fit(X, np.array([0, 1, 2, -1] * 2), verbose=0)


@pytest.mark.parametrize("dtype", ["U1", object])
def test_texts_as_labels(torch, dtype):
    with pytest.raises(ValueError, match=r"`y` holds texts \('a', ...\): encode them as numbers"):
        dense().fit(X, np.array(["a", "b"] * 4, dtype), verbose=0)


@pytest.mark.parametrize(
    ("activation", "units", "loss", "words"),
    [
        ("softmax", 1, "mse", "softmax over one unit"),
        ("softmax", 3, lamina.losses.CategoricalCrossentropy(from_logits=True), "softmax is applied twice"),
        ("sigmoid", 1, lamina.losses.BinaryCrossentropy(from_logits=True), "sigmoid is applied twice"),
    ],
)
def test_outputs_that_cannot_be_meant(torch, activation, units, loss, words):
    model = dense(units=units, loss=loss, activation=activation)
    with pytest.warns(UserWarning, match=words):
        model.fit(X, np.zeros((8, units), "float32"), verbose=0)


def test_numbers_that_are_missing(torch):
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.warns(UserWarning, match=r"`x` holds NaN in the first batch \(row 3\)"):
        dense().fit(x, Y, verbose=0)


def test_nothing_is_said_of_what_is_right(torch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = dense(units=3, activation="softmax", loss="sparse_categorical_crossentropy")
        model.fit(X, np.arange(8) % 3, verbose=0)


def test_errors_show_the_users_lines_and_no_others(torch):
    class Fails(lamina.Model):
        def call(self, x):
            raise RuntimeError("mine")

    def files():
        model = Fails()
        model.compile("sgd", "mse", run_eagerly=True)
        with pytest.raises(RuntimeError, match="mine") as caught:
            model.fit(X, Y, verbose=0)
        return [f.filename.rpartition("/")[2] for f in traceback.extract_tb(caught.value.__traceback__)]

    here = "test_like_keras.py"
    assert files() == [here, here]
    lamina.config.disable_traceback_filtering()
    try:
        assert len(files()) > 5
    finally:
        lamina.config.enable_traceback_filtering()


# -- callbacks -------------------------------------------------------------------------------------------------------


def test_history_after_a_backup_holds_the_epochs_that_ran(torch, tmp_path):
    class Stop(lamina.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    rows = np.arange(4, dtype="float32")[:, None]
    backup = lambda: lamina.callbacks.BackupAndRestore(tmp_path / "b")
    with pytest.raises(KeyboardInterrupt):
        linear().fit(rows, rows, epochs=6, verbose=0, callbacks=[backup(), Stop()])
    history = linear().fit(rows, rows, epochs=6, verbose=0, callbacks=[backup()])
    assert history.epoch == [3, 4, 5]
    assert len(history.history["loss"]) == 3
    with pytest.raises(ValueError, match="`backup_dir` of BackupAndRestore is empty"):
        lamina.callbacks.BackupAndRestore(None)


def test_layers_inside_one_that_looks_at_numbers_are_built_ahead_of_training(torch):
    """A graph of shapes knows the layer's output by its own word, and not the weights inside."""

    class Looks(lamina.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1)

        def call(self, x):
            return self.dense(x) if float(ops.mean(x)) > 0 else self.dense(-x)

        def compute_output_shape(self, shape):
            return (*shape[:-1], 1)

    model = lamina.Sequential([lamina.Input((2,)), Looks()])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, epochs=3, verbose=0).history["loss"]
    assert history[0] > history[-1] > 0


def test_a_lambda_of_a_function_that_says_no_parameters(backend):
    import importlib

    module = {"jax": "jax.numpy", "torch": "torch", "tensorflow": "tensorflow"}[backend]
    function = importlib.import_module(module).sin
    inputs = lamina.Input((2,))
    model = lamina.Model(inputs, lamina.layers.Lambda(function)(inputs))
    np.testing.assert_allclose(model.predict(X, verbose=0), np.sin(X), rtol=1e-6)


@pytest.mark.around_the_step
def test_endless_sources_end_when_they_are_told_to(backend):
    class Stop(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 2

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 2

    class Endless(lamina.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return X, Y

    def generator():
        while True:
            yield X, Y

    for mode in ({"run_eagerly": True}, {"jit_compile": False}):
        model = dense(**mode)
        for source in (generator, Endless, lambda: Endless(workers=2)):
            assert model.fit(source(), epochs=2, verbose=0, callbacks=[Stop()]).epoch == [0]
            assert model.evaluate(source(), verbose=0, callbacks=[Stop()]) == 4.0
            assert model.predict(source(), verbose=0, callbacks=[Stop()]).shape == (24, 1)


@pytest.mark.parametrize("rows", [3, 40])
def test_predictions_may_be_written_to(rows):
    """As packages do that make labels of probabilities; also where the framework's own arrays are read-only."""
    x = np.ones((rows, 2), "float32")
    with lamina.backend("jax"):
        model = dense()
        for predicted in (
            model.predict(x, verbose=0),
            model.predict(x, verbose=2),
            model.predict_on_batch(x),
        ):
            predicted[predicted < 9] = 0
            assert predicted.sum() == 0
