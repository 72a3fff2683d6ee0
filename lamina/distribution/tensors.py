"""Laying single tensors and variables out."""

from __future__ import annotations

from typing import Any

from lamina.core.variable import Variable
from lamina.distribution.layout import TensorLayout
from lamina.kernel.context import current
from lamina.ops.convert import convert_to_tensor


def distribute_tensor(tensor: Any, layout: TensorLayout) -> Any:
    """The tensor, lying on the devices as a layout says; inside a compiled step, too.

    Args:
        tensor: A tensor or an array.
        layout: A `TensorLayout` with a mesh.

    Returns:
        A tensor of the same numbers.

    Raises:
        ValueError: if the layout does not fit the tensor's shape.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
        >>> layout = lamina.distribution.TensorLayout(["batch", None], mesh)
        >>> lamina.distribution.distribute_tensor(lamina.ops.ones((4, 2)), layout).shape  # doctest: +SKIP
        (4, 2)
    """
    _needs_layout("distribute_tensor", layout)
    k = current()
    x = tensor if hasattr(tensor, "shape") else convert_to_tensor(tensor)
    placement = layout.placement(tuple(x.shape), "distribute_tensor: a tensor")
    return x if k.abstract else k.put(x, placement=placement)


def distribute_variable(variable: Variable, layout: TensorLayout) -> Variable:
    """The variable itself, whose value lies on the devices as a layout says from here on.

    Args:
        variable: A Variable.
        layout: A `TensorLayout` with a mesh.

    Returns:
        The variable that was given.

    Raises:
        ValueError: if the layout does not fit the variable's shape.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1,), ["model"], ["cpu:0"])
        >>> v = lamina.Variable(lamina.initializers.Zeros(), (4, 2))
        >>> v = lamina.distribution.distribute_variable(v, lamina.distribution.TensorLayout(["model"], mesh))
        >>> v.layout.axes
        ('model',)
    """
    _needs_layout("distribute_variable", layout)
    if not isinstance(variable, Variable):
        raise TypeError(f"distribute_variable: expected a Variable, got {type(variable).__name__}.")
    variable._lie(layout)
    return variable


def _needs_layout(where: str, layout: Any) -> None:
    if not isinstance(layout, TensorLayout):
        raise TypeError(f"{where}: `layout` must be a TensorLayout, got {layout!r}.")
