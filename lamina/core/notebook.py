"""What a layer shows in a notebook."""

from __future__ import annotations

import html
from typing import Any


def layer_table(layer: Any) -> str:
    """The layer as an HTML table: its class, weights and config."""
    rows = [("name", layer.name), ("class", type(layer).__name__), ("built", "yes" if layer.built else "no")]
    weights = layer.weights if layer.built else []
    if weights:
        rows.append(("parameters", f"{layer.count_params():,}"))
        rows.append(("trainable", "yes" if layer.trainable else "no"))
    rows += [(v.path.removeprefix(f"{layer.path}/"), f"{tuple(v.shape)} {v.dtype}") for v in weights[:20]]
    if len(weights) > 20:
        rows.append(("", f"and {len(weights) - 20} more"))
    try:
        config = layer.get_config()
    except Exception:  # noqa: BLE001 - what cannot be saved can be shown
        config = {}
    rows += [
        (name, _brief(value)) for name, value in config.items() if name not in ("name", "trainable", "layers")
    ]
    return table(rows)


def table(rows: list[tuple[str, Any]]) -> str:
    """Rows of a name and a value; both are escaped."""
    cells = "".join(
        f'<tr><th style="text-align:left">{html.escape(str(name))}</th>'
        f'<td style="text-align:left">{html.escape(str(value))}</td></tr>'
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _brief(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        given = ", ".join(f"{k}={v}" for k, v in inner.items()) if isinstance(inner, dict) else inner or ""
        value = f"{value['class_name']}({given})"
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"
