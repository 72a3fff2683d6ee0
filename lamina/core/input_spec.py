"""InputSpec: what a layer accepts, and the error that says what came instead."""

from __future__ import annotations

from typing import Any

from lamina.core.config import Configurable
from lamina.kernel.shapes.spec import Unknown
from lamina.kernel.trees import leaves


class InputSpec(Configurable):
    """The rank, dtype and sizes that a layer accepts.

    Args:
        dtype: A dtype name.
        shape: The whole shape; None for any size.
        ndim, max_ndim, min_ndim: The rank, exactly or within bounds.
        axes: Axis -> size.
        allow_last_axis_squeeze: Whether a last axis of size 1 may be missing or extra.
        optional: Whether None may come instead of a tensor.
        name: The key of the input, when inputs come as a dict.

    Example:
        >>> import lamina
        >>> lamina.InputSpec(ndim=2, axes={-1: 8}).ndim
        2
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional

    def __repr__(self) -> str:
        shown = {k: v for k, v in vars(self).items() if v not in (None, {}, False) and k != "_given"}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in shown.items())})"

    def complaint(self, shape: tuple) -> str | None:
        """What is wrong with a tensor of this shape: what was expected, or None."""
        rank = len(shape)
        if (
            self.ndim is not None
            and rank != self.ndim
            and not (
                self.allow_last_axis_squeeze
                and abs(rank - self.ndim) == 1
                and (rank < self.ndim or shape[-1] == 1)
            )
        ):
            return f"rank {self.ndim}{self._sketch()}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"rank {self.max_ndim} at most"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"rank {self.min_ndim} at least"
        for axis, size in self.axes.items():
            if size is not None and -rank <= axis < rank and _known(shape[axis]) not in (size, None):
                return f"size {size} in axis {axis}"
        if self.shape is not None and rank == len(self.shape):
            for axis, size in enumerate(self.shape):
                if size is not None and _known(shape[axis]) not in (size, None):
                    return f"shape {self.shape}"
        return None

    def _sketch(self) -> str:
        samples = {
            2: "(batch, features)",
            3: "(batch, steps, features)",
            4: "(batch, height, width, channels)",
        }
        return f", such as {samples[self.ndim]}" if self.ndim in samples and self.shape is None else ""


def _known(size: Any) -> Any:
    return None if size is None or type(size) is Unknown else size


def check(spec: Any, inputs: Any, path: str, kind: str) -> None:
    """That the inputs fit a layer's `input_spec`.

    Raises:
        ValueError: naming the layer's path, what came, what was expected and what to do.
    """
    pairs = list(_paired(spec, inputs, path, kind))
    for one, x in pairs:
        if one is None or (x is None and one.optional):
            continue
        if x is None or not hasattr(x, "shape"):
            raise ValueError(f"Layer {path!r} ({kind}) expected a tensor, got {x!r} ({type(x).__name__}).")
        wanted = one.complaint(tuple(x.shape))
        if wanted is not None:
            which = f" {one.name!r}" if one.name and len(pairs) > 1 else ""
            raise ValueError(
                f"Layer {path!r} ({kind}) expected an input{which} of {wanted}, but received a tensor of shape "
                f"{tuple(_known(n) for n in x.shape)}.{_advice(one, tuple(x.shape))}"
            )


def _paired(spec: Any, inputs: Any, path: str, kind: str) -> Any:
    if isinstance(spec, InputSpec):
        if isinstance(inputs, list | tuple | dict):
            flat = list(leaves(inputs))
            if len(flat) != 1 or (isinstance(inputs, dict) and spec.name not in inputs):
                raise ValueError(
                    f"Layer {path!r} ({kind}) takes one tensor, but received a {type(inputs).__name__} of {len(flat)}. "
                    "Call it with one of them, or join them first, as with layers.Concatenate()."
                )
            inputs = flat[0]
        return [(spec, inputs)]
    specs = list(leaves(spec))
    flat = list(leaves(inputs))
    if isinstance(inputs, dict) and all(isinstance(s, InputSpec) and s.name in inputs for s in specs):
        return [(s, inputs[s.name]) for s in specs]
    if len(specs) != len(flat):
        raise ValueError(
            f"Layer {path!r} ({kind}) takes {len(specs)} tensors, but received {len(flat)}"
            f"{': ' + ', '.join(str(tuple(getattr(x, 'shape', ()))) for x in flat) if flat else ''}."
        )
    return zip(specs, flat, strict=True)


def _advice(spec: InputSpec, shape: tuple) -> str:
    rank = len(shape)
    least = spec.ndim if spec.ndim is not None else spec.min_ndim
    if least is not None and rank == least - 1:
        if least == 3 and rank == 2 and spec.ndim == 3:
            return (
                " Of a recurrent layer before it, `return_sequences=True` gives all steps; if the features are missing, add "
                "an axis: x[..., None]."
            )
        return " If the batch axis is missing, add it: x[None]. If the channel axis is, add it: x[..., None]."
    if least is not None and rank > least:
        return " Flatten or Reshape it first, or slice the extra axis away."
    if spec.axes:
        return " The layer was built for that size: check the data, or make a new layer for the new size."
    return ""
