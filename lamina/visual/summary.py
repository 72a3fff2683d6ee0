"""`model.summary()`: a table of the layers."""

from __future__ import annotations

import io
import re
import shutil
from typing import Any

from lamina.core.layer import Layer
from lamina.core.operation import OpCall
from lamina.models import Model


def summary(
    model: Any, line_length: int | None = None, positions: Any = None, print_fn: Any = None,
    expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None,
) -> None:  # fmt: skip
    """Print a table of the layers with output shapes, parameters and, where the graph branches, connections.

    Args:
        model: A model.
        line_length: The width of the table in characters.
        positions: Relative widths of the columns, ascending, the last 1.0 (as in Keras).
        print_fn: Takes the text of the table instead of the terminal.
        expand_nested: Whether the layers of nested models get rows.
        show_trainable: Whether a column says what is trained.
        layer_range: Two layer names or patterns: the first and the last row.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = _in_range(list(_rows(model)), layer_range)
    branched = _branches(model)
    columns = ["Layer (type)", "Output shape", "Param #"]
    columns += ["Connected to"] if branched else []
    columns += ["Trainable"] if show_trainable else []
    screen = shutil.get_terminal_size((80, 24)).columns if print_fn is None else 80
    width = line_length or min(100 if branched else 80, screen)
    table = Table(width=width, header_style="bold")
    shares = _shares(positions, len(columns))
    for name, share in zip(columns, shares, strict=True):
        right = name == "Param #"
        table.add_column(name, justify="right" if right else "left", ratio=share, overflow="fold")
    for operation, depth in _expanded(rows, expand_nested):
        table.add_row(*(Text(cell) for cell in _cells(operation, depth, branched, show_trainable)))
    buffer = io.StringIO()
    captured = Console(file=buffer, width=width + 2, force_terminal=False, color_system=None)
    console = captured if print_fn is not None else Console(width=None if line_length is None else width + 2)
    console.print(Text.assemble((f'Model: "{model.name}"', "bold")))
    console.print(table)
    for line in (*_totals(model), *_on_the_host(model)):
        console.print(line, highlight=print_fn is None)
    if print_fn is not None:
        print_fn(buffer.getvalue())


def _on_the_host(model: Any) -> list[str]:
    """A line that names the layers for strings, behind which the graph is cut."""
    try:
        part = model._host_part() if hasattr(model, "_host_part") else None
    except NotImplementedError:  # said where the model is used
        return []
    names = [] if part is None else [o.name for o in part.operations]
    return [f"On the host, ahead of the compiled step: {', '.join(names)}"] if names else []


def _rows(model: Any) -> list[Any]:
    found = model.__dict__.get("_operations")
    if found is not None and not model.__dict__.get("_stack"):
        return list(found)
    return list(model.layers)


def _in_range(rows: list[Any], given: Any) -> list[Any]:
    if given is None:
        return rows
    if len(given) != 2:
        raise ValueError(f"`layer_range` takes two names, the first and the last row; got {given!r}.")
    places = [[i for i, o in enumerate(rows) if re.match(str(pattern), o.name)] for pattern in given]
    if not all(places):
        missing = [p for p, found in zip(given, places, strict=True) if not found]
        raise ValueError(
            f"`layer_range`: no layer is called {missing}. Layers: {', '.join(o.name for o in rows)}."
        )
    first, last = min(places[0]), max(places[1])
    return rows[min(first, last) : max(first, last) + 1]


def _expanded(rows: list[Any], nested: bool, depth: int = 0) -> Any:
    for o in rows:
        yield o, depth
        if nested and isinstance(o, Layer) and o._layers:
            yield from _expanded(_rows(o) if isinstance(o, Model) else o._layers, nested, depth + 1)


def _shares(positions: Any, count: int) -> list[int]:
    if positions is None:
        return {3: [5, 5, 3], 4: [5, 4, 2, 4], 5: [5, 4, 2, 4, 2]}[count]
    if len(positions) != count:
        raise ValueError(f"`positions` needs {count} numbers, one per column; got {len(positions)}.")
    return [max(1, round(100 * (b - a))) for a, b in zip([0, *positions], positions, strict=False)]


def _branches(model: Any) -> bool:
    """Whether the graph is more than a chain."""
    if model.__dict__.get("_stack") or "_nodes" not in model.__dict__:
        return False
    fan_out = [len([n for n in o._outbound_nodes if n in model._nodes]) for o in model._operations]
    return max(fan_out, default=0) > 1 or any(len(n.input_tensors) > 1 for n in model._nodes)


def _cells(o: Any, depth: int, branched: bool, trainable: bool) -> list[str]:
    kind = o.op.class_name if isinstance(o, OpCall) else type(o).__name__
    cells = [f"{'  ' * depth}{o.name} ({kind})", _shape(o), _parameters(o)]
    if branched:
        cells.append(_connections(o))
    if trainable:
        weights = getattr(o, "weights", [])
        cells.append("-" if not weights else "Y" if getattr(o, "trainable", False) else "N")
    return cells


def _shape(o: Any) -> str:
    nodes = o._inbound_nodes
    if not nodes:
        return "?" if not getattr(o, "built", True) else "-"
    shapes = lambda part: (
        "{" + ", ".join(f"{key}: {shapes(value)}" for key, value in part.items()) + "}"
        if isinstance(part, dict)
        else ", ".join(shapes(value) for value in part)
        if isinstance(part, list | tuple)
        else str(getattr(part, "shape", "-"))
    )
    return shapes(nodes[-1].outputs)


def _parameters(o: Any) -> str:
    if not isinstance(o, Layer):
        return "0"
    return f"{o.count_params():,}" if o.built else "? (not built)"


def _connections(o: Any) -> str:
    sources = []
    for node in o._inbound_nodes:
        for x in node.input_tensors:
            operation, index, tensor = x._keras_history
            sources.append(f"{operation.name}[{index}][{tensor}]")
    return ", ".join(sources) or "-"


_WIDTHS = {"bool": 1, "complex64": 8, "complex128": 16, "bfloat16": 2}


def _bytes(variables: list[Any]) -> tuple[int, int]:
    count = size = 0
    for v in variables:
        entries = 1
        for n in v.shape:
            entries *= n
        count += entries
        size += entries * (
            _WIDTHS.get(v.dtype) or int("".join(filter(str.isdigit, v.dtype.split("_")[0]))) // 8
        )
    return count, size


def _readable(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            return f"{size:.2f} {unit}"
        size /= 1024
    return ""


def _totals(model: Any) -> list[str]:
    if not model.built:
        return [
            "Not built yet: call the model on data, or `build(input_shape)`, to see shapes and parameters."
        ]
    parts = [
        ("Total params", model.weights),
        ("Trainable params", model.trainable_weights),
        ("Non-trainable params", model.non_trainable_weights),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        parts.append(("Optimizer params", optimizer.variables))
    return [f"{name}: {count:,} ({_readable(size)})" for name, v in parts for count, size in [_bytes(v)]]
