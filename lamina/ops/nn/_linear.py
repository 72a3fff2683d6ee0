"""The affine map behind Dense."""

from __future__ import annotations

from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op


@op("x", "kernel", "bias", promote="float", only=("x", "kernel"), module="nn")
def linear(k: Kernel, x: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Output:
    """`x @ kernel + bias` over the last axis.

    Args:
        x: Tensor (..., inputs).
        kernel: Tensor (inputs, outputs).
        bias: Tensor (outputs,), or None; it follows the dtype of the product.

    Returns:
        A tensor (..., outputs).
    """
    if bias is not None and k.dtype(bias) != k.dtype(x):
        bias = k.astype(bias, k.dtype(x))
    return k.linear(x, kernel, bias)
