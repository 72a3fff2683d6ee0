"""What models, layers and histories show in a notebook, and the plot of a history."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

import lamina
from lamina import layers
from lamina.callbacks import History


def history() -> History:
    found = History()
    found.history = {"loss": [3.0, 2.0, float("nan")], "val_loss": [3.5, 2.5, 2.25], "a<b": [0.1, 0.2, 0.3]}
    found.epoch = [0, 1, 2]
    return found


def test_layers() -> None:
    dense = layers.Dense(3, activation="relu", name="first<")
    assert "<td" in dense._repr_html_()
    dense.build((None, 4))
    text = dense._repr_html_()
    for cell in (
        ">first&lt;<",
        ">Dense<",
        ">15<",
        ">kernel<",
        ">(4, 3) float32<",
        ">relu<",
        ">GlorotUniform(",
    ):
        assert cell in text
    assert "first<" not in text


def test_models() -> None:
    model = lamina.Sequential([layers.Dense(3)])
    assert "<table>" in model._repr_html_()
    model.build((None, 4))
    assert "<iframe srcdoc=" in model._repr_html_()
    assert 'sandbox="allow-scripts"' in model._repr_html_()
    large = lamina.Sequential([lamina.Input((2,)), *[layers.ReLU() for _ in range(301)]], name="large")
    assert large._repr_html_().startswith("<pre")
    assert "Model: &quot;large&quot;" in large._repr_html_()


def test_history_shows_its_curves() -> None:
    text = history()._repr_html_()
    assert text.count("<svg") == 2  # the validation's loss lies in the picture of the loss
    assert text.count("<polyline") == 3
    assert "loss nan, val_loss 2.25" in text
    assert "a&lt;b 0.3" in text
    assert History()._repr_html_() == "<p>History of no epochs</p>"


def test_history_plot() -> None:
    pytest.importorskip("matplotlib")
    figure = history().plot()
    assert [axes.get_title() for axes in figure.axes] == ["loss", "a<b"]
    assert [line.get_label() for line in figure.axes[0].lines] == ["loss", "val_loss"]
    assert list(figure.axes[0].lines[0].get_xdata()) == [1, 2, 3]
    assert len(history().plot("loss").axes) == 1
    with pytest.raises(ValueError, match=r"There are no values of 'accuracy'\. Known: loss, a<b"):
        history().plot(["accuracy"])
    with pytest.raises(ValueError, match=r"the history is empty\. Call `fit` first"):
        History().plot()


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"Plots need matplotlib: `pip install lamina\[plot\]`"):
        history().plot()
