"""Losses and metrics, targets and weights in the structure of the outputs; beside real Keras on jax, run eagerly."""

from collections import namedtuple

import numpy as np
import pytest
from models import data
from oracle import keras

import lamina

X, _ = data(8)
Y, Y2, Y3 = (np.random.default_rng(n).normal(size=(8, n)).astype("float32") for n in (1, 2, 3))
Pair = namedtuple("Pair", "first second")

GRAPHS = {
    "list in a list": (lambda a, b, c: [a, [b, c]], [Y, [Y2, Y3]]),
    "tuples": (lambda a, b, c: (a, (b, c)), (Y, (Y2, Y3))),
    "a named tuple": (lambda a, b, c: Pair(a, [b, c]), Pair(Y, [Y2, Y3])),
    "a list in a dict": (lambda a, b, c: {"u": a, "v": [b, c]}, {"u": Y, "v": [Y2, Y3]}),
    "a dict in a dict": (lambda a, b, c: {"u": a, "v": {"p": b, "q": c}}, {"u": Y, "v": {"p": Y2, "q": Y3}}),
    "one in a list": (lambda a, b, c: [[a], b, c], [[Y], Y2, Y3]),
    "a list": (lambda a, b, c: [a, b], [Y, Y2]),
    "a dict": (lambda a, b, c: {"x": a, "y": b}, {"x": Y, "y": Y2}),
    "a list of one": (lambda a, b, c: [a], [Y]),
    "a dict of one": (lambda a, b, c: {"z": a}, {"z": Y}),
}
GIVEN = [
    ("list in a list", {"loss": ["mse", ["mae", "mse"]]}),
    ("list in a list", {"loss": "mse"}),
    ("list in a list", {"loss": ["mse", ["mae", None]]}),
    ("list in a list", {"loss": ["mse", ["mae", "mse"]], "loss_weights": [1.0, [2.0, 3.0]]}),
    ("list in a list", {"loss": "mse", "metrics": ["mae", ["mse", "mae"]]}),
    ("list in a list", {"loss": "mse", "metrics": [["mae"], [["mse"], ["mae", "mse"]]]}),
    ("tuples", {"loss": ("mse", ("mae", "mse"))}),
    ("a named tuple", {"loss": Pair("mse", ["mae", "mse"])}),
    ("a named tuple", {"loss": "mse", "metrics": Pair("mae", [["mse"], "mae"])}),
    ("a list in a dict", {"loss": {"u": "mse", "v": ["mae", "mse"]}}),
    ("a dict in a dict", {"loss": {"u": "mse", "v": {"p": "mae", "q": "mse"}}}),
    ("one in a list", {"loss": [["mse"], "mae", "mse"]}),
    ("a list", {"loss": ["mse", None], "metrics": [None, "mae"]}),
    ("a list", {"loss": [["mse", "mae"], "mae"]}),  # two losses of one output: the name is the last one's
    ("a list", {"loss": {"a": ["mse"], "b": "mae"}}),
    (
        "a list",
        {"loss": "mse", "weighted_metrics": {"b": "mae"}, "metrics": {"a": ["mae", "mse"], "b": "mae"}},
    ),
    ("a dict", {"loss": {"x": "mse"}, "metrics": {"y": ["mae"]}}),
    ("a list of one", {"loss": ["mse"], "metrics": ["mae"]}),
    ("a dict of one", {"loss": "mse", "metrics": ["mae"]}),
]


def graph(k, outputs):
    inputs = k.Input((5,))
    made = [
        k.layers.Dense(n, kernel_initializer=k.initializers.Constant(n / 10), name=name)(inputs)
        for n, name in ((1, "a"), (2, "b"), (3, "c"))
    ]
    return k.Model(inputs, outputs(*made))


def subclass(k, outputs):
    class Several(k.Model):
        def __init__(self):
            super().__init__()
            self.parts = [
                k.layers.Dense(n, kernel_initializer=k.initializers.Constant(n / 10)) for n in (1, 2, 3)
            ]

        def call(self, x):
            return outputs(*[part(x) for part in self.parts])

    return Several()


def same(ours, theirs):
    assert set(ours) == set(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("case", GIVEN, ids=lambda case: f"{case[0]}: {case[1]}")
def test_they_mirror_the_outputs(case):
    outputs, y = GRAPHS[case[0]]
    logs = []
    for k in (lamina, keras):
        model = graph(k, outputs)
        model.compile("sgd", **case[1], run_eagerly=True)
        logs.append(model.test_on_batch(X, y, return_dict=True))
    same(*logs)


@pytest.mark.parametrize(
    ("outputs", "y", "compiled"),
    [
        (lambda a, b, c: [a, b], [Y, Y2], {"loss": ["mse", "mae"], "metrics": ["mae", "mse"]}),
        (
            lambda a, b, c: {"p": a, "q": [b, c]},
            {"p": Y, "q": [Y2, Y3]},
            {"loss": {"p": "mse", "q": ["mse", "mae"]}},
        ),
        (lambda a, b, c: [a], [Y], {"loss": "mse", "metrics": ["mae"]}),
    ],
)
def test_outputs_without_names_have_those_of_their_losses(outputs, y, compiled):
    logs = []
    for k in (lamina, keras):
        model = subclass(k, outputs)
        model.compile("sgd", **compiled, run_eagerly=True)
        logs.append(model.test_on_batch(X, y, return_dict=True))
    same(*logs)


def test_nested_outputs_train(backend):
    outputs, y = GRAPHS["a list in a dict"]
    model = graph(lamina, outputs)
    model.compile(
        lamina.optimizers.Adam(0.05), {"u": "mse", "v": ["mae", "mse"]}, metrics={"v": [["mae"], None]}
    )
    history = model.fit(X, y, epochs=4, verbose=0, validation_data=(X, y)).history
    assert {"u_loss", "v/b_loss", "v/c_loss", "b_mae", "val_b_mae"} <= set(history)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("eager", [False, True])
def test_metrics_of_outputs_whose_keys_are_not_sorted(backend, eager):
    """A compiled step on jax gives dicts back with their keys sorted: "where" and "what" were mixed up, silently."""
    inputs = lamina.Input((1,))
    ones = lambda value: lamina.layers.Dense(1, kernel_initializer=lamina.initializers.Constant(value))(
        inputs
    )
    model = lamina.Model(inputs, {"where": ones(1.0), "what": {"y": ones(2.0), "x": ones(3.0)}})
    mae = {"where": "mae", "what": {"y": "mae", "x": "mae"}}
    model.compile(lamina.optimizers.SGD(0.0), "mse", metrics=mae, run_eagerly=eager)
    x, zeros = np.ones((4, 1), "float32"), np.zeros((4, 1), "float32")
    y = {"where": zeros, "what": {"y": zeros, "x": zeros}}
    logs = model.fit(x, y, verbose=0).history
    assert (logs["where_mae"], logs["y_mae"], logs["x_mae"]) == ([1.0], [2.0], [3.0])
    logs = model.train_on_batch(x, y, return_dict=True)
    assert (logs["where_mae"], logs["y_mae"], logs["x_mae"]) == (1.0, 2.0, 3.0)


def test_metrics_before_and_after_the_first_batch():
    found = []
    for k in (lamina, keras):
        model = graph(k, GRAPHS["a list"][0])
        model.compile("sgd", "mse", run_eagerly=True)
        seen = [[m.name for m in model.metrics]]
        model.compile("sgd", "mse", metrics=["mae", "mse"], run_eagerly=True)
        seen.append([m.name for m in model.metrics])
        model.test_on_batch(X, [Y, Y2])
        found.append([*seen, [m.name for m in model.metrics], len(model.metrics_variables)])
    assert found[0] == found[1]
    assert found[0][1] == ["loss", "compile_metrics"]


def test_a_step_of_ones_own_updates_the_metrics_of_several_outputs(backend):
    """As the guides write it: every metric but the loss takes the targets and predictions as they are."""

    class Own(lamina.Model):
        def test_step(self, data):
            x, y, sample_weight = lamina.utils.unpack_x_y_sample_weight(data)
            y_pred = self(x, training=False)
            loss = self.compute_loss(x, y, y_pred, sample_weight)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                elif metric.name == "compile_metrics":
                    metric.update_state(y, y_pred, sample_weight=sample_weight)
            return {m.name: m.result() for m in self.metrics}

    inputs = lamina.Input((5,))
    made = [
        lamina.layers.Dense(n, kernel_initializer="ones", name=name)(inputs)
        for n, name in ((1, "a"), (2, "b"))
    ]
    own, usual = Own(inputs, made), lamina.Model(inputs, made)
    logs = []
    for model in (own, usual):
        model.compile("sgd", "mse", metrics=["mae", None], weighted_metrics=["mae", "mae"])
        weight = np.linspace(0, 1, 8, dtype="float32")
        logs.append(model.evaluate(X, [Y, Y2], sample_weight=[weight, weight], verbose=0, return_dict=True))
    same(*logs)
    assert logs[0]["a_mae"] != logs[0]["a_weighted_mae"]


def test_names_of_functions_and_losses_as_metrics():
    logs = []
    for k in (lamina, keras):
        model = graph(k, lambda a, b, c: a)
        found = [k.losses.Huber(name="hub"), lambda y, p, k=k: k.ops.mean(k.ops.abs(y - p), -1)]
        model.compile("sgd", "mse", metrics=found, run_eagerly=True)
        logs.append(model.test_on_batch(X, Y, return_dict=True))
    same(*logs)
    assert set(logs[0]) == {"loss", "hub", "lambda"}


def test_an_optional_input_that_is_none(backend):
    one, two = lamina.Input((5,), name="i"), lamina.Input((5,), name="j", optional=True)

    class Add(lamina.layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    model = lamina.Model(
        {"i": one, "j": two}, lamina.layers.Dense(1, kernel_initializer="ones")(Add()(one, two))
    )
    model.compile(lamina.optimizers.SGD(0.0), "mse")
    wanted = np.mean((X.sum(1, keepdims=True) - Y) ** 2)
    given = {"i": X, "j": None}
    assert model.evaluate(given, Y, verbose=0) == pytest.approx(wanted, rel=1e-5)
    assert model.fit(given, Y, verbose=0).history["loss"][0] == pytest.approx(wanted, rel=1e-5)
    assert model.fit(((given, Y) for _ in range(2)), verbose=0).history["loss"][0] == pytest.approx(
        wanted, rel=1e-5
    )
    np.testing.assert_allclose(model.predict(given, verbose=0), X.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("loss", ["mse"], "has 1 entries, but the model has 2 outputs: a, b"),
        ("loss", {"c": "mse"}, "do not match the outputs of the model at 'c'"),
        ("loss_weights", 2.0, "is one value, but the model has 2 outputs"),
        ("loss_weights", [1.0], "has 1 entries, but the model has 2 outputs"),
    ],
)
def test_what_does_not_fit_is_told(what, given, words):
    with lamina.backend("torch"):
        model = graph(lamina, GRAPHS["a list"][0])
        model.compile("sgd", **({"loss": "mse"} | {what: given}))
        with pytest.raises(ValueError, match=words):
            model.fit(X, [Y, Y2], verbose=0)


def test_of_several_losses_the_one_that_fails_is_named():
    def broken(y_true, y_pred):
        raise RuntimeError("no")

    inputs = lamina.Input((4,))
    model = lamina.Model(
        inputs, [lamina.layers.Dense(1, name="a")(inputs), lamina.layers.Dense(1, name="b")(inputs)]
    )
    model.compile("sgd", loss=[["mse", broken], "mse"])
    with pytest.raises(RuntimeError) as caught:
        model.fit(np.ones((8, 4), "float32"), [Y, Y], verbose=0)
    assert any("In the loss 'broken' of output 'a'" in note for note in caught.value.__notes__)


def test_labels_are_checked_beside_a_loss_of_another_kind():
    inputs = lamina.Input((4,))
    outputs = [lamina.layers.Dense(3, activation="softmax", name=n)(inputs) for n in "ab"]
    model = lamina.Model(inputs, outputs)

    def spread_out(y_true, y_pred):
        return -lamina.ops.max(y_pred, -1)

    model.compile("sgd", loss=[["sparse_categorical_crossentropy", spread_out], None])
    with pytest.raises(ValueError, match="7"):
        model.fit(np.ones((8, 4), "float32"), [np.full((8,), 7), np.zeros((8, 3), "float32")], verbose=0)


@pytest.mark.parametrize("how", ["plain", "a callback", "several steps at once", "dataset"])
def test_the_loss_of_each_output_is_a_mean_over_rows(how, backend):
    """Batches of 3, 3 and 2 rows; on TensorFlow one program serves them all, and knows no number of rows."""
    a, b = lamina.Input((5,), name="a"), lamina.layers.Dense(1, name="left", kernel_initializer="ones")
    model = lamina.Model(a, [b(a), lamina.layers.Dense(2, name="right", kernel_initializer="ones")(a)])
    model.compile("sgd", ["mse", "mae"], steps_per_execution=2 if how == "several steps at once" else 1)
    wanted = [np.mean((X.sum(1, keepdims=True) - Y) ** 2), np.mean(np.abs(X.sum(1, keepdims=True) - Y2))]

    class Looks(lamina.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            assert logs

    if how == "dataset":
        tf = pytest.importorskip("tensorflow")
        source = tf.data.Dataset.from_tensor_slices((X, (Y, Y2))).batch(3)
    else:
        source = ((X[i : i + 3], (Y[i : i + 3], Y2[i : i + 3])) for i in (0, 3, 6))
    found = model.evaluate(
        source, verbose=0, return_dict=True, callbacks=[Looks()] if how == "a callback" else []
    )
    assert [found["left_loss"], found["right_loss"]] == pytest.approx(wanted, rel=1e-5)
    assert found["loss"] == pytest.approx(sum(wanted), rel=1e-5)
