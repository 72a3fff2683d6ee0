"""Compiled programs belong to their model: made when it is another one, and at no other time. Traces are counted."""

import numpy as np
import pytest
from models import data, mlp, program_of

import lamina

X, Y = data(64)


@pytest.fixture(params=["jax", "tensorflow"])
def compiled(request):
    """The backends that trace a step."""
    with lamina.backend(request.param):
        yield request.param


def traced(model):
    """A list that grows whenever the model is traced."""
    traces, call = [], model.layers[0].call
    model.layers[0].call = lambda x: traces.append(1) or call(x)
    return traces


def everything(model, **options):
    model.fit(X, Y, batch_size=16, verbose=0, validation_data=(X, Y), validation_batch_size=16, **options)
    model.train_on_batch(X, Y)
    model.test_on_batch(X, Y)
    model.predict(X, verbose=0)


class LayerPerEpoch(lamina.callbacks.Callback):
    """Builds a layer, and a model that is the layer's owner, after every epoch."""

    def on_epoch_end(self, epoch, logs=None):
        lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)]).trainable = False


def test_what_others_do_recompiles_nothing(compiled):
    model = mlp(metrics=["accuracy"])
    traces = traced(model)
    everything(model)
    made = len(traces)
    lamina.layers.Dense(3).build((None, 4))
    other = mlp(seed=2)
    other.fit(X, Y, verbose=0)
    everything(model, epochs=3, callbacks=[LayerPerEpoch()])
    assert made > 0
    assert len(traces) == made


def test_a_kernel_in_turn_with_another_keeps_its_program():
    model = mlp()
    with lamina.backend("jax"):
        expected, first = model.predict(X, verbose=0), program_of(model, "predict", (X,))
        with lamina.backend("numpy"):
            np.testing.assert_allclose(model.predict(X, verbose=0), expected, atol=1e-6)
        assert program_of(model, "predict", (X,)) is first


def test_only_what_a_program_depends_on_makes_another(monkeypatch):
    with lamina.backend("jax"):
        model = mlp()
        kinds = {"train": (X, Y), "test": (X, Y), "predict": (X,)}
        programs = {kind: program_of(model, kind, batch) for kind, batch in kinds.items()}

        def made_anew():
            before = dict(programs)
            programs.update({kind: program_of(model, kind, batch) for kind, batch in kinds.items()})
            return [kind for kind in kinds if programs[kind] is not before[kind]]

        assert made_anew() == []
        model.optimizer = lamina.optimizers.SGD(0.0)
        assert made_anew() == ["train"]
        model.compile("sgd", "mse")
        assert made_anew() == ["train", "test"]
        model.layers[0].trainable = False
        assert made_anew() == ["train", "test", "predict"]
        model.layers[0].trainable = False
        assert made_anew() == []
        model.run_eagerly = True
        assert made_anew() == ["train", "test", "predict"]
        model.predict_step = lambda data: model(data) * 0
        assert made_anew() == ["predict"]
        model.make_train_function(force=True)
        assert made_anew() == ["train"]


def test_a_change_of_the_model_counts_at_once(backend):
    model = mlp(optimizer=lamina.optimizers.SGD(0.5))
    first, last = model.layers[0].kernel, model.layers[-1].kernel

    class Freeze(lamina.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model.layers[0].trainable = False
            self.held = first.numpy(), last.numpy()

    freeze = Freeze()
    start = first.numpy()
    model.fit(X, Y, batch_size=16, verbose=0, callbacks=[freeze])
    model.fit(X, Y, batch_size=16, verbose=0)
    assert not np.array_equal(start, freeze.held[0])
    np.testing.assert_array_equal(first.numpy(), freeze.held[0])
    assert not np.array_equal(last.numpy(), freeze.held[1])


class Noisy(lamina.layers.Layer):
    """Draws with no seed of its own."""

    def call(self, x):
        return x + lamina.random.normal((1,)) * 0.1


def noisy(seed):
    lamina.utils.set_random_seed(seed)
    model = lamina.Sequential([lamina.Input((5,)), Noisy(), lamina.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_draws_without_a_seed_repeat_with_the_process_seed(backend):
    def losses(model):
        return model.fit(X, Y, batch_size=16, shuffle=False, epochs=2, verbose=0).history["loss"]

    model, again, other = noisy(1), noisy(1), noisy(2)
    other.set_weights(model.get_weights())
    again.set_weights(model.get_weights())
    weights = model.get_weights()
    lamina.utils.set_random_seed(1)
    first = losses(model)
    lamina.utils.set_random_seed(1)
    assert losses(again) == first
    lamina.utils.set_random_seed(2)
    assert losses(other) != first
    model.set_weights(weights)  # with programs that were made before
    lamina.utils.set_random_seed(1)
    assert losses(model) == pytest.approx(first, rel=1e-6)


def test_draws_without_a_seed_do_not_depend_on_how_steps_are_run():
    class Each(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    with lamina.backend("jax"):
        together = noisy(1)
        together.fit(X, Y, batch_size=16, verbose=0)
        one_by_one = noisy(1)
        one_by_one.fit(X, Y, batch_size=16, verbose=0, callbacks=[Each()])
        for a, b in zip(together.get_weights(), one_by_one.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_predictions_that_draw_differ_from_call_to_call(backend):
    model = noisy(1)
    first, second = (model.predict(X[:4], verbose=0) for _ in range(2))
    assert not np.array_equal(first, second)
    lamina.utils.set_random_seed(1)
    third = model.predict(X[:4], verbose=0)
    lamina.utils.set_random_seed(1)
    np.testing.assert_array_equal(third, model.predict(X[:4], verbose=0))
