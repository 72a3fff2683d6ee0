"""The affine map behind Dense."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.op import Tensor, op


@op("x", "kernel", promote="float", module="nn")
def linear(k: Kernel, x: Tensor, kernel: Tensor, bias: Any = None) -> Tensor:
    """`x @ kernel + bias` over the last axis.

    Args:
        x: Tensor (..., inputs).
        kernel: Tensor (inputs, outputs).
        bias: Tensor (outputs,) of the interpreter in force, or None. (Not among the converted tensors, so that the
            op takes the short way for two.)

    Returns:
        A tensor (..., outputs).
    """
    if bias is not None and k.dtype(bias) != k.dtype(x):
        bias = k.astype(bias, k.dtype(x))
    return k.linear(x, kernel, bias)
