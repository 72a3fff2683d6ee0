"""Callbacks: the same decisions as real Keras on the same logs, and their own behaviour."""

import os
import threading
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

import lamina
from lamina import callbacks


class Rates:
    """An optimizer as far as callbacks look."""

    def __init__(self):
        self.learning_rate = 0.1


def stand_in(metrics=()):
    """A model as far as callbacks look."""
    weights = [np.zeros(2)]
    model = SimpleNamespace(optimizer=Rates(), metrics=list(metrics), stop_training=False, history=None)
    model.get_weights = lambda: [w.copy() for w in weights]
    model.set_weights = lambda new: weights.__setitem__(slice(None), new)
    return model


def follow(callback, model, sequence):
    """Run a callback over the logs of epochs; gives what it decided after each."""
    callback.set_model(model)
    callback.set_params({"epochs": len(sequence), "steps": 1, "verbose": 0})
    callback.on_train_begin({})
    decisions = []
    for epoch, logs in enumerate(sequence):
        logs = dict(logs)
        model.set_weights([np.full(2, float(epoch + 1))])
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, logs)
        decisions.append((model.stop_training, round(float(model.optimizer.learning_rate), 7), sorted(logs)))
        if model.stop_training:
            break
    callback.on_train_end({})
    return decisions, model.get_weights()[0].tolist()


WALKS = [
    [1.0, 0.5, 0.6, 0.7, 0.4, 0.9],
    [1.0, 1.0, 1.0, 1.0, 1.0],
    [0.3, 0.35, 0.29, 0.31, 0.30, 0.28],
    [2.0, float("nan"), 1.0, 1.5, 1.6],
    [1.0, 0.95, 0.92, 0.91, 0.905],
]
STOPPING = [
    {},
    {"patience": 1},
    {"patience": 2, "restore_best_weights": True},
    {"min_delta": 0.1, "patience": 1},
    {"baseline": 0.6, "patience": 1},
    {"start_from_epoch": 2, "restore_best_weights": True},
    {"mode": "max", "patience": 1, "restore_best_weights": True},
]
PLATEAU = [
    {"patience": 1},
    {"patience": 2, "factor": 0.5},
    {"patience": 1, "cooldown": 2},
    {"patience": 1, "min_lr": 0.03},
    {"patience": 1, "min_delta": 0.2, "mode": "max"},
]


@pytest.mark.parametrize("options", STOPPING)
def test_early_stopping_decides_as_keras(options):
    from oracle import keras

    for walk in WALKS:
        sequence = [{"val_loss": v} for v in walk]
        ours = follow(callbacks.EarlyStopping("val_loss", **options), stand_in(), sequence)
        theirs = follow(keras.callbacks.EarlyStopping("val_loss", **options), stand_in(), sequence)
        assert ours == theirs, walk


@pytest.mark.parametrize("options", PLATEAU)
def test_reduce_on_plateau_decides_as_keras(options):
    from oracle import keras

    for walk in WALKS:
        sequence = [{"val_loss": v} for v in walk]
        ours = follow(callbacks.ReduceLROnPlateau("val_loss", **options), stand_in(), sequence)
        theirs = follow(keras.callbacks.ReduceLROnPlateau("val_loss", **options), stand_in(), sequence)
        assert ours == theirs, walk


def test_direction_comes_from_the_metric():
    up, down = lamina.metrics.Recall(name="r"), lamina.metrics.MeanSquaredError(name="e")
    for name, walk, stops in (("val_r", [1, 2, 1], 2), ("val_e", [2, 1, 2], 2), ("val_loss", [2, 1, 2], 2)):
        callback = callbacks.EarlyStopping(name)
        follow(callback, stand_in([up, down]), [{name: v} for v in walk])
        assert callback.stopped_epoch == stops
    with pytest.raises(ValueError, match="Pass mode='max' or mode='min'"):
        follow(callbacks.EarlyStopping("speed"), stand_in([up]), [{"speed": 1.0}, {"speed": 2.0}])


@pytest.mark.parametrize("metric", ["accuracy", "mse", "mae", "auc"])
def test_direction_by_names_given_to_compile(metric):
    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "mse", metrics=[metric])
    model.train_on_batch(np.ones((4, 1)), np.ones((4, 1)))
    callback = callbacks.EarlyStopping("val_" + metric)
    callback.set_model(model)
    assert callback._direction() == ("up" if metric in ("accuracy", "auc") else "down")


def test_a_metric_that_is_missing_is_told_with_the_nearest_name():
    with pytest.raises(
        ValueError, match=r"'val_los'.*Did you mean 'val_loss'"
    ):  # as Keras: it knows no direction
        follow(callbacks.EarlyStopping("val_los"), stand_in(), [{"val_loss": 1.0}])
    with pytest.warns(UserWarning, match=r"'val_los'.*Did you mean 'val_loss'"):
        follow(callbacks.EarlyStopping("val_los", mode="min"), stand_in(), [{"val_loss": 1.0}])
    with pytest.warns(UserWarning, match="There is no validation: give `validation_data`"):
        follow(callbacks.EarlyStopping("val_loss"), stand_in(), [{"loss": 1.0}])
    with pytest.warns(UserWarning, match="unknown; 'auto' is used"):
        callbacks.EarlyStopping(mode="upwards")


def test_early_stopping_says_so(capsys):
    sequence = [{"val_loss": v} for v in (1, 0.5, 0.6, 0.7)]
    follow(callbacks.EarlyStopping(verbose=1, restore_best_weights=True), stand_in(), sequence)
    assert capsys.readouterr().out == (
        "Epoch 3: early stopping\nRestoring the weights of the best epoch: 2.\n"
    )


def test_learning_rate_scheduler_as_keras(capsys):
    from oracle import keras

    sequence = [{"loss": 1.0}] * 3
    for schedule in (lambda epoch: 0.5 / (epoch + 1), lambda epoch, rate: rate * 0.5):
        ours = follow(callbacks.LearningRateScheduler(schedule), stand_in(), sequence)
        theirs = follow(keras.callbacks.LearningRateScheduler(schedule), stand_in(), sequence)
        assert ours == theirs
    follow(callbacks.LearningRateScheduler(lambda epoch: 0.25, verbose=1), stand_in(), sequence[:1])
    assert "Epoch 1: the learning rate is set to 0.25." in capsys.readouterr().out
    with pytest.raises(ValueError, match="must give a number"):
        follow(callbacks.LearningRateScheduler(lambda epoch: "a"), stand_in(), sequence)


def test_terminate_on_nan(capsys):
    callback, model = callbacks.TerminateOnNaN(), stand_in()
    callback.set_model(model)
    callback.on_train_batch_end(2, {"loss": 1.0})
    assert not model.stop_training
    callback.on_train_batch_end(3, {"loss": float("nan")})
    out = capsys.readouterr().out
    assert model.stop_training
    assert "NaN" in out
    assert "Batch 3" in out
    raising = callbacks.TerminateOnNaN(raise_error=True)
    raising.set_model(model)
    with pytest.raises(RuntimeError, match="batch 5"):
        raising.on_train_batch_end(5, {"loss": float("inf")})


# -- with a real model -------------------------------------------------------------------------------------------------

X = np.linspace(-1, 1, 8, dtype="float32")[:, None]


def model(optimizer="sgd"):
    lamina.utils.set_random_seed(3)
    made = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
    made.compile(optimizer, "mse")
    return made


@pytest.fixture(autouse=True)
def _fast_backend():
    with lamina.backend("torch"):
        yield


def test_checkpoint_keeps_the_best(tmp_path, capsys):
    path = tmp_path / "new" / "m-{epoch:02d}-{loss:.1f}.keras"
    callback = callbacks.ModelCheckpoint(path, monitor="loss", save_best_only=True, verbose=1)
    made = model()
    callback.set_model(made)
    for epoch, loss in enumerate([1.0, 2.0, 0.5]):
        callback.on_epoch_end(epoch, {"loss": loss})
    assert sorted(os.listdir(tmp_path / "new")) == ["m-01-1.0.keras", "m-03-0.5.keras"]
    out = capsys.readouterr().out
    assert "Epoch 3: loss improved from 1.00000 to 0.50000, saving the model to" in out
    assert "Epoch 2: loss did not improve from 1.00000" in out
    loaded = lamina.models.load_model(tmp_path / "new" / "m-03-0.5.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], made.get_weights()[0])


def test_checkpoint_by_batches_runs_blocks_between(tmp_path):
    path = str(tmp_path / "b{epoch}-{batch}.weights.h5")
    callback = callbacks.ModelCheckpoint(path, save_freq=3, save_weights_only=True)
    model().fit(X, X, batch_size=2, epochs=2, verbose=0, callbacks=[callback])
    assert sorted(os.listdir(tmp_path)) == ["b1-3.weights.h5", "b2-2.weights.h5"]


def test_checkpoint_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"must end in '.keras'"):
        callbacks.ModelCheckpoint("a.bin")
    with pytest.raises(ValueError, match=r"must end in '.weights.h5'"):
        callbacks.ModelCheckpoint("a.keras", save_weights_only=True)
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("a.keras", save_freq="batch")
    callback = callbacks.ModelCheckpoint("{speed}.keras")
    callback.set_model(model())
    with pytest.raises(KeyError, match="speed"):
        callback.on_epoch_end(0, {"loss": 1.0})


def test_csv_as_keras(tmp_path):
    from oracle import keras

    sequence = [{"loss": 1.5, "curve": np.array([1.0, 2.0])}, {"curve": np.array([3.0]), "loss": 0.5}]
    texts = []
    for space, name in ((callbacks, "ours"), (keras.callbacks, "theirs")):
        path = tmp_path / name
        follow(space.CSVLogger(str(path)), stand_in(), [{**s, "val_loss": 1.0} for s in sequence])
        follow(
            space.CSVLogger(str(path), append=True, separator=";"),
            stand_in(),
            [{"loss": 1.0, "val_loss": 2.0}],
        )
        texts.append(path.read_text())
    assert texts[0] == texts[1]


def test_csv_has_columns_of_validation_that_comes_later(tmp_path):
    path = tmp_path / "log.csv"
    model().fit(
        X,
        X,
        epochs=2,
        verbose=0,
        validation_data=(X, X),
        validation_freq=2,
        callbacks=[callbacks.CSVLogger(path)],
    )
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,val_loss"
    assert lines[1].endswith(",NA")
    assert not lines[2].endswith(",NA")


def test_lambda_callback_has_every_hook():
    seen = []
    hooks = [
        n
        for n in dir(callbacks.Callback)
        if n.startswith("on_") and n not in ("on_batch_begin", "on_batch_end")
    ]
    callback = callbacks.LambdaCallback(**{n: lambda *a, n=n: seen.append(n) for n in hooks})
    made = model()
    made.fit(X, X, epochs=1, verbose=0, validation_data=(X, X), callbacks=[callback])
    made.predict(X, verbose=0, callbacks=[callback])
    assert sorted(set(seen)) == sorted(hooks)
    with pytest.raises(TypeError, match="Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)


def test_hooks_come_in_the_order_of_keras():
    from oracle import keras

    def walk(space, made):
        seen = []
        names = [n for n in dir(callbacks.Callback) if n.startswith("on_")]

        def note(name):
            return lambda *args: seen.append((name, *[a for a in args if isinstance(a, int)]))

        callback = type(
            "Spy", (space.callbacks.Callback,), {n: (lambda self, *a, f=note(n), **k: f(*a)) for n in names}
        )()
        made.compile("sgd", "mse")
        made.fit(X, X, batch_size=4, epochs=2, verbose=0, validation_data=(X, X), callbacks=[callback])
        made.evaluate(X, X, verbose=0, callbacks=[callback])
        made.predict(X, batch_size=4, verbose=0, callbacks=[callback])
        return seen

    ours = walk(lamina, lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)]))
    theirs = walk(keras, keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    assert ours == theirs


@pytest.fixture
def posts():
    """What a server at `root` is sent: path, kind, and the bytes."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.requestline, self.headers["Content-Type"], self.headers["X-Mine"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "options",
    [{}, {"send_as_json": True}, {"field": "fi eld\u00fc", "path": "/a/b?c=d", "headers": {"X-Mine": "1"}}],
)
def test_remote_monitor_posts_what_keras_posts(options, posts):
    from oracle import keras

    root, got = posts
    logs = {"loss": np.float32(0.1), "val loss": 0.25, "r\u00fcck&": np.array([3.5]), "n": 3}
    if "send_as_json" not in options:  # there the library that Keras posts with refuses it
        logs["nan"] = float("nan")
    for space in (keras, lamina):
        space.callbacks.RemoteMonitor(root, **options).on_epoch_end(2, dict(logs))
        space.callbacks.RemoteMonitor(root, **options).on_epoch_end(3)
    assert len(got) == 4
    assert got[2:] == got[:2]


def test_remote_monitor_without_a_server():
    with pytest.warns(UserWarning, match="could not reach"):
        callbacks.RemoteMonitor("http://127.0.0.1:9").on_epoch_end(4, {})


def test_swap_ema_weights():
    made = model(lamina.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    seen = {}

    class Look(callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen["test"] = self.model.get_weights()[0].copy()

        def on_epoch_end(self, epoch, logs=None):
            seen["end"] = self.model.get_weights()[0].copy()

    made.fit(
        X, X, batch_size=2, verbose=0, validation_data=(X, X), callbacks=[callbacks.SwapEMAWeights(), Look()]
    )
    average = made.optimizer._averages[0].numpy()
    np.testing.assert_array_equal(seen["test"], average)
    assert not np.array_equal(seen["end"], average)
    np.testing.assert_array_equal(made.get_weights()[0], average)  # as `use_ema` has it at the end of fit
    made.fit(X, X, batch_size=2, verbose=0, callbacks=[callbacks.SwapEMAWeights(swap_on_epoch=True), Look()])
    np.testing.assert_array_equal(seen["end"], made.optimizer._averages[0].numpy())
    with pytest.raises(ValueError, match="use_ema=True"):
        model().fit(X, X, verbose=0, callbacks=[callbacks.SwapEMAWeights()])


def test_progbar_logger_shows_the_bar_once(capsys):
    model().fit(X, X, verbose=2, epochs=2, callbacks=[callbacks.ProgbarLogger()])
    assert capsys.readouterr().out.count("Epoch 1/2") == 1
    hooks = callbacks.CallbackList(add_progbar=True, model=model(), verbose=2, epochs=1, steps=2)
    hooks.on_epoch_begin(0)
    for i in range(2):
        hooks.on_train_batch_end(i, {"loss": 1.0})
    hooks.on_epoch_end(0, {"loss": 1.0})
    assert "2/2" in capsys.readouterr().out


def test_a_list_takes_callbacks_only():
    with pytest.raises(TypeError, match="must hold Callback objects"):
        model().fit(X, X, callbacks=[print])


def test_messages_go_to_the_log_where_interactive_logging_is_off(caplog, capsys):
    lamina.config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "lamina"):
            follow(callbacks.LearningRateScheduler(lambda e: 0.25, verbose=1), stand_in(), [{"loss": 1.0}])
    finally:
        lamina.config.enable_interactive_logging()
    assert "0.25" in caplog.text
    assert capsys.readouterr().out == ""


def test_assigning_in_a_batch_hook_is_seen_by_the_next_step():
    class Freeze(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            kernel, bias = self.model.weights
            kernel.assign(np.zeros((1, 1)))
            bias.assign(np.zeros(1))

    for name in ("jax", "torch", "tensorflow"):
        with lamina.backend(name):
            made = model()
            made.fit(X, X, batch_size=4, epochs=1, verbose=0, callbacks=[Freeze()])
            assert not made.get_weights()[0].any()


def test_conformance_of_old_hook_names():
    seen = []

    class Old(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)

    with warnings.catch_warnings():
        model().fit(X, X, batch_size=4, verbose=0, callbacks=[Old()])
    assert seen == [0, 1]


def test_lambda_callback_takes_attributes_of_the_users():
    seen = []
    callback = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(callback.shown(epoch)), shown=lambda n: n * 10, unit="s"
    )
    model().fit(X, X, epochs=2, verbose=0, callbacks=[callback])
    assert seen == [0, 10]
    assert callback.unit == "s"


def test_csv_without_validation_as_keras(tmp_path):
    from oracle import keras

    texts = []
    for space, name in ((callbacks, "ours"), (keras.callbacks, "theirs")):
        follow(
            space.CSVLogger(str(tmp_path / name)),
            stand_in(),
            [{"loss": 1.5, "mae": 1.0}, {"loss": 1.0, "mae": 2.0}],
        )
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    assert texts[0].startswith("epoch,loss,mae,val_loss,val_mae\n0,1.5,1.0,NA,NA\n")


@pytest.mark.parametrize("when", ["train_begin", "epoch_begin", "train_batch_begin"])
def test_a_stop_ahead_of_the_first_step_ends_after_it(when):
    """As in Keras: the step is made, the epoch ends, and there is a history."""
    batches = []

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            batches.append(batch)

    def stop(self, *_, **__):
        self.model.stop_training = True

    setattr(Stop, f"on_{when}", stop)
    history = model().fit(X, X, batch_size=2, epochs=3, verbose=0, callbacks=[Stop()])
    assert batches == [0]
    assert history.epoch == [0]
    assert history.params == {"epochs": 3, "steps": len(X) // 2, "verbose": 0}


@pytest.mark.parametrize("when", ["test_begin", "test_batch_end"])
def test_a_stop_of_evaluation_ends_after_one_step(when):
    batches = []

    class Stop(callbacks.Callback):
        def on_test_batch_begin(self, batch, logs=None):
            batches.append(batch)

    def stop(self, *_, **__):
        self.model.stop_evaluating = True

    setattr(Stop, f"on_{when}", stop)
    model().evaluate(X, X, batch_size=2, verbose=0, callbacks=[Stop()])
    assert batches == [0]


def test_a_checkpoint_of_the_older_format(tmp_path):
    made = model()
    with pytest.warns(UserWarning, match="is legacy"):
        made.fit(X, X, epochs=1, verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "m{epoch}.h5")])
    again = lamina.saving.load_model(tmp_path / "m1.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), made.predict(X, verbose=0))
    with pytest.raises(ValueError, match="pass save_weights_only=True"):
        callbacks.ModelCheckpoint("m.weights.h5")


def test_monitors_show_their_comparison():
    stop = callbacks.EarlyStopping("loss")
    assert stop.monitor_op is None
    stop.set_model(stand_in())
    assert stop.monitor_op(1.0, 2.0)
    assert not callbacks.ModelCheckpoint("a.keras", mode="max").monitor_op(1.0, 2.0)
