"""The activation functions: those that are ops, and here combinations of them, other defaults, other names."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.ops.nn.activations import (  # noqa: F401 - public from here
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from lamina.ops.nn.activations import piecewise_relu as relu  # noqa: F401 - Keras's activation has more parameters

Tensor = Any


def linear(x: Tensor) -> Tensor:
    """What goes in comes out.

    `f(x) = x`

    Args:
        x: Anything.

    Returns:
        x.

    Example:
        >>> import lamina
        >>> lamina.activations.linear(5)
        5
    """
    return x


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent.

    `tanh(x) = (exp(x) - exp(-x)) / (exp(x) + exp(-x))`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between -1 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.activations.tanh([0.0, 100.0])).tolist()
        [0.0, 1.0]
    """
    return ops.tanh(x)


def exponential(x: Tensor) -> Tensor:
    """Exponential function.

    `f(x) = exp(x)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.activations.exponential([0.0])).tolist()
        [1.0]
    """
    return ops.exp(x)


def mish(x: Tensor) -> Tensor:
    """A smooth unit that is not monotonic.

    `f(x) = x tanh(log(1 + exp(x)))`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.activations.mish([0.0, 100.0])).tolist()
        [0.0, 100.0]

    Reference:
        Misra, 2019: Mish: A Self Regularized Non-Monotonic Activation Function, https://arxiv.org/abs/1908.08681
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """Gaussian error linear unit.

    `gelu(x) = x P(X <= x)` for a standard normal X.

    Args:
        x: A tensor.
        approximate: Whether to use the form with tanh.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.activations.gelu([0.0, 100.0])).tolist()
        [0.0, 100.0]

    Reference:
        Hendrycks and Gimpel, 2016: Gaussian Error Linear Units, https://arxiv.org/abs/1606.08415
    """
    return ops.gelu(x, approximate)
