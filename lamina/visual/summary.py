"""`model.summary()`: a table of the layers."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from typing import Any

from lamina.core.layer import Layer
from lamina.core.operation import OpCall
from lamina.kernel.cost.tensor import width
from lamina.models import Model
from lamina.visual import columns
from lamina.visual.cost import cost, output_bytes


def summary(
    model: Any, line_length: int | None = None, positions: Any = None, print_fn: Any = None,
    expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None, *, flops: bool = False,
    memory: bool = False, show_dtype: bool = False, batch_size: int = 1,
) -> None:  # fmt: skip
    """Print a table of the layers with output shapes, parameters and, where the graph branches, connections.

    Args:
        model: A model.
        line_length: The width of the table in characters; that of the terminal, or 80, when None.
        positions: Relative widths of the columns, ascending, the last 1.0 (as in Keras).
        print_fn: Takes the text of the table instead of the terminal.
        expand_nested: Whether the layers of nested models get rows.
        show_trainable: Whether a column says what is trained.
        layer_range: Two layer names or patterns: the first and the last row.
        flops: Whether columns say the multiply-adds of the forward pass and of the gradient.
        memory: Whether columns say the bytes of weights, of outputs, and of what the gradient reads again.
        show_dtype: Whether a column says the dtype of the output.
        batch_size: The rows that multiply-adds and bytes are for.

    Raises:
        ValueError: if `layer_range` names no layer, or what the model costs cannot be known.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)], name="net")
        >>> lines = []
        >>> lamina.visual.summary(model, print_fn=lines.append, flops=True)
        >>> "Multiply-adds: 12 forward, 12 backward" in lines[0]
        True
    """
    from rich.console import Console
    from rich.text import Text

    rows = _in_range(list(_rows(model)), layer_range)
    report = cost(model, batch_size) if flops or memory else None
    screen = shutil.get_terminal_size((80, 24)).columns if print_fn is None else 80
    branched = _branches(model)
    full = line_length or min(120 if report is not None else 100 if branched else 80, screen)
    roomy = report is None or full >= 100  # else what the totals say anyway, or the picture, is left out
    table = [
        _column("Layer (type)", lambda o, path: _named(o, len(path) - 1)),
        _column("Output Shape", lambda o, path: _shape(o)),
        *([_column("Dtype", lambda o, path: _dtype(o))] if show_dtype else []),
        _column("Param #", lambda o, path: _parameters(o), number=True),
    ]
    if flops and report is not None:
        table.append(_column("MAdds", lambda o, path: _short(report.at(*path).multiply_adds()), number=True))
        table.append(
            _column("Backward", lambda o, path: _short(report.at(*path).multiply_adds(True)), number=True)
        )
    if memory and report is not None:
        table += [_column("Weights", lambda o, path: _weight_bytes(o), number=True)] if roomy else []
        table.append(_column("Output", lambda o, path: _size(output_bytes(o, batch_size)), number=True))
        table.append(_column("Kept", lambda o, path: _size(report.at(*path).kept), number=True))
    if branched and roomy:
        table.append(_column("Connected to", lambda o, path: _connections(o)))
    if show_trainable:
        table.append(_column("Train", lambda o, path: _trained(o)))
    shown = columns.table(
        [(title, number, [text(o, path) for o, path in _expanded(rows, expand_nested)]) for title, text, number in table],
        full, positions,
    )  # fmt: skip
    buffer = io.StringIO()
    wide = max((line_length or 0) + 2, screen)
    captured = Console(file=buffer, width=wide, force_terminal=False, color_system=None)
    console = captured if print_fn is not None else Console(width=None if line_length is None else wide)
    console.print(Text.assemble((f'Model: "{model.name}"', "bold")))
    console.print(shown)
    for line in (*_totals(model), *_costs(report, flops, memory), *_on_the_host(model)):
        console.print(f" {line}", highlight=print_fn is None)
    if print_fn is not None:
        print_fn(buffer.getvalue())


def _column(title: str, text: Any, number: bool = False) -> tuple[str, Any, bool]:
    return title, text, number


def _costs(report: Any, flops: bool, memory: bool) -> list[str]:
    if report is None:
        return []
    rows = f"for {report.batch_size} row{'s' if report.batch_size != 1 else ''}"
    lines = []
    if flops:
        lines.append(
            f"Multiply-adds: {report.multiply_adds:,} forward, {report.backward_multiply_adds:,} backward ({rows})"
        )
    if memory:
        lines.append(f"Activations: {_readable(report.peak)} at most, {_readable(report.kept)} kept for the gradient "
                     f"({rows})")  # fmt: skip
    lines += [f"The loop in {path} has no known end: its body is counted once." for path in report.unbounded]
    return lines


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


def _expanded(
    rows: list[Any], nested: bool, path: tuple[str, ...] = ()
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The operations with the names that lead to them."""
    for o in rows:
        inner = (*path, o.name)
        yield o, inner
        if nested and isinstance(o, Layer) and o._layers:
            yield from _expanded(_rows(o) if isinstance(o, Model) else o._layers, nested, inner)


def _branches(model: Any) -> bool:
    """Whether the graph is more than a chain."""
    if model.__dict__.get("_stack") or "_nodes" not in model.__dict__:
        return False
    fan_out = [len([n for n in o._outbound_nodes if n in model._nodes]) for o in model._operations]
    return max(fan_out, default=0) > 1 or any(len(n.input_tensors) > 1 for n in model._nodes)


def kind_of(o: Any) -> str:
    """The class that an operation shows."""
    return o.op.class_name if isinstance(o, OpCall) else type(o).__name__


def _named(o: Any, depth: int) -> str:
    return f"{'  ' * depth}{o.name} ({kind_of(o)})"


def _trained(o: Any) -> str:
    return "-" if not getattr(o, "weights", []) else "Y" if getattr(o, "trainable", False) else "N"


def shapes_text(structure: Any) -> str:
    """The shapes of a call's outputs; those of a dict by name."""
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key}: {shapes_text(value)}" for key, value in structure.items()) + "}"
    if isinstance(structure, list | tuple):
        return ", ".join(shapes_text(value) for value in structure)
    return str(getattr(structure, "shape", "-"))


def _shape(o: Any) -> str:
    if not o._inbound_nodes:
        return "?" if not getattr(o, "built", True) else "-"
    return shapes_text(o._inbound_nodes[-1].outputs)


def _dtype(o: Any) -> str:
    found = {x.dtype for node in o._inbound_nodes[-1:] for x in node.output_tensors}
    return ", ".join(sorted(found)) or str(getattr(o, "compute_dtype", "-"))


def _weight_bytes(o: Any) -> str:
    return _size(_bytes(getattr(o, "weights", []))[1])


def _size(size: int | None) -> str:
    """Bytes in a cell."""
    if size is None:
        return "-"
    for unit, scale in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= scale:
            return f"{size / scale:,.{1 if size < 10 * scale else 0}f} {unit}"
    return f"{size} B" if size else "0"


def _short(count: int) -> str:
    """Three digits and a unit of thousands."""
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}" if count < 999.5 * scale else f"{count / scale:,.0f} {unit}"
    return str(count)


def _parameters(o: Any) -> str:
    if not isinstance(o, Layer):
        return "0"
    return f"{o.count_params():,}" if o.built else "? (not built)"


_MOST_CONNECTIONS = 4


def _connections(o: Any) -> str:
    sources = []
    for node in o._inbound_nodes:
        for x in node.input_tensors:
            operation, index, tensor = x._keras_history
            sources.append(f"{operation.name}[{index}][{tensor}]")
    if len(sources) > _MOST_CONNECTIONS:
        sources[_MOST_CONNECTIONS - 1 :] = [f"{len(sources) - _MOST_CONNECTIONS + 1} more"]
    return ", ".join(sources) or "-"


def _bytes(variables: list[Any]) -> tuple[int, int]:
    """The entries and the bytes of variables."""
    count = size = 0
    for v in variables:
        entries = 1
        for n in v.shape:
            entries *= n
        count += entries
        size += entries * width(v.dtype)
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
    optimizer = getattr(model, "optimizer", None)
    extra = optimizer.variables if optimizer is not None and optimizer.built else []
    parts = [
        ("Total params", [*model.weights, *extra]),
        ("Trainable params", model.trainable_weights),
        ("Non-trainable params", model.non_trainable_weights),
        *([("Optimizer params", extra)] if extra else []),
    ]
    return [f"{name}: {count:,} ({_readable(size)})" for name, v in parts for count, size in [_bytes(v)]]
