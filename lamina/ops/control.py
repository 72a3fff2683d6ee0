"""Control flow and derivatives."""

from __future__ import annotations

from lamina.ops._op import Tensor, op


@op(module="core")
def stop_gradient(k, variable: Tensor) -> Tensor:
    """The same values, constant to differentiation.

    Args:
        variable: A tensor.

    Returns:
        A tensor of the same shape and dtype, through which no gradient flows.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.stop_gradient([1.0])).tolist()
        [1.0]
    """
    return k.stop_gradient(variable)
