"""Pictures of models, with and without Graphviz, and the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lamina
from lamina import layers
from lamina.visual.layout import edges_of, operations_of, ranks


@pytest.fixture(scope="module")
def model() -> Any:
    x = lamina.Input((8,), name="x")
    inner = lamina.Sequential(
        [lamina.Input((8,), name="in"), layers.Dense(8, activation="relu", name="deep")], name="inner"
    )
    y = inner(x)
    return lamina.Model(x, layers.Add(name='a "sum" <b>')([x, inner(y)]) * 2, name="net<script>")


@pytest.fixture
def no_graphviz(without: Callable[[str], None]) -> None:
    without("graphviz")


def data_of(page: str) -> Any:
    return json.loads(
        re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[0]
    )


def test_without_graphviz_a_script_goes_on(
    model: Any, tmp_path: Path, capsys: Any, no_graphviz: None
) -> None:
    picture = lamina.utils.plot_model(model, tmp_path / "m.png", show_layer_names=True)
    said = capsys.readouterr().out
    assert said.startswith("m.png was not drawn; m.html and m.mmd were written.")
    assert "pip install lamina[plot]" in said
    assert said.count("\n") == 1
    assert picture.path == tmp_path / "m.html"
    assert not (tmp_path / "m.png").exists()
    assert data_of((tmp_path / "m.html").read_text())["name"] == "net<script>"
    assert "<iframe srcdoc=" in picture._repr_html_()


@pytest.mark.skipif(shutil.which("dot") is not None, reason="the program is there")
def test_without_the_program(model: Any, tmp_path: Path, capsys: Any) -> None:
    lamina.utils.plot_model(model, tmp_path / "m.svg")
    assert "Graphviz's program `dot`: apt install graphviz" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_with_graphviz(model: Any, tmp_path: Path, form: str) -> None:
    picture = lamina.utils.plot_model(model, tmp_path / f"m.{form}", expand_nested=True, show_shapes=True)
    start = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert picture.path.read_bytes().startswith(start)
    assert ("max-width:100%" in picture._repr_html_()) == (form != "pdf")


def test_mermaid(model: Any, tmp_path: Path) -> None:
    lamina.utils.plot_model(model, tmp_path / "m.mmd", show_layer_names=True, expand_nested=True, rankdir="LR",
                            show_shapes=True, show_layer_activations=True)  # fmt: skip
    assert (tmp_path / "m.mmd").read_text() == "\n".join([
        "flowchart LR",
        '  n0["x (InputLayer)<br>shape: (None, 8)"]',
        '  subgraph n1["inner (Sequential)<br>shape: (None, 8)"]',
        '    n1_0["in (InputLayer)<br>shape: (None, 8)"]',
        '    n1_1["deep (Dense)<br>activation: relu<br>shape: (None, 8)"]',
        "    n1_0 --> n1_1",
        "  end",
        '  n2["a #quot;sum#quot; <b> (Add)<br>shape: (None, 8)"]',
        '  n3["multiply (Multiply)<br>shape: (None, 8)"]',
        "  n0 --> n1", "  n1 --> n1", "  n0 --> n2", "  n1 --> n2", "  n2 --> n3",
        "",
    ]).replace("multiply (", f"{model._operations[-1].name} (")  # fmt: skip


def test_activations_by_their_public_name(model: Any) -> None:
    source = lamina.utils.model_to_dot(model, show_layer_activations=True, expand_nested=True).source
    assert "activation: relu" in source
    assert lamina.visual.plot_model.__module__ == "lamina.visual"


def test_page_says_what_layers_are(model: Any, tmp_path: Path) -> None:
    data = data_of(lamina.visual.html(model, tmp_path / "m.html", batch_size=3))
    assert [n["name"] for n in data["graph"]["nodes"]][:3] == ["x", "inner", 'a "sum" <b>']
    assert data["graph"]["ranks"] == [[0], [1], [2], [3]]
    deep = data["graph"]["nodes"][1]["graph"]["nodes"][1]
    assert deep["facts"]["multiply-adds"] == "384 (batch of 3)"  # it is called twice
    assert deep["facts"]["parameters"] == "72 (288 bytes)"
    assert "activation: relu" in deep["config"]
    page = (tmp_path / "m.html").read_text()
    assert "net<script>" not in page
    assert not re.search(r"(src|href)\s*=|https?://(?!www\.w3\.org/2000/svg)", page)  # needs no network


def test_ranks() -> None:
    x = lamina.Input((4,), name="x")
    a, b = layers.Dense(4, name="a")(x), layers.Dense(4, name="b")(x)
    c = layers.Dense(4, name="c")(b)
    model = lamina.Model(x, layers.Add(name="sum")([layers.Add(name="inner")([a, c]), x]))
    rows = ranks(operations_of(model), edges_of(model))
    assert [sorted(o.name for o in row) for row in rows] == [["x"], ["a", "b"], ["c"], ["inner"], ["sum"]]


def test_errors() -> None:
    unbuilt = lamina.Sequential([layers.Dense(3)], name="young")
    for call in (lamina.visual.html, lamina.visual.plot_model, lamina.visual.model_to_dot):
        with pytest.raises(ValueError, match="Model 'young' is not built yet"):
            call(unbuilt)
    with pytest.raises(TypeError, match="Unknown arguments: show_everything"):
        lamina.visual.plot_model(unbuilt, show_everything=True)


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("size", [2, 1000])
def test_page_in_a_browser(model: Any, tmp_path: Path, size: int) -> None:
    """Its scripts run, and what they draw is there: a box for each layer, an arrow for each connection."""
    shown = model
    if size > 2:
        shown = lamina.Sequential([lamina.Input((2,)), *[layers.Dense(2) for _ in range(size - 1)]])
    path = tmp_path / "m.html"
    page = lamina.visual.html(shown, path)
    path.write_text(
        page.replace(
            "redraw();fit();tell(null);", "groups.forEach(n=>n.open=true);redraw();fit();tell(flat[1]);"
        )
    )
    dom = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{path}"],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert dom.count('class="node') == (6 if size == 2 else size)
    assert dom.count('class="edge"') == (5 if size == 2 else size - 1)
    assert "<dt>config</dt>" in dom


def test_a_picture_in_a_notebook_is_as_large_as_it_would_be_at_a_screens_resolution(tmp_path: Path) -> None:
    header = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
    for (width, height), dpi, shown in (((400, 300), 200, 192), ((400, 3000), 200, 96), ((100, 50), 96, 100)):
        path = tmp_path / "net.png"
        path.write_bytes(header + width.to_bytes(4, "big") + height.to_bytes(4, "big"))
        text = lamina.visual.Picture(path, "", dpi)._repr_html_()
        assert f'style="max-width:100%;width:{shown}px;height:auto"' in text
