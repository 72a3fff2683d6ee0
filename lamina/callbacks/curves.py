"""The curves of a training, drawn: as SVG for a notebook, or by matplotlib."""

from __future__ import annotations

import html
import math
from typing import Any

from lamina.callbacks.figures import grid

WIDTH, HEIGHT, EDGE = 260, 120, 8


def groups(history: dict[str, list[float]]) -> dict[str, list[str]]:
    """The names by the metric they are of: `val_loss` belongs to `loss`."""
    found: dict[str, list[str]] = {}
    for name, values in history.items():
        if all(isinstance(v, int | float) or getattr(v, "shape", None) == () for v in values):
            found.setdefault(name.removeprefix("val_"), []).append(name)
    return found


def svg(history: dict[str, list[float]]) -> str:
    """One small picture for each metric, the validation's curve dashed."""
    return "".join(_picture(history, metric, names) for metric, names in groups(history).items())


def _picture(history: dict[str, list[float]], metric: str, names: list[str]) -> str:
    known = [float(v) for name in names for v in history[name] if math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    lines = "".join(_line(history[name], low, high, name.startswith("val_")) for name in names)
    last = ", ".join(f"{name} {history[name][-1]:.4g}" for name in names if history[name])
    return (
        f'<figure style="display:inline-block;margin:4px"><svg width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{html.escape(metric)}"><rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#9aa8b5"/>{lines}'
        f"</svg><figcaption>{html.escape(last)}</figcaption></figure>"
    )


def _line(values: list[float], low: float, high: float, dashed: bool) -> str:
    span, steps = (high - low) or 1.0, max(len(values) - 1, 1)
    points = [
        f"{EDGE + (WIDTH - 2 * EDGE) * i / steps:.1f},{HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (v - low) / span:.1f}"
        for i, v in enumerate(values)
        if math.isfinite(v)
    ]
    if len(points) == 1:  # a line of one point is not seen
        x, y = points[0].split(",")
        return f'<circle cx="{x}" cy="{y}" r="3" fill="{"#d6661a" if dashed else "#1a66d6"}"/>'
    style = 'stroke="#d6661a" stroke-dasharray="5 3"' if dashed else 'stroke="#1a66d6"'
    return f'<polyline points="{" ".join(points)}" fill="none" stroke-width="2" {style}/>'


def figure(history: dict[str, list[float]], epochs: list[int], metrics: Any = None) -> Any:
    """A matplotlib figure with one plot for each metric.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if there is nothing to plot, or a metric has no values.
    """
    known = groups(history)
    wanted = list(known) if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
    missing = [m for m in wanted if m not in known]
    if missing:
        raise ValueError(
            f"There are no values of {', '.join(map(repr, missing))}. Known: {', '.join(known) or 'none'}."
        )
    if not wanted:
        raise ValueError("There is nothing to plot: the history is empty. Call `fit` first.")
    drawn, places = grid(len(wanted), len(wanted), 4.5, 3.2)
    for axes, metric in zip(places, wanted, strict=True):
        for name in known[metric]:
            values = history[name]
            at = [e + 1 for e in epochs] if len(epochs) == len(values) else range(1, len(values) + 1)
            axes.plot(
                at,
                values,
                "--" if name.startswith("val_") else "-",
                label=name,
                marker="." if len(values) == 1 else "",
            )
        axes.set(xlabel="epoch", title=metric)
        axes.legend()
    return drawn
