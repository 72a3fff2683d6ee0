"""A step that fails takes no more than it must: other models and random draws go on, and what is lost says so."""

import signal
from contextlib import contextmanager

import numpy as np
import pytest
from models import data, mlp, program_of

import lamina
from lamina.errors import BackendError
from lamina.training.run import interrupt

X, Y = data(64)
GONE = r"The value of this variable is lost: a compiled step that raised \w+ \(INTERNAL.*\) had taken over its memory"


class Bomb(lamina.layers.Layer):
    """Calls the host inside a compiled step, which raises when armed."""

    armed = False

    def call(self, x):
        import jax

        if isinstance(x, jax.Array):
            shape = jax.ShapeDtypeStruct((), "float32")
            x = x + jax.pure_callback(self.host, shape, np.float32(0), vmap_method="sequential")
        return x

    def host(self, x):
        if self.armed:
            raise ValueError("boom")
        return x


@pytest.fixture
def jax():
    with lamina.backend("jax"):
        yield


def bombed():
    lamina.utils.set_random_seed(1)
    model = lamina.Sequential([lamina.Input((5,)), Bomb(), lamina.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fit(model):
    return model.fit(X, Y, batch_size=16, verbose=0).history["loss"]


def blown_up(model, train):
    train(model)
    kept = model.get_weights()
    train(model)  # from here on only steps hold the weights
    model.layers[0].armed = True
    with pytest.raises(Exception, match="boom"):
        train(model)
    model.layers[0].armed = False
    return kept


@pytest.mark.parametrize(
    "train", [fit, lambda model: model.train_on_batch(X, Y)], ids=["fit", "train_on_batch"]
)
def test_a_step_that_fails(jax, train):
    other = mlp()
    fit(other)
    model = bombed()
    kept = blown_up(model, train)
    drawn = [lamina.ops.convert_to_numpy(lamina.random.normal((3,))) for _ in range(2)]
    assert not np.array_equal(*drawn)
    fit(other)
    fit(mlp(dropout=0.3))
    for read in (model.get_weights, lambda: model.predict(X, verbose=0), lambda: fit(model)):
        with pytest.raises(BackendError, match=GONE):
            read()
    with pytest.raises(BackendError, match="compile the model again for a new state of its optimizer"):
        model.layers[-1].kernel.numpy()
    model.set_weights(kept)
    for a, b in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile("adam", "mse")
    assert np.isfinite(train(model)).all()


def test_weights_from_a_file_heal_a_model(jax, tmp_path):
    model = bombed()
    fit(model)
    model.save_weights(tmp_path / "m.weights.h5")
    expected = model.predict(X, verbose=0)
    blown_up(model, fit)
    model.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), expected)


def test_a_failure_while_a_step_is_traced_loses_nothing(backend):
    class Picky(lamina.layers.Layer):
        armed = False

        def call(self, x):
            if self.armed:
                raise ArithmeticError("not today")
            return x

    model = lamina.Sequential([lamina.Input((5,)), layer := Picky(), lamina.layers.Dense(1)])
    model.compile("adam", "mse")
    fit(model)
    kept = model.get_weights()
    fit(model)
    layer.armed = True
    with pytest.raises(ArithmeticError, match="not today"):
        model.train_on_batch(X[:7], Y[:7])  # a shape that there is no program for
    layer.armed = False
    assert not all(map(np.array_equal, model.get_weights(), kept))
    assert np.isfinite(fit(model)).all()


def test_memory_that_does_not_suffice_says_what_it_took(jax, monkeypatch):
    """The program has run out of memory after it took the state's."""
    model = mlp()
    fit(model)
    program = program_of(model, "train", (X, Y))
    run = program._loop

    def short_of_memory(*args, **how):
        run(*args, **how)
        raise MemoryError("out of memory")

    monkeypatch.setattr(program, "_loop", short_of_memory)
    with pytest.raises(MemoryError):
        fit(model)
    with pytest.raises(BackendError, match=r"raised MemoryError \(out of memory\) had taken over its memory"):
        model.get_weights()
    fit(mlp(seed=2, dropout=0.3))


def test_what_survived_stays(jax, monkeypatch):
    """A value that somebody looked at is his, and the step had a copy."""
    model = mlp()
    fit(model)
    kernel = model.layers[0].kernel
    held = kernel.numpy()
    program = program_of(model, "train", (X, Y))
    run = program._loop

    def fails(*args, **how):
        run(*args, **how)
        raise MemoryError

    monkeypatch.setattr(program, "_loop", fails)
    with pytest.raises(MemoryError):
        fit(model)
    np.testing.assert_array_equal(kernel.numpy(), held)
    with pytest.raises(BackendError):
        model.layers[-1].kernel.numpy()


# -- Ctrl-C --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ctrl_c(monkeypatch):
    """What Ctrl-C does, without a signal: those come to the main thread, which need not be that of the tests."""
    handlers = [signal.default_int_handler]

    @contextmanager
    def handled_by(make):
        handlers.append(make(handlers[-1]))
        try:
            yield True
        finally:
            handlers.append(handlers[0])

    monkeypatch.setattr(interrupt, "_main", lambda: True)
    monkeypatch.setattr(interrupt, "interrupt_handled_by", handled_by)
    press = lambda: handlers[-1](signal.SIGINT, None)
    press.handlers = handlers
    return press


@pytest.mark.parametrize(("presses", "which"), [(1, "_loop"), (1, "_single"), (2, "_loop")])
def test_ctrl_c_waits_for_a_program_that_runs(jax, ctrl_c, monkeypatch, presses, which):
    """The program has taken over the memory of the weights, and gives what it made of them after the call: a second
    Ctrl-C, which does not wait, loses them.
    """
    train = (lambda: model.train_on_batch(X, Y)) if which == "_single" else (lambda: fit(model))
    ended, model = [], mlp()
    train()
    program, before = program_of(model, "train", (X, Y)), model.get_weights()
    train()
    run = getattr(program, which)

    def interrupted(*args, **how):
        result = run(*args, **how)
        for _ in range(presses):
            ctrl_c()
        ended.append(1)
        return result

    monkeypatch.setattr(program, which, interrupted)
    with pytest.raises(KeyboardInterrupt):
        train()
    assert len(ended) == 2 - presses
    if ended:
        assert not all(map(np.array_equal, before, model.get_weights()))
    else:
        with pytest.raises(BackendError, match="raised KeyboardInterrupt had taken over"):
            model.get_weights()
    assert ctrl_c.handlers[-1] is signal.default_int_handler


def test_the_handler_is_exchanged_once_per_fit(jax, ctrl_c):
    class Each(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    mlp().fit(X, Y, batch_size=16, epochs=3, verbose=0, callbacks=[Each()], validation_data=(X, Y))
    assert len(ctrl_c.handlers) == 3


def test_ctrl_c_between_dispatches_comes_at_once(backend, ctrl_c):
    class Press(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.batch = batch
            ctrl_c()

    press, model = Press(), mlp()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=16, verbose=0, callbacks=[press])
    assert press.batch == 0
    model.get_weights()
