"""Moments, and normalization by them."""

from __future__ import annotations

import warnings
from typing import Any

from lamina.kernel import settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import axes_of, axis_of, shown
from lamina.ops.linalg import norm
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, to_float

_LARGEST_HALF = 65504.0


def _wide(k: Kernel, x: Any) -> Any:
    """Half precision as float32: sums and squares need the range and the digits."""
    return k.astype(x, "float32") if k.dtype(x) in ("float16", "bfloat16") else x


@op("x", promote="float", module="nn")
def moments(
    k: Kernel, x: Tensor, axes: Any, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance.

    `mean = 1/n sum x, variance = 1/n sum (x - mean)^2`

    Args:
        x: A tensor.
        axes: The axis or axes to reduce; None means all.
        keepdims: Whether reduced axes stay with size 1.
        synchronized: Whether to reduce over all devices of a replicated step, too. Lamina's steps see the whole
            batch whatever the devices, so this changes nothing.

    Returns:
        Two tensors. Half precision is summed in float32; the results stay within its range.

    Raises:
        ValueError: if an axis is out of range.

    Example:
        >>> import lamina
        >>> mean, variance = lamina.ops.moments([1.0, 3.0], axes=0)
        >>> float(mean), float(variance)
        (2.0, 1.0)
    """
    places = axes_of("moments", axes, len(x.shape))
    dtype, wide = k.dtype(x), _wide(k, x)
    mean, variance = _mean_and_variance(k, wide, places, keepdims)
    if dtype == "float16":
        mean, variance = (k.clip(m, -_LARGEST_HALF, _LARGEST_HALF) for m in (mean, variance))
    return (mean, variance) if wide is x else (k.astype(mean, dtype), k.astype(variance, dtype))


def _mean_and_variance(k: Kernel, x: Any, axes: tuple[int, ...], keepdims: bool) -> tuple[Any, Any]:
    """`var = E (x - c)^2 - (mean - c)^2` holds for any c. With the mean itself, as a constant, it is as exact as with
    the mean, and nothing flows back through c: that would be two passes over x for a gradient of zero.
    """
    if "complex" in k.dtype(x):
        return k.mean(x, axes, keepdims), k.var(x, axes, keepdims)
    mean = k.mean(x, axes, True)
    c = k.stop_gradient(mean)
    variance = k.mean(k.square(x - c), axes, True) - k.square(mean - c)
    if keepdims:
        return mean, variance
    return k.squeeze(mean, axes), k.squeeze(variance, axes)


def _along(k: Kernel, op: str, name: str, statistic: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """A statistic or parameter of the sizes of `axes`, brought to the rank of x."""
    sizes = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    wanted, have = [x.shape[a] for a in sorted(axes)], list(statistic.shape)
    unknown = any(n is None or type(n) is Unknown for n in (*wanted, *have))
    if not unknown and _product(wanted) != _product(have):
        raise ValueError(
            f"{op}: `{name}` must have shape {shown(wanted)} for an input of shape {shown(x.shape)}, "
            f"got {shown(have)}."
        )
    if sizes == [1] * (len(sizes) - len(have)) + have:
        return statistic  # broadcasts as it is
    if unknown and len(axes) == 1:
        sizes[axes[0]] = have[0]
    return k.reshape(statistic, sizes)


def _product(sizes: Any) -> int:
    total = 1
    for n in sizes:
        total = total * n
    return total


@op("x", "mean", "variance", "offset", "scale", promote="float", module="nn", class_name="BatchNorm")
def batch_normalization(
    k: Kernel,
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    axis: int,
    offset: Tensor | None = None,
    scale: Tensor | None = None,
    epsilon: float = 1e-3,
) -> Output:
    """Normalization by given statistics.

    `scale (x - mean) / sqrt(variance + epsilon) + offset`

    Args:
        x: A tensor.
        mean: Tensor (size of the axis,).
        variance: Tensor (size of the axis,).
        axis: The axis of the features.
        offset: Tensor (size of the axis,), or None.
        scale: Tensor (size of the axis,), or None.
        epsilon: Keeps the division finite.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: if the axis is out of range or a statistic has another size.

    Example:
        >>> import lamina
        >>> y = lamina.ops.batch_normalization([[2.0], [4.0]], mean=[3.0], variance=[1.0], axis=-1, epsilon=0.0)
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[-1.0], [1.0]]

    Reference:
        Ioffe and Szegedy, 2015: Batch Normalization, https://arxiv.org/abs/1502.03167
    """
    name = "batch_normalization"
    axes = (axis_of(name, axis, len(x.shape)),)
    factor = k.rsqrt(_along(k, name, "variance", variance, x, axes) + epsilon)
    if scale is not None:
        factor = factor * _along(k, name, "scale", scale, x, axes)
    # One multiplication and one addition per entry of x: the rest is as small as the statistics.
    shift = -_along(k, name, "mean", mean, x, axes) * factor
    if offset is not None:
        shift = shift + _along(k, name, "offset", offset, x, axes)
    return x * factor + shift


@op("x", "gamma", "beta", module="nn", class_name="LayerNorm")
def layer_normalization(
    k: Kernel,
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Output:
    """Normalization of each sample by its own mean and variance.

    `gamma (x - mean) / sqrt(variance + epsilon) + beta`

    Args:
        x: A tensor.
        gamma: Tensor of the sizes of the axes, or None.
        beta: Tensor of the sizes of the axes, or None.
        axis: The axis or axes to normalize over.
        epsilon: Keeps the division finite; None means `lamina.config.epsilon()`.
        rms_scaling: Deprecated: divides by the deviation without subtracting the mean or adding `beta`.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: if an axis is out of range or a parameter has another size.

    Example:
        >>> import lamina
        >>> y = lamina.ops.layer_normalization([[1.0, 3.0]], epsilon=0.0)
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[-1.0, 1.0]]

    Reference:
        Ba et al., 2016: Layer Normalization, https://arxiv.org/abs/1607.06450
    """
    if rms_scaling:
        warnings.warn(
            "layer_normalization(rms_scaling=True) divides by the deviation, not by the root mean square. "
            "Use rms_normalization.",
            DeprecationWarning,
            stacklevel=2,
        )
    name = "layer_normalization"
    axes = axes_of(name, axis, len(x.shape))
    x = to_float(k, x)
    dtype, wide = k.dtype(x), _wide(k, x)
    mean = k.mean(wide, axes, True)
    centered = wide - mean
    factor = k.rsqrt(
        k.mean(k.square(centered), axes, True) + (settings.epsilon() if epsilon is None else epsilon)
    )
    out = (wide if rms_scaling else centered) * factor
    if gamma is not None:
        out = out * astype(k, _along(k, name, "gamma", gamma, x, axes), k.dtype(wide))
    if beta is not None and not rms_scaling:
        out = out + astype(k, _along(k, name, "beta", beta, x, axes), k.dtype(wide))
    return astype(k, out, dtype)


@op("x", "scale", module="nn", class_name="RMSNorm")
def rms_normalization(
    k: Kernel, x: Tensor, scale: Tensor | None = None, axis: Any = -1, epsilon: float | None = None
) -> Output:
    """Normalization by the root mean square.

    `scale x / sqrt(mean(x^2) + epsilon)`

    Args:
        x: A tensor.
        scale: Tensor of the sizes of the axes, or None.
        axis: The axis or axes to normalize over.
        epsilon: Keeps the division finite; None means `lamina.config.epsilon()`.

    Returns:
        A tensor of the shape of x.

    Raises:
        ValueError: if an axis is out of range or the scale has another size.

    Example:
        >>> import lamina
        >>> y = lamina.ops.rms_normalization([[3.0, 3.0]], epsilon=0.0)
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[1.0, 1.0]]

    Reference:
        Zhang and Sennrich, 2019: Root Mean Square Layer Normalization, https://arxiv.org/abs/1910.07467
    """
    axes = axes_of("rms_normalization", axis, len(x.shape))
    x = to_float(k, x)
    dtype, wide = k.dtype(x), _wide(k, x)
    out = wide * k.rsqrt(
        k.mean(k.square(wide), axes, True) + (settings.epsilon() if epsilon is None else epsilon)
    )
    if scale is not None:
        out = out * astype(k, _along(k, "rms_normalization", "scale", scale, x, axes), k.dtype(wide))
    return astype(k, out, dtype)


@op("x", promote="float", module="nn")
def normalize(k: Kernel, x: Tensor, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Output:
    """Division by the norm.

    `x / max((sum |x|^order)^(1/order), epsilon)`; over two axes an order other than 2 is that of a matrix norm.

    Args:
        x: A tensor.
        axis: The axis or axes of the norm; None means all.
        order: Which norm, an integer of at least 1.
        epsilon: The least divisor; None means `lamina.config.epsilon()`.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if an axis is out of range or the order is not an integer of at least 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.normalize([0.0, 2.0])).tolist()
        [0.0, 1.0]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: `order` must be an integer of at least 1, got {order!r}.")
    axes = axes_of("normalize", axis, len(x.shape))
    least = settings.epsilon() if epsilon is None else epsilon
    dtype, wide = k.dtype(x), _wide(k, x)
    if order == 2:
        # the maximum stands inside the root, whose gradient at 0 is infinite
        inverse = k.rsqrt(k.maximum(k.sum(k.square(wide), axes, True), least * least))
        return k.astype(wide * inverse, dtype)
    size = norm.op.run(k, wide, order, axes[0] if len(axes) == 1 else axes, True)
    return k.astype(wide / k.maximum(size, least), dtype)
