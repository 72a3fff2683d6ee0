"""Threads that share a process, and models: real ones, a counted number of calls, no clock."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from models import data, mlp, program_of, same_weights

import lamina

pytestmark = pytest.mark.steps_as_users_have_them

X, Y = data(64)
THREADS, CALLS = 16, 4


def in_threads(name, calls):
    """The results of calls that begin together, each in a thread of its own, under a backend."""
    together = threading.Barrier(len(calls), timeout=60)

    def run(call):
        with lamina.backend(name):
            together.wait()
            return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def traced(model):
    traces, call = [], model.layers[0].call
    model.layers[0].call = lambda x: traces.append(1) or call(x)
    return traces


def predictions(model):
    return lambda: [model.predict(X[:8], verbose=0) for _ in range(CALLS)]


def test_a_model_serves_while_another_is_built_and_trained(backend):
    model = mlp(dropout=0.3)
    expected = model.predict(X[:8], verbose=0)
    traces = traced(model)

    def others():
        for seed in (2, 3):
            other = mlp(seed=seed, dropout=0.3)
            other.fit(X, Y, batch_size=16, epochs=2, verbose=0)
            lamina.layers.Dense(3).build((None, 4))

    *served, _ = in_threads(backend, [predictions(model)] * THREADS + [others])
    for result in (one for each in served for one in each):
        np.testing.assert_array_equal(result, expected)
    assert len(traces) == (THREADS * CALLS if backend == "torch" else 0)


def test_many_first_calls_make_one_program(backend):
    model = mlp()
    traces = traced(model)
    served = in_threads(backend, [predictions(model)] * THREADS)
    for result in (one for each in served for one in each):
        np.testing.assert_array_equal(result, served[0][0])
    assert len(traces) == (THREADS * CALLS if backend == "torch" else len(traces[:1]))


def test_a_model_serves_while_it_is_trained(monkeypatch):
    """A dispatch has taken over the memory of the weights: they are read before or after it."""
    with lamina.backend("jax"):
        model = mlp(optimizer=lamina.optimizers.SGD(0.0))
        expected = model.predict(X[:8], verbose=0)
        model.fit(X, Y, batch_size=16, verbose=0)
        program, results = program_of(model, "train", (X, Y)), []
        run, traces = program._loop, traced(model)

        def serve():
            with lamina.backend("jax"):
                results.append(model.predict(X[:8], verbose=0))

        def with_readers(*args, **how):
            out = run(
                *args, **how
            )  # the memory is the program's, and what it gave is not in the variables yet
            threads.extend(threading.Thread(target=serve) for _ in range(4))
            for thread in threads[-4:]:
                thread.start()
            for _ in range(20):  # they wait; without a lock they would not, and fail
                time.sleep(0.002)
            return out

        threads = []
        monkeypatch.setattr(program, "_loop", with_readers)
        for _ in range(2):
            model.fit(X, Y, batch_size=16, verbose=0)
            for thread in threads:
                thread.join(60)
    assert len(results) == len(threads) > 0
    for result in results:
        np.testing.assert_array_equal(result, expected)
    assert traces == []


def test_many_threads_and_a_fit_of_the_same_model():
    with lamina.backend("jax"):
        model = mlp(optimizer=lamina.optimizers.SGD(0.0))
        expected = model.predict(X[:8], verbose=0)
        model.fit(X, Y, batch_size=16, verbose=0)
        train = lambda: model.fit(X, Y, batch_size=16, epochs=8, verbose=0)
        *served, _ = in_threads("jax", [predictions(model)] * THREADS + [train])
    for result in (one for each in served for one in each):
        np.testing.assert_array_equal(result, expected)


def test_two_fits_at_once_are_what_they_are_alone(backend):
    def fit(seed):
        model = mlp(seed=seed, dropout=0.3)  # which seeds the process
        return lambda: model.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0) and model

    alone = [fit(seed)() for seed in (1, 2)]
    together = in_threads(backend, [fit(seed) for seed in (1, 2)])
    for a, b in zip(alone, together, strict=True):
        assert same_weights(a, b)


@pytest.mark.parametrize("what", ["evaluate", "fit", "train_on_batch"])
def test_changing_a_model_from_two_threads_is_refused(what):
    refused = []

    class Beside(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            def run():
                with lamina.backend("torch"), pytest.raises(RuntimeError) as caught:
                    getattr(model, what)(X, Y)
                refused.append(str(caught.value))

            thread = threading.Thread(target=run)
            thread.start()
            thread.join(60)
            model.evaluate(X, Y, verbose=0)  # in its own thread it may

    with lamina.backend("torch"):
        model, alone = mlp(), mlp()
        model.fit(X, Y, batch_size=32, shuffle=False, verbose=0, callbacks=[Beside()])
        alone.fit(X, Y, batch_size=32, shuffle=False, verbose=0)
    assert len(refused) == 2
    assert f"`{what}` was called while `fit` of the same model runs in another thread" in refused[0]
    assert "clone_model" in refused[0]
    assert same_weights(model, alone)


def test_single_steps_wait_for_each_other(backend):
    model = mlp(optimizer=lamina.optimizers.SGD(0.0))
    expected = model.test_on_batch(X, Y)
    model.train_on_batch(X, Y)
    calls = [lambda: [model.train_on_batch(X, Y) for _ in range(4)], lambda: [model.test_on_batch(X, Y)] * 4]
    for results in in_threads(backend, calls * 2):
        assert results == pytest.approx([expected] * 4, rel=1e-6)


def test_the_refusal_ends_with_the_fit():
    with lamina.backend("torch"):
        model = mlp()
        with pytest.raises(ValueError, match="same number of rows"):
            model.fit(X, Y[:-1], verbose=0)

        class Fails(lamina.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                raise OSError("disk")

        with pytest.raises(OSError, match="disk"):
            model.fit(X, Y, verbose=0, callbacks=[Fails()])
        assert in_threads("torch", [lambda: model.evaluate(X, Y, verbose=0)])[0] > 0
