"""Weights, activations, confusions, losses of rows, batches and results as pictures; the learning-rate finder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina
from lamina import layers, visual
from lamina.core.seeds import random_state

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def _torch():
    with lamina.backend("torch"):
        yield


@pytest.fixture
def convnet() -> Any:
    return lamina.Sequential(
        [
            lamina.Input((6, 6, 1)),
            layers.Conv2D(2, 3, name="conv"),
            layers.Flatten(name="flat"),
            layers.Dense(3, name="head"),
        ],
        name="net",
    )


def drawn(figure: Any) -> list[Any]:
    figure.draw_without_rendering()  # what cannot be rendered fails here
    return [axes for axes in figure.axes if axes.axison or axes.images or axes.texts]


def titles(figure: Any) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


# -- weights and activations ---------------------------------------------------------------------------------------------


def test_weights(convnet):
    convnet.get_layer("conv").bias.assign([1.0, float("nan")])
    shown = titles(visual.plot_weights(convnet))
    assert [t.split(" ")[0] for t in shown] == [v.path for v in convnet.weights]
    assert "mean 1, std 0, 1 not finite" in next(t for t in shown if "conv/bias" in t)
    assert len(titles(visual.plot_weights(convnet, ["head", "conv/kernel"]))) == 3
    with pytest.raises(ValueError, match=r"No weight is called 'gamma'\. Known: net/conv/kernel"):
        visual.plot_weights(convnet, "gamma")
    with pytest.raises(ValueError, match="has no weights yet"):
        visual.plot_weights(layers.Dense(3))


def test_activations(convnet):
    x = np.random.default_rng(0).random((2, 6, 6, 1), dtype="float32")
    found = visual.activations(convnet, x)
    assert {name: value.shape for name, value in found.items()} == {
        "conv": (2, 4, 4, 2),
        "flat": (2, 32),
        "head": (2, 3),
    }
    np.testing.assert_allclose(found["head"], convnet.predict(x, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(found["flat"], found["conv"].reshape(2, 32))
    figure = visual.plot_activations(convnet, x, ["conv", "head"], row=1)
    assert [len(axes.images) + len(axes.patches) for axes in figure.axes] == [1, 1, 3, 0]
    with pytest.raises(ValueError, match=r"has no layer 'body' with one output\. Known: conv, flat, head"):
        visual.activations(convnet, x, "body")

    class Own(lamina.Model):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ValueError, match="has no graph that says what its layers give"):
        visual.activations(Own(), x)


def test_activations_of_a_layer_in_two_models():
    shared = layers.Dense(2, kernel_initializer="ones", name="shared")
    first = lamina.Sequential([lamina.Input((3,)), shared])
    second = lamina.Sequential([lamina.Input((3,)), layers.Rescaling(2.0), shared])
    x = np.ones((1, 3))
    assert visual.activations(first, x, "shared")["shared"].tolist() == [[3, 3]]
    assert visual.activations(second, x, "shared")["shared"].tolist() == [[6, 6]]


# -- confusions and losses -----------------------------------------------------------------------------------------------


def test_confusion_matrix():
    expected = [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    true, scores = [0, 0, 1, 1], np.array([[9, 1, 0], [1, 5, 0], [0, 1, 0], [0, 4, 3]])
    assert visual.confusion_matrix(true, scores).tolist() == expected  # also the class that never occurs
    assert visual.confusion_matrix(np.eye(3)[true], scores.argmax(1), 3).tolist() == expected
    assert visual.confusion_matrix([0, 1, 1], np.array([[0.2], [0.9], [0.4]])).tolist() == [[1, 0], [1, 1]]
    with pytest.raises(ValueError, match="2 labels do not fit 3 predictions"):
        visual.confusion_matrix([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"from 0 to 1, got \[0, 2\]"):
        visual.confusion_matrix([0, 2], [0, 1], 2)
    with pytest.raises(ValueError, match=r"got \[-1, 0\]"):
        visual.confusion_matrix([-1, 0], [0, 0])
    figure = visual.plot_confusion_matrix(true, scores, ["a", "b", "c"], normalize=True)
    drawn(figure)
    assert [text.get_text() for text in figure.axes[0].texts][:3] == ["0.50", "0.50", "0.00"]


def test_most_confused():
    true, predicted = [0, 0, 0, 1, 1, 2], [1, 1, 0, 2, 1, 0]
    assert visual.most_confused(true, predicted) == [(0, 1, 2), (1, 2, 1), (2, 0, 1)]
    assert visual.most_confused(true, predicted, "xyz", least=2) == [("x", "y", 2)]
    assert visual.most_confused(true, true, least=0) == []


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (lamina.losses.SparseCategoricalCrossentropy(from_logits=True), np.array([0, 1, 2, 1, 0])),
        ("mse", np.eye(3, dtype="float32")[[0, 1, 2, 1, 0]]),
        (lambda t, p: lamina.ops.sum(lamina.ops.abs(t - p), -1), np.eye(3, dtype="float32")[[0, 1, 2, 1, 0]]),
    ],
)
def test_top_losses(convnet, loss, y):
    convnet.compile(loss=loss)
    x = np.random.default_rng(1).normal(size=(5, 6, 6, 1)).astype("float32") * 3
    each = [float(convnet.evaluate(x[i : i + 1], y[i : i + 1], verbose=0)) for i in range(5)]
    losses, rows = visual.top_losses(convnet, x, y, count=3, batch_size=2)
    assert rows.tolist() == np.argsort(each)[::-1][:3].tolist()
    np.testing.assert_allclose(losses, np.sort(each)[::-1][:3], rtol=1e-5)
    shown = titles(visual.plot_top_losses(convnet, x, y, count=2, class_names=["a", "b", "c"]))
    assert [t.split("\n")[1] for t in shown] == [f"loss {v:.3g}" for v in losses[:2]]


def test_top_losses_needs_one_loss(convnet):
    with pytest.raises(ValueError, match="compiled with one loss; 'net' has the loss None"):
        visual.top_losses(convnet, np.ones((1, 6, 6, 1)), [0])


# -- batches and results -------------------------------------------------------------------------------------------------

NAMES = ["cat", "dog", "fox"]


def model_that_gives(value: np.ndarray) -> Any:
    """Whatever comes in."""

    class Fixed(lamina.Model):
        def predict(self, x: Any, **_: Any) -> Any:
            return value

    return Fixed()


def test_classification():
    images = np.random.default_rng(0).random((3, 8, 8, 3))
    figure = visual.show_batch(images, np.eye(3)[[2, 0, 1]], class_names=NAMES)
    assert titles(figure) == ["fox", "cat", "dog"]
    shown = [axes.images[0].get_array() for axes in figure.axes[:3]]
    assert (np.min(shown), np.max(shown)) == (0, 255)  # from the least to the largest value
    figure = visual.show_results(model_that_gives(np.eye(3)[[2, 1, 1]]), images, [2, 0, 1], class_names=NAMES)
    assert titles(figure) == ["fox / fox", "cat / dog", "dog / dog"]
    assert [axes.title.get_color() for axes in figure.axes[:3]] == ["black", "#b3261e", "black"]
    gray = visual.show_batch(np.zeros((2, 8, 8), "uint8"), [0, 1])
    assert titles(gray) == ["0", "1"]
    drawn(visual.show_batch(images, ["$x_$", "^", "$\\sqrt$"]))  # no mathematics


def test_segmentation():
    images, masks = np.zeros((2, 4, 4, 3), "uint8"), np.zeros((2, 4, 4), int)
    masks[0, :2] = 1
    figure = visual.show_results(model_that_gives(np.stack([1 - masks, masks], -1) * 0.9), images, masks)
    assert titles(figure) == ["true", "predicted"] * 2
    pictures = [axes.images[0].get_array() for axes in figure.axes]
    assert (pictures[1] == pictures[2]).all()
    assert (pictures[1][0, 0] != pictures[1][3, 0]).any()
    assert (pictures[0] == 0).all()
    with pytest.raises(ValueError, match="Masks of shape"):
        visual.show_batch(images, np.zeros((2, 3, 3)), task="segmentation")


def test_boxes():
    boxes = {"boxes": np.array([[[1.0, 1, 7, 7]]]), "labels": np.array([[1]])}
    images = np.zeros((1, 32, 32, 3), "uint8")
    figure = visual.show_batch(images, boxes)
    assert figure.axes[0].images[0].get_array()[1, 3].tolist() == [0, 188, 212]
    other = {
        "boxes": np.array([[[10.0, 10, 20, 20]]]),
        "labels": np.array([[1]]),
        "confidence": np.array([[0.5]]),
    }
    results = visual.show_results(
        model_that_gives(np.zeros(3)), images, boxes, decode=lambda _: other, class_names=NAMES
    )
    assert results.axes[0].images[0].get_array()[10, 15].tolist() == [255, 160, 0]
    with pytest.raises(ValueError, match=r"the predictions are ndarray\. `decode` makes such a dict"):
        visual.show_results(model_that_gives(np.zeros(3)), images, boxes)


def test_text():
    figure = visual.show_batch(np.array(["a good $ film", "bad"]), [1, 0], class_names=["-", "+"])
    assert titles(figure) == ["+", "-"]
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["a good $ film", "bad"]
    drawn(figure)
    ids = np.array([[1, 0, 2, 0, 0], [0, 0, 0, 0, 0], [2, 9, 0, 0, 0]])
    figure = visual.show_batch(ids, vocabulary=["", "good", "film"])
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["good  film", "", "film [9]"]
    figure = visual.show_results(
        model_that_gives(np.array([[0.9]])), np.array(["word " * 200]), np.array([0])
    )
    assert titles(figure) == ["0 / 0.9"]
    assert figure.axes[0].texts[0].get_text().endswith("word\n…")


def test_series():
    x = np.zeros((2, 10), "float32")
    figure = visual.show_results(model_that_gives(np.ones((2, 3))), x, np.full((2, 3), 0.5))
    assert [line.get_label() for line in figure.axes[0].lines[1:]] == ["true", "predicted"]
    assert figure.axes[0].lines[2].get_xdata().tolist() == [10, 11, 12]
    figure = visual.show_results(model_that_gives(np.eye(3)[[0, 1]]), x, np.array([0, 2]), class_names=NAMES)
    assert titles(figure) == ["cat / cat", "fox / dog"]
    assert titles(visual.show_batch(np.zeros((1, 10, 2), "float32"), [1.25])) == ["1.25"]


def test_a_source_of_batches():
    batches = [
        (np.zeros((4, 8, 8, 3), "uint8"), np.arange(4)),
        (np.zeros((4, 8, 8, 3), "uint8"), np.arange(4)),
    ]
    assert titles(visual.show_batch(iter(batches), count=3)) == ["0", "1", "2"]


def test_what_cannot_be_shown():
    with pytest.raises(ValueError, match=r"What data of shape \(2,\) are is not clear: give `task`"):
        visual.show_batch(np.zeros(2))
    with pytest.raises(ValueError, match="`task` must be one of 'classification'"):
        visual.show_batch(np.zeros((2, 3)), task="images")
    with pytest.raises(ValueError, match="no rows"):
        visual.show_batch(np.zeros((0, 3)))
    with pytest.raises(ValueError, match="`count` must be 1 or more"):
        visual.show_batch(np.zeros((2, 3)), count=0)


# -- the learning-rate finder --------------------------------------------------------------------------------------------


def line() -> tuple[Any, np.ndarray, np.ndarray]:
    lamina.utils.set_random_seed(0)
    made = lamina.Sequential([lamina.Input((2,)), layers.Dense(1, kernel_initializer="zeros")])
    made.compile(lamina.optimizers.SGD(0.25, momentum=0.9), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    return made, x, x @ np.array([[2.0], [-1.0]], "float32")


def test_rates_grow_and_losses_are_those_of_single_steps():
    made, x, y = line()
    same, _, _ = line()
    curve = visual.find_learning_rate(
        made, x, y, batch_size=64, lowest=1e-3, highest=1e-1, steps=5, smoothing=0.0, stop=100
    )
    np.testing.assert_allclose(curve.rates, np.geomspace(1e-3, 1e-1, 5))
    expected = []
    for rate in curve.rates:
        same.optimizer.learning_rate = rate
        expected.append(same.train_on_batch(x, y, return_dict=True)["loss"])
    np.testing.assert_allclose(curve.losses, expected, rtol=1e-5)


def test_the_model_is_given_back_as_it_was():
    made, x, y = line()
    history = made.fit(x, y, verbose=0)
    before = [v.numpy().copy() for v in (*made.weights, *made.optimizer.variables, *made.metrics_variables)]
    draws = random_state()
    visual.find_learning_rate(made, x, y, steps=9)
    for v, value in zip(
        (*made.weights, *made.optimizer.variables, *made.metrics_variables), before, strict=True
    ):
        np.testing.assert_array_equal(v.numpy(), value)
    assert made.history is history
    assert random_state() == draws
    assert not made.stop_training


def test_it_stops_where_the_loss_explodes_and_suggests_a_rate_below():
    made, x, y = line()
    curve = visual.find_learning_rate(made, x, y, lowest=1e-4, highest=100.0, steps=80, batch_size=16)
    assert len(curve.rates) == len(curve.losses) < 80
    assert 1e-3 < curve.suggestion < 1
    figure = curve.plot()
    assert figure.axes[0].get_xscale() == "log"
    assert "suggestion" in repr(curve)
    assert visual.RateCurve([0.1, 0.2], [1.0, 2.0]).suggestion is None


def test_what_the_finder_needs():
    made, x, y = line()
    with pytest.raises(ValueError, match="`lowest` must be above 0 and below `highest`"):
        visual.find_learning_rate(made, x, y, lowest=1.0, highest=0.1)
    with pytest.raises(ValueError, match="2 `steps` or more"):
        visual.find_learning_rate(made, x, y, steps=1)
    made.compile(lamina.optimizers.SGD(lamina.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), "mse")
    with pytest.raises(TypeError, match="was made with a schedule"):
        visual.find_learning_rate(made, x, y)


def test_without_matplotlib(without):
    without("matplotlib")
    for draw in (
        lambda: visual.plot_confusion_matrix([0], [0]),
        lambda: visual.show_batch(np.zeros((1, 4))),
        lambda: visual.RateCurve([0.1, 0.2], [1.0, 2.0]).plot(),
    ):
        with pytest.raises(ImportError, match=r"Plots need matplotlib: `pip install lamina\[plot\]`"):
            draw()
