"""What the box of a layer says."""

from __future__ import annotations

from typing import Any

from lamina.activations import serialize
from lamina.core.layer import Layer
from lamina.kernel.trees import leaves
from lamina.visual.summary import kind_of, shapes_text


class Labels:
    """What boxes say, by the options of `plot_model`."""

    def __init__(self, shapes: bool, dtype: bool, names: bool, activations: bool, trainable: bool) -> None:
        self.shapes, self.dtype, self.names = shapes, dtype, names
        self.activations, self.trainable = activations, trainable

    def of(self, o: Any) -> str:
        """The lines for one operation."""
        lines = [f"{o.name} ({kind_of(o)})" if self.names else kind_of(o)]
        outputs = o._inbound_nodes[-1].outputs if o._inbound_nodes else None
        if self.activations and (found := getattr(o, "activation", None)) is not None:
            lines.append(f"activation: {activation_name(found)}")
        if self.shapes:
            lines.append(f"shape: {'?' if outputs is None else shapes_text(outputs)}")
        if self.dtype:
            lines.append(
                f"dtype: {', '.join(x.dtype for x in leaves(outputs) if hasattr(x, 'dtype')) or '?'}"
            )
        if self.trainable and isinstance(o, Layer) and o.weights:
            lines.append("trainable" if o.trainable else "frozen")
        return "\n".join(lines)


def activation_name(function: Any) -> str:
    """The public name of an activation; of somebody's own function, its Python name."""
    try:
        found = serialize(function)
    except Exception:  # noqa: BLE001 - a lambda has no name in files, and needs none in a picture
        found = None
    return found if isinstance(found, str) else getattr(function, "__name__", type(function).__name__)
