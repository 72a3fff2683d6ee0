"""Bad input gets Lamina's own error: where, what came, what was expected, what to do. Each text is asserted."""

import builtins
import importlib.util

import numpy as np
import pytest

import lamina
from lamina import backends, layers
from lamina.errors import BackendError

X = np.ones((8, 4), "float32")
Y = np.zeros((8,), "int32")


def model(loss="sparse_categorical_crossentropy", **kwargs):
    m = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3, activation="softmax", name="head")], name="net"
    )
    m.compile("sgd", loss, **kwargs)
    return m


def test_wrong_rank():
    conv = layers.Conv2D(4, 3, name="conv")
    with pytest.raises(
        ValueError, match=r"Layer 'conv' \(Conv2D\) expected an input of rank 4.*shape \(None, 28, 28\)"
    ) as e:
        conv(lamina.Input((28, 28)))
    assert "x[..., None]" in str(e.value)


def test_wrong_width():
    dense = layers.Dense(2, name="narrow")
    dense(X)
    with pytest.raises(ValueError, match=r"Layer 'narrow' \(Dense\).*size 4 in axis -1.*shape \(8, 5\)"):
        dense(np.ones((8, 5), "float32"))


def test_path_of_a_nested_layer():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.inner = layers.Dense(2, name="inner")

        def call(self, x):
            return self.inner(x)

    block = Block()
    block(X)
    with pytest.raises(ValueError, match=r"Layer 'block/inner' \(Dense\)"):
        block(np.ones((8, 5), "float32"))


def test_wrong_shape_for_a_model():
    with pytest.raises(
        ValueError, match=r"expected input 'a' of shape \(None, 4\), but received \(4,\).*x\[None\]"
    ):
        a = lamina.Input((4,), name="a")
        lamina.Model(a, layers.Dense(1)(a), name="m")(np.ones((4,), "float32"))


def test_disconnected_graph():
    a, b = lamina.Input((2,), name="a"), lamina.Input((2,), name="b")
    y = layers.Add(name="join")([a, b])
    with pytest.raises(
        ValueError, match=r"disconnected: Input 'b' of shape \(None, 2\) is needed by layer 'join'.*Add it to"
    ):
        lamina.Model(a, y)


def test_cycle():
    from lamina.core.operation import Node

    a = lamina.Input((2,))
    first, second = layers.Dense(2, name="first"), layers.Dense(2, name="second")
    y = second(first(a))
    Node(first, (y,), {}, first.output)  # what no call can do: feed a layer its own result
    with pytest.raises(ValueError, match=r"has a cycle through '(first|second)'"):
        lamina.Model(a, y)


def test_duplicate_layer_name():
    a = lamina.Input((2,))
    y = layers.Dense(2, name="same")(layers.Dense(2, name="same")(a))
    with pytest.raises(ValueError, match=r"two layers called 'same'.*another `name=`"):
        lamina.Model(a, y)
    with pytest.raises(ValueError, match=r"has a layer called 'same' already"):
        lamina.Sequential([layers.Dense(2, name="same"), layers.Dense(2, name="same")])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.Dense(2, activation="rellu"), "Unknown activation.*'rellu'.*Did you mean 'relu'"),
        (
            lambda: model(loss="categorical_crossentropie"),
            "Unknown loss.*Did you mean 'categorical_crossentropy'",
        ),
        (lambda: lamina.Sequential().compile("adm", "mse"), "Unknown optimizer.*'adm'.*Did you mean 'adam"),
        (lambda: model(metrics=["acuracy_"]), "Unknown metric.*'acuracy_'"),
        (
            lambda: layers.Dense(2, kernel_initializer="glorot_unform"),
            "Unknown initializer.*'glorot_uniform'",
        ),
        (lambda: layers.Dense(2, kernel_regularizer="l22"), "Unknown regularizer.*'l22'"),
        (lambda: layers.Dense(2, kernel_constraint="maxnorm"), "Unknown constraint.*'max_?norm'"),
        (lambda: layers.Dense(2, dtype="flot32"), "Unknown dtype policy 'flot32'.*Did you mean 'float32'"),
        (lambda: lamina.config.set_backend("jaxx"), "Unknown backend 'jaxx'.*Did you mean 'jax'"),
    ],
)
def test_unknown_names_give_the_closest(make, text):
    with pytest.raises(ValueError, match=f"(?s){text}"):
        make()


def test_unknown_argument_of_a_layer():
    with pytest.raises(
        TypeError, match=r"Dense got an unknown argument 'activatoin'.*Did you mean 'activation'"
    ):
        layers.Dense(2, activatoin="relu")


@pytest.mark.parametrize(
    ("loss", "labels", "text"),
    [
        (
            "sparse_categorical_crossentropy",
            np.zeros((8, 3)),
            r"\(None, 3\).*one-hot: use 'categorical_crossentropy'",
        ),
        ("categorical_crossentropy", np.zeros((8,)), "class numbers: use 'sparse_categorical_crossentropy'"),
        (
            "mse",
            np.zeros((8, 7)),
            r"labels of shape \(None, 7\) do not fit predictions of shape \(None, 3\).*'mean_squared_error'",
        ),
    ],
)
def test_labels_of_the_wrong_shape(loss, labels, text):
    with pytest.raises(ValueError, match=f"Output 'head'.*{text}"):
        model(loss).fit(X, labels, verbose=0)


def test_nan_loss_on_request(capsys):
    m = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    m.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="holds NaN in the first batch"):
        m.fit(
            X * np.nan, np.zeros((8, 1)), epochs=5, verbose=0, callbacks=[lamina.callbacks.TerminateOnNaN()]
        )
    assert "NaN" in capsys.readouterr().out
    assert m.stop_training


def test_unequal_numbers_of_rows():
    with pytest.raises(ValueError, match="same number of rows: x has 8, y has 5"):
        model().fit(X, Y[:5], verbose=0)


def test_weights_of_an_unbuilt_model():
    m = lamina.Sequential([layers.Dense(2)], name="late")
    for call in (
        m.get_weights,
        m.count_params,
        lambda: m.set_weights([]),
        lambda: m.save_weights("x.weights.h5"),
    ):
        with pytest.raises(ValueError, match=r"Sequential 'late' is not built yet.*build\(input_shape\)"):
            call()


def test_fit_before_compile():
    m = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)], name="raw")
    for name in ("fit", "evaluate", "train_on_batch"):
        with pytest.raises(
            ValueError, match=rf"Model 'raw' must be compiled before `{name}`: call model.compile\("
        ):
            getattr(m, name)(X, Y)


def test_backend_that_is_not_installed(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name == "torch" else found(name))
    backends.load.cache_clear()
    with pytest.raises(BackendError, match=r"'torch'.*not installed.*pip install lamina\[torch\]"):
        backends.load("torch")
    backends.load.cache_clear()


def test_fit_on_numpy():
    with lamina.backend("numpy"):
        m = model()
        with pytest.raises(
            BackendError, match=r"`fit` needs gradients, which the 'numpy' backend does not have.*set_backend"
        ):
            m.fit(X, Y, verbose=0)
        assert m.evaluate(X, Y, verbose=0) > 0
        assert m.predict(X).shape == (8, 3)


def test_loss_dict_prints_both_lists():
    a = lamina.Input((4,))
    m = lamina.Model(a, {"left": layers.Dense(1)(a), "right": layers.Dense(1)(a)})
    m.compile("sgd", {"left": "mse", "rihgt": "mse"})
    with pytest.raises(
        ValueError,
        match=r"(?s)`loss`.*'rihgt'.*Did you mean 'right'.*keys given: left, rihgt.*outputs: +left, right",
    ):
        m.fit(X, {"left": Y, "right": Y}, verbose=0)


def test_set_weights_lists_all_differences():
    m = model()
    with pytest.raises(
        ValueError,
        match=r"head/kernel: expected \(4, 3\), got \(3, 4\); net/head/bias: expected \(3,\), got \(4,\)",
    ):
        m.set_weights([np.zeros((3, 4)), np.zeros((4,))])


def test_symbolic_tensor_as_a_number():
    with pytest.raises(TypeError, match=r"symbolic tensor \(shape \(None, 2\)\) has no value.*`if`"):
        bool(lamina.Input((2,)))


def test_variable_of_unknown_size():
    with pytest.raises(ValueError, match=r"'dense[_0-9]*/kernel' needs a known shape"):
        layers.Dense(2)(lamina.Input((None,)))


def test_call_without_call():
    class Empty(layers.Layer):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no `call` method: define"):
        Empty()(X)


def test_notes_say_which_layer_failed():
    class Bad(layers.Layer):
        def call(self, x):
            return lamina.ops.matmul(x, x)

    with pytest.raises(ValueError, match=r"\(8, 4\)") as e:
        Bad(name="bad")(X)
    assert any(
        "In layer 'bad' (Bad), called with input of shape (8, 4)" in note for note in e.value.__notes__
    )


def test_missing_extra_names_the_pip_line(monkeypatch):
    real = builtins.__import__

    def no_graphviz(name, *args, **kwargs):
        if name.startswith("graphviz"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_graphviz)
    m = model()
    with pytest.raises(ImportError, match=r"pip install lamina\[plot\]"):
        lamina.utils.model_to_dot(m)
