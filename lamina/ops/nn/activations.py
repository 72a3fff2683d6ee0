"""Activation functions: elementwise curves, and the ones that normalize over an axis."""

from __future__ import annotations

import math
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import axes_of, axis_of, number
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import not_bool, to_float

_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _beside(k: Kernel, x: Any, *numbers: Any) -> Any:
    """`x` in the dtype that it has together with numbers: integers stay beside Python's integers alone."""
    x = not_bool(k, x)
    return x if all(isinstance(n, int) for n in numbers) else to_float(k, x)


def _below_zero(k: Kernel, x: Any) -> Any:
    """x where it is negative, else 0: keeps exp() of the branch not taken finite, and with it the gradient."""
    return k.where(x > 0, 0.0, x)


def _saturated(k: Kernel, x: Any, low: float, high: float) -> Any:
    """x between two bounds, flat at and beyond them: of a clip frameworks disagree on the gradient at a bound."""
    return k.where(x <= low, low, k.where(x >= high, high, x))


@op("x", module="nn")
def relu(k: Kernel, x: Tensor) -> Output:
    """Rectified linear unit.

    `relu(x) = max(x, 0)`, with gradient 0 at 0.

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.relu([-1.0, 0.0, 2.0])).tolist()
        [0.0, 0.0, 2.0]
    """
    x = not_bool(k, x)
    return k.where(
        x <= 0, 0, x
    )  # not maximum(x, 0): frameworks disagree on its gradient at 0; this keeps NaN, too


@op("x", module="nn", class_name="ReLU")
def piecewise_relu(
    k: Kernel, x: Tensor, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Output:
    """Rectified linear unit with a slope, a limit and a threshold.

    `f(x) = max_value if x >= max_value, x if threshold < x < max_value, else negative_slope * (x - threshold)`

    Args:
        x: A tensor.
        negative_slope: The slope up to the threshold.
        max_value: Where the unit saturates; None means nowhere.
        threshold: Up to here values are damped.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if one of them is no number.

    Example:
        >>> import lamina
        >>> x = lamina.activations.relu([-2.0, 1.0, 9.0], negative_slope=0.5, max_value=6.0)
        >>> lamina.ops.convert_to_numpy(x).tolist()
        [-1.0, 1.0, 6.0]
    """
    if negative_slope == 0 and max_value is None and threshold == 0:
        return relu.op.run(k, x)
    for name, value in (
        ("negative_slope", negative_slope),
        ("max_value", max_value),
        ("threshold", threshold),
    ):
        if name != "max_value" or value is not None:
            number("relu", name, value)
    x = to_float(k, x)
    damped = (x - threshold) * negative_slope if negative_slope else 0.0
    out = k.where(x > threshold, x, damped)
    return out if max_value is None else k.where(out >= max_value, max_value, out)


piecewise_relu.__module__ = "lamina.activations"
piecewise_relu.__name__ = piecewise_relu.__qualname__ = "relu"
piecewise_relu.op.keras_module = (
    "keras.src.activations.activations"  # the one activation that is no op in Keras files
)


@op("x", promote="float", module="nn")
def relu6(k: Kernel, x: Tensor) -> Output:
    """Rectified linear unit that saturates.

    `relu6(x) = min(max(x, 0), 6)`, with gradient 0 at 0 and 6.

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.relu6([-1.0, 2.0, 8.0])).tolist()
        [0.0, 2.0, 6.0]
    """
    return _saturated(k, x, 0.0, 6.0)


@op("x", promote="float", module="nn")
def sigmoid(k: Kernel, x: Tensor) -> Output:
    """Logistic function.

    `sigmoid(x) = 1 / (1 + exp(-x))`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between 0 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.sigmoid([0.0, 1e4])).tolist()
        [0.5, 1.0]
    """
    return k.sigmoid(x)


@op("x", promote="float", module="nn")
def softplus(k: Kernel, x: Tensor) -> Output:
    """Smooth form of relu.

    `softplus(x) = log(1 + exp(x))`, finite for every finite x.

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.softplus([-1e4, 1e4])).tolist()
        [0.0, 10000.0]
    """
    return k.softplus(x)


@op("x", promote="float", module="nn")
def softsign(k: Kernel, x: Tensor) -> Output:
    """Softsign.

    `softsign(x) = x / (1 + |x|)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between -1 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.softsign([-1.0, 0.0, 3.0])).tolist()
        [-0.5, 0.0, 0.75]
    """
    return x / (1.0 + k.abs(x))


@op("x", promote="float", module="nn")
def soft_shrink(k: Kernel, x: Tensor, threshold: float = 0.5) -> Output:
    """Shrinks towards zero by a threshold.

    `f(x) = x - t if x > t, x + t if x < -t, else 0`

    Args:
        x: A tensor.
        threshold: The width t of the zero region on each side.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.soft_shrink([-1.0, 0.25, 1.0])).tolist()
        [-0.5, 0.0, 0.5]
    """
    return k.where(x > threshold, x - threshold, k.where(x < -threshold, x + threshold, 0.0))


@op("x", promote="float", module="nn")
def hard_shrink(k: Kernel, x: Tensor, threshold: float = 0.5) -> Output:
    """Zero between two thresholds, identity outside.

    `f(x) = x if |x| > t else 0`

    Args:
        x: A tensor.
        threshold: The width t of the zero region on each side.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.hard_shrink([-1.0, 0.25, 1.0])).tolist()
        [-1.0, 0.0, 1.0]
    """
    return k.where(k.abs(x) > threshold, x, 0.0)


@op("x", promote="float", module="nn")
def tanh_shrink(k: Kernel, x: Tensor) -> Output:
    """What tanh takes away.

    `f(x) = x - tanh(x)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.tanh_shrink([0.0, 100.0])).tolist()
        [0.0, 99.0]
    """
    return x - k.tanh(x)


@op("x", module="nn")
def threshold(k: Kernel, x: Tensor, threshold: float, default_value: float) -> Output:
    """Values above a threshold; a constant elsewhere.

    `f(x) = x if x > threshold else default_value`

    Args:
        x: A tensor.
        threshold: The bound.
        default_value: What replaces values up to the bound.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.threshold([-1.0, 2.0], 0.0, 5.0)).tolist()
        [5.0, 2.0]
    """
    number("threshold", "threshold", threshold)
    x = _beside(k, x, threshold, number("threshold", "default_value", default_value))
    return k.where(x > threshold, x, default_value)


@op("x", promote="float", module="nn")
def silu(k: Kernel, x: Tensor) -> Output:
    """Sigmoid-weighted linear unit, also called swish.

    `silu(x) = x * sigmoid(x)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.silu([0.0, 100.0])).tolist()
        [0.0, 100.0]

    Reference:
        Ramachandran et al., 2017: Searching for Activation Functions, https://arxiv.org/abs/1710.05941
    """
    return x * k.sigmoid(x)


swish = silu


@op("x", promote="float", module="nn")
def log_sigmoid(k: Kernel, x: Tensor) -> Output:
    """Logarithm of the logistic function.

    `log_sigmoid(x) = -log(1 + exp(-x))`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, at most 0.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.log_sigmoid([-1e4])).tolist()
        [-10000.0]
    """
    return -k.softplus(-x)


@op("x", module="nn")
def leaky_relu(k: Kernel, x: Tensor, negative_slope: float = 0.2) -> Output:
    """Rectified linear unit that lets a part of negative values through.

    `f(x) = x if x >= 0 else negative_slope * x`

    Args:
        x: A tensor.
        negative_slope: The slope below 0; a float makes floats of whole numbers.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.leaky_relu([-1.0, 2.0], 0.5)).tolist()
        [-0.5, 2.0]
    """
    x = _beside(k, x, number("leaky_relu", "negative_slope", negative_slope))
    return k.where(x >= 0, x, x * negative_slope)


@op("x", promote="float", module="nn")
def hard_sigmoid(k: Kernel, x: Tensor) -> Output:
    """Piecewise linear form of sigmoid.

    `f(x) = min(max(x / 6 + 1/2, 0), 1)`, with gradient 0 at -3 and 3.

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between 0 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.hard_sigmoid([-3.0, 0.0, 3.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return _saturated(k, x / 6.0 + 0.5, 0.0, 1.0)


@op("x", promote="float", module="nn")
def hard_silu(k: Kernel, x: Tensor) -> Output:
    """Piecewise form of silu, also called hard swish.

    `f(x) = x * hard_sigmoid(x)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.hard_silu([0.0, 3.0])).tolist()
        [0.0, 3.0]

    Reference:
        Howard et al., 2019: Searching for MobileNetV3, https://arxiv.org/abs/1905.02244
    """
    return x * hard_sigmoid.op.run(k, x)


hard_swish = hard_silu


@op("x", module="nn")
def hard_tanh(k: Kernel, x: Tensor) -> Output:
    """Piecewise linear form of tanh.

    `f(x) = min(max(x, -1), 1)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape and dtype.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.hard_tanh([-2.0, 0.5, 2.0])).tolist()
        [-1.0, 0.5, 1.0]
    """
    x = not_bool(k, x)
    return k.clip(x, None if k.dtype(x).startswith("uint") else -1, 1)


@op("x", promote="float", module="nn")
def elu(k: Kernel, x: Tensor, alpha: float = 1.0) -> Output:
    """Exponential linear unit.

    `f(x) = x if x > 0 else alpha * (exp(x) - 1)`

    Args:
        x: A tensor.
        alpha: Minus the value at minus infinity.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.elu([-100.0, 2.0])).tolist()
        [-1.0, 2.0]

    Reference:
        Clevert et al., 2016: Fast and Accurate Deep Network Learning by ELUs, https://arxiv.org/abs/1511.07289
    """
    return k.where(x > 0, x, k.expm1(_below_zero(k, x)) * number("elu", "alpha", alpha))


@op("x", promote="float", module="nn")
def celu(k: Kernel, x: Tensor, alpha: float = 1.0) -> Output:
    """Continuously differentiable exponential linear unit.

    `f(x) = max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))`

    Args:
        x: A tensor.
        alpha: Minus the value at minus infinity.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.celu([-100.0, 2.0])).tolist()
        [-1.0, 2.0]

    Reference:
        Barron, 2017: Continuously Differentiable Exponential Linear Units, https://arxiv.org/abs/1704.07483
    """
    if number("celu", "alpha", alpha) == 0:  # the limit
        return relu.op.run(k, x)
    return k.where(x > 0, x, k.expm1(_below_zero(k, x) / alpha) * alpha)


@op("x", promote="float", module="nn")
def selu(k: Kernel, x: Tensor) -> Output:
    """Scaled exponential linear unit, whose outputs keep mean 0 and variance 1.

    `f(x) = scale * elu(x, alpha)` with scale = 1.0507... and alpha = 1.6732...

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.selu([0.0])).tolist()
        [0.0]

    Reference:
        Klambauer et al., 2017: Self-Normalizing Neural Networks, https://arxiv.org/abs/1706.02515
    """
    return elu.op.run(k, x, _SELU_ALPHA) * _SELU_SCALE


@op("x", promote="float", module="nn")
def gelu(k: Kernel, x: Tensor, approximate: bool = True) -> Output:
    """Gaussian error linear unit.

    `gelu(x) = x P(X <= x)` for a standard normal X, i.e. `x/2 (1 + erf(x / sqrt 2))`; approximately
    `x/2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.

    Args:
        x: A tensor.
        approximate: Whether to use the form with tanh.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.gelu([-100.0, 0.0, 100.0])).tolist()
        [-0.0, 0.0, 100.0]

    Reference:
        Hendrycks and Gimpel, 2016: Gaussian Error Linear Units, https://arxiv.org/abs/1606.08415
    """
    if approximate:
        inner = k.tanh((x + x * x * x * 0.044715) * math.sqrt(2 / math.pi))
    else:
        inner = k.erf(x * math.sqrt(0.5))
    return x * 0.5 * (1.0 + inner)


@op("x", promote="float", module="nn")
def glu(k: Kernel, x: Tensor, axis: int = -1) -> Output:
    """Gated linear unit.

    `glu(x) = a * sigmoid(b)`, where a and b are the two halves of x along the axis.

    Args:
        x: A tensor whose size along the axis is even.
        axis: The axis to halve.

    Returns:
        A tensor of half the size along the axis.

    Raises:
        ValueError: if the size is odd.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.glu([2.0, 4.0, 0.0, 0.0])).tolist()
        [1.0, 2.0]

    Reference:
        Dauphin et al., 2017: Language Modeling with Gated Convolutional Networks, https://arxiv.org/abs/1612.08083
    """
    axis = axis_of("glu", axis, len(x.shape))
    size = x.shape[axis]
    if type(size) is not Unknown and size % 2:
        raise ValueError(f"glu: the size along axis {axis} must be even, got {size}.")
    left, right = k.split(x, [size // 2], axis)
    return left * k.sigmoid(right)


@op("x", promote="float", module="nn")
def squareplus(k: Kernel, x: Tensor, b: float = 4) -> Output:
    """Algebraic form of softplus.

    `f(x) = (x + sqrt(x^2 + b)) / 2`

    Args:
        x: A tensor.
        b: How smooth the bend is.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.squareplus([0.0])).tolist()
        [1.0]

    Reference:
        Barron, 2021: Squareplus: A Softplus-Like Algebraic Rectifier, https://arxiv.org/abs/2112.11687
    """
    return (x + k.sqrt(x * x + float(number("squareplus", "b", b)))) * 0.5


@op("x", promote="float", module="nn")
def sparse_plus(k: Kernel, x: Tensor) -> Output:
    """Piecewise quadratic form of softplus.

    `f(x) = 0 if x <= -1, (x + 1)^2 / 4 if -1 < x < 1, else x`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.sparse_plus([-2.0, 0.0, 2.0])).tolist()
        [0.0, 0.25, 2.0]
    """
    return k.where(x <= -1, 0.0, k.where(x < 1, k.square(x + 1.0) * 0.25, x))


@op("x", promote="float", module="nn")
def sparse_sigmoid(k: Kernel, x: Tensor) -> Output:
    """Piecewise linear sigmoid, the derivative of sparse_plus.

    `f(x) = min(max((x + 1) / 2, 0), 1)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between 0 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.sparse_sigmoid([-2.0, 0.0, 2.0])).tolist()
        [0.0, 0.5, 1.0]
    """
    return _saturated(k, (x + 1.0) * 0.5, 0.0, 1.0)


def shifted(k: Kernel, x: Any, axes: tuple[int, ...]) -> Any:
    """x minus its largest value along the axes, so that exp() cannot overflow."""
    return x - k.stop_gradient(k.max(x, axes, True))


@op("x", promote="float", module="nn")
def softmax(k: Kernel, x: Tensor, axis: Any = -1) -> Output:
    """Exponentials that sum to one.

    `softmax(x)_i = exp(x_i) / sum_j exp(x_j)`

    Args:
        x: A tensor.
        axis: The axis or axes to sum over; None means all.

    Returns:
        A tensor of the same shape, between 0 and 1.

    Raises:
        ValueError: if the axis is out of range.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.softmax([1e4, 1e4])).tolist()
        [0.5, 0.5]
    """
    axes = axes_of("softmax", axis, len(x.shape))
    if 0 in x.shape:
        return x
    raised = k.exp(shifted(k, x, axes))
    return raised / k.sum(raised, axes, True)


@op("x", promote="float", module="nn")
def log_softmax(k: Kernel, x: Tensor, axis: Any = -1) -> Output:
    """Logarithm of softmax.

    `log_softmax(x)_i = x_i - log sum_j exp(x_j)`

    Args:
        x: A tensor.
        axis: The axis or axes to sum over; None means all.

    Returns:
        A tensor of the same shape, at most 0.

    Raises:
        ValueError: if the axis is out of range.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.log_softmax([0.0, 1e4])).tolist()
        [-10000.0, 0.0]
    """
    axes = axes_of("log_softmax", axis, len(x.shape))
    if 0 in x.shape:
        return x
    low = shifted(k, x, axes)
    return low - k.log(k.sum(k.exp(low), axes, True))


@op("x", promote="float", module="nn")
def sparsemax(k: Kernel, x: Tensor, axis: int = -1) -> Output:
    """The point of the probability simplex nearest to x: like softmax, with exact zeros.

    `sparsemax(x)_i = max(x_i - tau, 0)`, where tau makes the sum 1.

    Args:
        x: A tensor.
        axis: The axis along which the result sums to 1.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if the axis is out of range.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.sparsemax([0.0, 3.0])).tolist()
        [0.0, 1.0]

    Reference:
        Martins and Astudillo, 2016: From Softmax to Sparsemax, https://arxiv.org/abs/1602.02068
    """
    rank = len(x.shape)
    axis = axis_of("sparsemax", axis, rank)
    if 0 in x.shape:
        return x
    x = shifted(k, x, (axis,))
    size = x.shape[axis]
    ranked = k.sort(x, axis, True)
    excess = k.cumulative_sum(ranked, axis) - 1.0
    places = k.reshape(k.arange(1, size + 1, 1, k.dtype(x)), [size if i == axis else 1 for i in range(rank)])
    support = k.astype(places * ranked > excess, k.dtype(x))
    count = k.sum(support, axis, True)
    tau = (k.sum(ranked * support, axis, True) - 1.0) / count
    return k.where(x > tau, x - tau, 0.0)
