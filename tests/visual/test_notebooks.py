"""What models, layers and histories show in a notebook, and the plot of a history."""

from __future__ import annotations

import importlib.util
import shutil
import types
from collections.abc import Callable
from typing import Any

import numpy as np
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


def test_plot_without_matplotlib(without: Callable[[str], None]) -> None:
    without("matplotlib")
    with pytest.raises(ImportError, match=r"Plots need matplotlib: `pip install lamina\[plot\]`"):
        history().plot()


def test_progress_in_a_notebook_is_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without widgets: one display an epoch, updated in its place, and the last state is the line of the epoch."""
    from lamina.callbacks import progress

    shown: list[list[dict[str, str]]] = []

    class Handle:
        def __init__(self, place: list[dict[str, str]]) -> None:
            self.place = place

        def update(self, data: dict[str, str], *, raw: bool) -> None:
            assert raw
            self.place.append(data)

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append([data])
        return Handle(shown[-1])

    module = types.SimpleNamespace(display=display)
    monkeypatch.setattr(progress, "_in_notebook", lambda: True)
    monkeypatch.setattr(progress, "import_module", lambda name: {"IPython.display": module}[name])
    monkeypatch.setattr(progress.Progress, "interval", 0.0)
    with lamina.backend("torch"):
        model = lamina.Sequential([lamina.Input((2,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[lamina.metrics.MeanAbsoluteError(name="a<b")])
        model.fit(np.ones((64, 2)), np.ones((64, 1)), batch_size=2, epochs=2)
    assert len(shown) == 2  # epochs
    first = shown[0]
    assert any(
        "<progress value=" in state["text/html"] and " left - loss: " in state["text/plain"]
        for state in first
    )
    assert first[-1]["text/plain"].startswith("Epoch 1/2 - 32/32 steps")
    assert "<progress" not in first[-1]["text/html"]
    assert "a&lt;b: " in first[-1]["text/html"]
    assert "white-space:pre-wrap" in first[-1]["text/html"]  # long lines are wrapped


@pytest.mark.slow
def test_a_notebook_that_is_run(tmp_path: Any) -> None:
    """Progress, model, layer, History and picture: what cells hold afterwards, as Jupyter's own client runs them."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    cells = [
        "import lamina, numpy as np\n"
        "model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "history = model.fit(np.ones((64, 2)), np.ones((64, 1)), epochs=3, validation_split=0.5)",
        "model",
        "history",
        "lamina.layers.Dense(3)",
        "model.fit(np.ones((8, 3)), np.ones((8, 1)))",
        "lamina.utils.plot_model(model, 'net.png')",
        "lamina.utils.plot_model(model, 'net.svg')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    client = nbclient.NotebookClient(
        notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [cell.outputs for cell in notebook.cells]
    lines = [o["data"]["text/plain"] for o in outputs[0]]
    assert [line[:9] for line in lines] == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    assert all("val_loss" in line for line in lines)
    assert "<iframe" in outputs[1][0]["data"]["text/html"]
    assert "<svg" in outputs[2][0]["data"]["text/html"]
    assert "<table>" in outputs[3][0]["data"]["text/html"]
    for cell in outputs[5:]:
        kind = "<img" if shutil.which("dot") and importlib.util.find_spec("graphviz") else "<iframe"
        text = cell[-1]["data"]["text/html"]
        assert text.startswith(kind)
        assert "width:100%" in text
    trace = "".join(outputs[4][-1]["traceback"])
    assert "expected an input of size 2" in trace
    assert "lamina/" not in trace  # the user's line alone
