"""The forms of fit, evaluate and predict, on every backend."""

import numpy as np
import pytest
from models import TRAINING, Watch, data, linear, mlp, program_of, same_weights

import lamina

X, Y = data()
ROWS = np.arange(8.0, dtype="float32")[:, None]
ZERO = np.zeros_like(ROWS)


def test_history_evaluate_predict(backend):
    model = mlp(metrics=["accuracy"])
    history = model.fit(X, Y, epochs=3, batch_size=16, verbose=0, validation_split=0.2).history
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["loss"][-1] < history["loss"][0]
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    as_dict = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert (loss, accuracy) == (as_dict["loss"], as_dict["accuracy"])
    predicted = model.predict(X, verbose=0)
    assert predicted.shape == (70, 1)
    np.testing.assert_allclose(predicted[:5], model.predict_on_batch(X[:5]), rtol=1e-5)


@pytest.mark.around_the_step
def test_validation_data_with_weights(backend):
    model = linear()
    weights = np.array([1.0, 0, 0, 0, 0, 0, 0, 1], "float32")
    history = model.fit(
        ROWS, ZERO, verbose=0, validation_data=(ROWS, ZERO, weights), validation_batch_size=3
    ).history
    assert history["val_loss"][0] == pytest.approx(7 / 8)  # as in Keras: the sum over the number of rows


@pytest.mark.around_the_step
def test_sample_and_class_weights(backend):
    weights = np.linspace(0, 1, 8, dtype="float32")
    assert linear().fit(ROWS, ZERO, sample_weight=weights, verbose=0).history["loss"][0] == pytest.approx(
        float((ROWS[:, 0] * weights).mean()), rel=1e-5
    )
    labels = np.array([[0.0], [1.0]], "float32")
    plain = linear().fit(labels * 0, labels, verbose=0).history["loss"][0]
    weighted = linear().fit(labels * 0, labels, class_weight={1: 3.0}, verbose=0).history["loss"][0]
    assert (plain, weighted) == (0.5, 1.5)


def test_several_inputs_and_outputs_by_name(backend):
    a, b = lamina.Input((5,), name="a"), lamina.Input((2,), name="b")
    joined = lamina.layers.Concatenate()([a, b])
    outputs = {
        "one": lamina.layers.Dense(1, name="one", kernel_initializer="ones")(joined),
        "two": lamina.layers.Dense(2, name="two", kernel_initializer="ones")(a),
    }
    model = lamina.Model({"a": a, "b": b}, outputs)
    model.compile(
        lamina.optimizers.SGD(0.0),
        {"one": "mse", "two": "mae"},
        loss_weights={"two": 2.0},
        metrics={"two": ["mse"]},
    )
    xb = X[:, :2]
    inputs = {"b": xb, "a": X}  # another order than the model's
    targets = {"two": np.zeros((70, 2), "float32"), "one": Y}
    logs = model.fit(inputs, targets, batch_size=32, verbose=0, validation_data=(inputs, targets)).history
    one = ((X.sum(1) + xb.sum(1) - Y[:, 0]) ** 2).mean()
    two = np.abs(X.sum(1)).mean()
    assert logs["one_loss"][0] == pytest.approx(one, rel=1e-4)
    assert logs["two_loss"][0] == pytest.approx(two, rel=1e-4)
    assert logs["loss"][0] == pytest.approx(one + 2 * two, rel=1e-4)
    assert logs["val_two_mse"][0] == pytest.approx((X.sum(1) ** 2).mean(), rel=1e-4)
    found = model.predict(inputs, verbose=0)
    assert {k: v.shape for k, v in found.items()} == {"one": (70, 1), "two": (70, 2)}


@pytest.mark.around_the_step
def test_the_target_of_one_output_in_a_list(backend):
    """Not broadcast against the predictions as an array of one more axis."""
    model, weights = mlp(metrics=["mae"], weighted_metrics=["mse"]), np.linspace(0, 1, len(X))
    begun = model.get_weights()
    expected = model.evaluate(X, Y, sample_weight=weights, verbose=0)
    model.reset_metrics()
    first = model.train_on_batch(X[:8], Y[:8], return_dict=True)
    for wrap in (lambda a: [a], lambda a: (a,)):
        model.set_weights(begun)
        model.reset_metrics()
        assert model.evaluate(wrap(X), wrap(Y), sample_weight=wrap(weights), verbose=0) == expected
        model.reset_metrics()
        assert model.train_on_batch(X[:8], wrap(Y[:8]), return_dict=True) == first


@pytest.mark.around_the_step
def test_list_inputs(backend):
    a, b = lamina.Input((5,)), lamina.Input((1,))
    model = lamina.Model([a, b], lamina.layers.Dense(1)(lamina.layers.Concatenate()([a, b])))
    model.compile("sgd", "mse")
    assert model.fit([X, Y], Y, verbose=0).history["loss"][0] > 0
    assert model.predict([X, Y], verbose=0).shape == (70, 1)


@pytest.mark.around_the_step
def test_partial_batches_count_by_rows(backend):
    """The rows come in any order, and the mean of three may be no float."""
    fitted = linear().fit(ROWS, ZERO, batch_size=3, verbose=0)
    assert fitted.history["loss"] == pytest.approx([3.5], rel=1e-6)
    assert linear().evaluate(ROWS, ZERO, batch_size=3, verbose=0) == 3.5


@pytest.mark.around_the_step
def test_steps_per_epoch_goes_on_where_the_epoch_before_ended(backend):
    fit = linear().fit(ROWS, ZERO, batch_size=2, steps_per_epoch=2, shuffle=False, epochs=3, verbose=0)
    assert fit.history["loss"] == [1.5, 5.5, 1.5]


@pytest.mark.around_the_step
def test_steps_of_evaluate_and_predict(backend):
    assert linear().evaluate(ROWS, ZERO, batch_size=2, steps=2, verbose=0) == 1.5
    assert linear().predict(ROWS, batch_size=2, steps=2, verbose=0).ravel().tolist() == [0, 1, 2, 3]


def test_callbacks_see_each_batch(backend):
    watch = Watch()
    mlp().fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[watch])
    assert watch.batches == [0, 1, 2, 3, 4] * 2
    watch = Watch()
    mlp(steps_per_execution=2).fit(X, Y, batch_size=16, epochs=1, verbose=0, callbacks=[watch])
    assert watch.batches == [1, 3, 4]


@pytest.mark.around_the_step
def test_a_callback_stops_inside_an_epoch(backend):
    class Stop(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    watch = Watch()
    history = mlp().fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=[watch, Stop()])
    assert (watch.batches, history.epoch) == ([0, 1], [0])


@pytest.mark.steps_as_users_have_them
def test_results_do_not_depend_on_how_steps_are_run(backend, capsys):
    """Steps per execution, callbacks for each batch, the progress bar: exactly the same weights."""

    def weights(verbose=0, callbacks=None, **compiled):
        model = mlp(dropout=0.3, **compiled)
        model.fit(X, Y, epochs=2, batch_size=16, verbose=verbose, callbacks=callbacks)
        return model

    plain = weights()
    if backend == "torch":  # where it costs no compilation
        assert same_weights(plain, weights())
    assert same_weights(plain, weights(verbose=2, callbacks=[Watch()], steps_per_execution=3))
    assert "Epoch 2/2" in capsys.readouterr().out


@pytest.mark.steps_as_users_have_them
def test_results_do_not_depend_on_where_data_lives(backend, monkeypatch):
    from lamina.training.feed import array_feed, arrays

    def weights():
        model = mlp(dropout=0.3)
        model.fit(X[:64], Y[:64], epochs=2, batch_size=16, verbose=0)
        return model

    on_device = weights()
    monkeypatch.setattr(arrays, "MEMORY_BUDGET", 1000)
    monkeypatch.setattr(arrays, "HOST_BUDGET", 1000)
    monkeypatch.setattr(array_feed, "CHUNK", 800)  # two batches
    assert same_weights(on_device, weights())


@pytest.mark.parametrize("chunks", [False, True])
def test_other_numbers_of_rows_take_the_same_program(backend, chunks, monkeypatch):
    """On torch, which runs step by step, there is none."""
    from lamina.training.feed import array_feed, arrays

    if chunks:
        monkeypatch.setattr(arrays, "MEMORY_BUDGET", 100)
        monkeypatch.setattr(arrays, "HOST_BUDGET", 100)
        monkeypatch.setattr(
            array_feed, "CHUNK", 800
        )  # two batches of sixteen, and for 944 rows a chunk half full
    x, y = data(960)
    model, traces, batches = mlp(dropout=0.3), [], Watch()
    call = model.layers[0].call
    model.layers[0].call = lambda x: traces.append(1) or call(x)
    model.fit(x, y, batch_size=16, verbose=0)
    made = len(traces)
    for rows in (960, 944, 928):
        model.fit(x[:rows], y[:rows], batch_size=16, verbose=0, callbacks=[batches])
    assert batches.batches == [*range(60), *range(59), *range(58)]
    assert len(traces) - made == (177 if backend == "torch" else 0)


@pytest.mark.around_the_step
def test_train_on_batch_goes_on(backend):
    model = mlp(metrics=["accuracy"])
    first = model.train_on_batch(X, Y, return_dict=True)
    for _ in range(20):
        last = model.train_on_batch(X, Y)
    assert last[0] < first["loss"]
    assert model.test_on_batch(X, Y, return_dict=True).keys() == {"loss", "accuracy"}


def test_compiled_steps_give_the_numbers_along(backend, monkeypatch):
    """No second program reads the metrics after steps."""
    from lamina.training.run.reader import Reader

    read, call = [], Reader.__call__
    monkeypatch.setattr(Reader, "__call__", lambda self, *args: read.append(args) or call(self, *args))
    model, watch = mlp(metrics=["accuracy"]), Watch()
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[watch])
    numbers = [
        model.evaluate(X, Y, verbose=0, return_dict=True),
        model.train_on_batch(X, Y, return_dict=True),
    ]
    held = {name: float(value) for name, value in model.get_metrics_result().items()}
    assert held == pytest.approx(numbers[-1], rel=1e-6)
    assert [*history.history] == [*numbers[0]] == ["loss", "accuracy"]
    assert bool(read) is (backend == "torch")

    program = program_of(model, "train", (X, Y))
    program.last = None  # as where an epoch goes on behind its last step
    assert program.shown() == pytest.approx(held)


def test_run_eagerly_gives_the_same(backend):
    def weights(**compiled):
        model = mlp(**compiled)
        model.fit(X[:20], Y[:20], epochs=1, batch_size=10, verbose=0)
        return model.get_weights()

    for a, b in zip(weights(), weights(run_eagerly=True), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_backends_agree_over_twenty_steps():
    losses = {}
    for name in TRAINING:
        with lamina.backend(name):
            watch = Watch()
            model = mlp()
            model.fit(X, Y, epochs=4, batch_size=14, verbose=0, callbacks=[watch])
            losses[name] = watch.calls
    assert len(losses["jax"]) == 20
    for name in TRAINING:
        np.testing.assert_allclose(losses[name], losses["jax"], rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_three_steps_as_real_keras(backend, optimizer):
    from oracle import keras

    theirs = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8, activation="tanh"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    ours = lamina.Sequential(
        [
            lamina.Input((5,)),
            lamina.layers.Dense(8, activation="tanh"),
            lamina.layers.Dense(3, activation="softmax"),
        ]
    )
    ours.set_weights(theirs.get_weights())
    labels = (np.arange(48) % 3).astype("int32")
    logs = []
    for model in (ours, theirs):
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        logs.append(
            model.fit(
                X[:48], labels, batch_size=16, shuffle=False, verbose=0, sample_weight=np.linspace(0, 2, 48)
            ).history
        )
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    for name in logs[1]:
        np.testing.assert_allclose(logs[0][name], logs[1][name], rtol=1e-4)


def test_errors_say_what_is_wrong(backend):
    model = mlp()
    with pytest.raises(ValueError, match="x has 70, y has 69"):
        model.fit(X, Y[:-1], verbose=0)
    with pytest.raises(ValueError, match="needs data in memory"):
        model.fit(iter([(X, Y)]), validation_split=0.5, verbose=0)
    with pytest.raises(ValueError, match="no data"):
        model.fit(None)
    with pytest.raises(ValueError, match="must be compiled"):
        lamina.Sequential([lamina.Input((5,)), lamina.layers.Dense(1)]).fit(X, Y)


def test_the_live_bar_changes_nothing(monkeypatch, capsys):
    from lamina.callbacks import progress

    with lamina.backend("torch"):
        plain = mlp()
        plain.fit(X, Y, epochs=2, batch_size=4, verbose=0)
        monkeypatch.setattr(progress, "_in_terminal", lambda: True)
        monkeypatch.setattr(progress.Progress, "interval", 0.0)
        shown = mlp()
        shown.fit(X, Y, epochs=2, batch_size=4, verbose=1)
    assert same_weights(plain, shown)
    assert "Epoch 2/2" in capsys.readouterr().out


def test_class_weights_of_a_generator():
    with lamina.backend("torch"):
        batches = ((ROWS[:2], np.array([[0.0], [1.0]], "float32")) for _ in range(3))
        assert linear().fit(batches, class_weight={1: 4.0, 0: 2.0}, verbose=0).history["loss"] == [0.0]
        batches = ((ROWS[:2] * 0, np.array([[0.0], [1.0]], "float32")) for _ in range(3))
        assert linear().fit(batches, class_weight={1: 4.0}, verbose=0).history["loss"] == [2.0]


def test_numpy_judges_and_says_that_it_cannot_train():
    from lamina.errors import BackendError

    with lamina.backend("numpy"):
        model = linear()
        assert model.evaluate(ROWS, ZERO, batch_size=3, verbose=0) == 3.5
        assert model.predict(iter([ROWS[:2], ROWS[2:4]]), verbose=0).shape == (4, 1)
        with pytest.raises(BackendError, match="LAMINA_BACKEND"):
            model.fit(ROWS, ZERO)


class Keep(lamina.callbacks.EarlyStopping):
    """Keeps the values of all variables themselves, not copies, which the callback that it is made of does not."""

    def __init__(self):
        super().__init__("loss", patience=100)
        self.kept = []

    def keep(self):
        values = [v.value for v in [*self.model.variables, *self.model.optimizer.variables]]
        self.kept.append((values, [np.array(lamina.ops.convert_to_numpy(v)) for v in values]))

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.keep()

    def on_train_end(self, logs=None):
        self.keep()


@pytest.mark.steps_as_users_have_them
@pytest.mark.parametrize("validated", [False, True])
def test_values_that_a_callback_keeps_stay(backend, validated):
    """A step that takes over memory takes over its own."""
    keep, model = Keep(), mlp()
    more = {"validation_data": (X, Y)} if validated else {}
    model.fit(X, Y, epochs=3, batch_size=16, verbose=0, callbacks=[keep], **more)
    keep.keep()
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    assert len(keep.kept) == 5
    if lamina.config.backend() == "jax":  # elsewhere variables change in place, and their values with them
        for values, copies in keep.kept:
            for value, copy in zip(values, copies, strict=True):
                np.testing.assert_array_equal(value, copy)
    alone = mlp()
    alone.fit(X, Y, epochs=3, batch_size=16, verbose=0)  # nobody keeps anything
    same = [np.array_equal(a, b) for a, b in zip(keep.kept[2][1], alone.get_weights(), strict=False)]
    assert all(same)


@pytest.mark.steps_as_users_have_them
def test_a_step_copies_what_somebody_looked_at(monkeypatch):
    from lamina.backends.jax.cpu import clients

    copied, copies = [], clients._copies
    monkeypatch.setattr(clients, "_copies", lambda xs: copied.append(len(xs)) or copies(xs))
    with lamina.backend("jax"):
        model = mlp(metrics=["accuracy"])
        train = lambda: model.fit(X, Y, batch_size=16, verbose=0, validation_data=(X, Y))
        train()
        copied.clear()
        train()
        model.train_on_batch(X[:16], Y[:16])
        model.optimizer.learning_rate = np.array(0.01, "float32")
        train()
        assert copied == []  # neither between epochs and validations, nor for what came from the host
        kept = model.layers[-1].kernel.value
        number = float(model.optimizer.iterations.value)
        before = np.array(kept)
        train()
        assert copied == [2]
        assert number == 16.0
        np.testing.assert_array_equal(kept, before)


def test_an_assigned_array_is_nobody_elses(backend):
    """It may wait on the host until a step takes it."""
    model = mlp()
    kernel = model.layers[0].kernel
    kernel.assign(given := np.full(kernel.shape, 0.5, "float32"))
    given[:] = 7.0
    held = kernel.numpy()
    model.fit(X, Y, batch_size=16, verbose=0)
    np.testing.assert_array_equal(held, np.full(kernel.shape, 0.5, "float32"))
    assert 0 < np.abs(kernel.numpy() - 0.5).max() < 0.1
    with lamina.backend("numpy"):
        assert np.abs(kernel.value - 0.5).max() < 0.1


@pytest.mark.around_the_step
def test_values_after_training_stay(backend):
    """Also those of a fit without callbacks, which hands its state from epoch to epoch."""
    model = mlp()
    model.fit(X, Y, epochs=3, batch_size=16, verbose=0)
    first = [v.value for v in model.weights]
    before = [np.array(w) for w in model.get_weights()]
    other = mlp(seed=2)
    other.set_weights(first)
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    assert not same_weights(model, other)
    for w, b in zip(other.get_weights(), before, strict=True):
        np.testing.assert_array_equal(w, b)
