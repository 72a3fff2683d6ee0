"""A model as one HTML page: pan, zoom, fold nested models, find a layer, read what it is and costs. Needs no network."""

from __future__ import annotations

import json
import pathlib
from html import escape
from typing import Any

from lamina.core.layer import Layer
from lamina.visual.cost import cost, output_bytes
from lamina.visual.layout import edges_of, has_inside, operations_of, ranks
from lamina.visual.picture import framed
from lamina.visual.summary import _bytes, kind_of, shapes_text, summary

_TEMPLATE = pathlib.Path(__file__).with_name("page.html")


def html(model: Any, path: Any = None, *, batch_size: int = 1) -> str:
    """The model as a self-contained page.

    Args:
        model: A built model.
        path: Where to write it, if anywhere.
        batch_size: The rows that multiply-adds and bytes are for.

    Returns:
        The page's text.

    Raises:
        ValueError: if the model is not built.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, name="first")])
        >>> '"first"' in lamina.visual.html(model)
        True
    """
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet: call it on data, or `build(input_shape)`.")
    try:
        report = cost(model, batch_size)
    except Exception:  # noqa: BLE001 - a model whose cost cannot be known (strings, unknown sizes) can still be shown
        report = None
    data = {
        "name": model.name,
        "kind": type(model).__name__,
        "facts": {"parameters": f"{model.count_params():,}", **_costs(report, (), batch_size)},
        "graph": _graph(model, report, (), batch_size),
    }
    # "<" inside a script could end it
    text = json.dumps(data, default=str, separators=(",", ":")).replace("<", "\\u003c")
    page = (
        _TEMPLATE.read_text(encoding="utf-8")
        .replace("{{title}}", escape(model.name))
        .replace("{{data}}", text)
    )
    if path is not None:
        pathlib.Path(path).write_text(page, encoding="utf-8")
    return page


_MOST_IN_A_CELL = (
    300  # layers; a page of more is hundreds of kilobytes in the notebook's file, at every run of the cell
)


def notebook_cell(model: Any) -> str:
    """The page of a model in a frame; of a large one its table."""
    if sum(1 for _ in model._flatten_layers()) <= _MOST_IN_A_CELL:
        return framed(html(model))
    lines: list[str] = []
    summary(model, print_fn=lines.append)
    return f"<pre style='line-height:1.1'>{escape(lines[0])}</pre>"


def _graph(model: Any, report: Any, path: tuple[str, ...], rows: int) -> dict[str, Any]:
    operations, edges = operations_of(model), edges_of(model)
    number = {id(o): i for i, o in enumerate(operations)}
    return {
        "nodes": [_node(o, report, (*path, o.name), rows) for o in operations],
        "ranks": [[number[id(o)] for o in row] for row in ranks(operations, edges)],
        "edges": [[number[id(a)], number[id(b)]] for a, b in edges if a is not b],
    }


def _node(o: Any, report: Any, path: tuple[str, ...], rows: int) -> dict[str, Any]:
    shape = shapes_text(o._inbound_nodes[-1].outputs) if o._inbound_nodes else ""
    facts: dict[str, Any] = {"output": shape} if shape else {}
    if isinstance(o, Layer) and o.weights:
        count, size = _bytes(o.weights)
        facts |= {"parameters": f"{count:,} ({size:,} bytes)", "trainable": "yes" if o.trainable else "no"}
        if not has_inside(o):
            facts["weights"] = ", ".join(f"{v.name} {tuple(v.shape)}" for v in o.weights)
    if (size := output_bytes(o, rows)) is not None:
        facts["bytes of output"] = f"{size:,}"
    facts |= _costs(report, path, rows)
    node = {"name": o.name, "kind": kind_of(o), "shape": shape, "facts": facts, "config": _config(o)}
    return node | ({"graph": _graph(o, report, path, rows)} if has_inside(o) else {})


def _costs(report: Any, path: tuple[str, ...], rows: int) -> dict[str, str]:
    if report is None:
        return {}
    place = report.at(*path)
    found = {"multiply-adds": place.multiply_adds(), "backward": place.multiply_adds(backward=True)}
    found["bytes kept for the gradient"] = place.kept
    return {name: f"{n:,} (batch of {rows})" for name, n in found.items() if n}


def _config(o: Any) -> str:
    """The config as lines; the layers inside have boxes of their own."""
    try:
        config = o.get_config()
    except Exception:  # noqa: BLE001 - a layer that cannot be saved can be shown
        return ""
    lines = [
        f"{k}: {_brief(v)}"
        for k, v in config.items()
        if k not in ("name", "layers", "input_layers", "output_layers")
    ]
    return "\n".join(lines)


def _brief(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config") or {}
        shown = ", ".join(f"{k}={v}" for k, v in inner.items()) if isinstance(inner, dict) else str(inner)
        return f"{value['class_name']}({shown})"[:200]
    return str(value)[:200]
