"""Mathematical functions beyond NumPy's names."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, axes_of, rank_at_least, shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype


@op("x", promote="float", module="math")
def rsqrt(k: Kernel, x: Tensor) -> Output:
    """One over the square root.

    `rsqrt(x) = 1 / sqrt(x)`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.rsqrt([4.0])).tolist()
        [0.5]
    """
    return k.rsqrt(x)


@op("x", promote="float", module="math")
def erf(k: Kernel, x: Tensor) -> Output:
    """Error function.

    `erf(x) = 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between -1 and 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.erf([0.0, 100.0])).tolist()
        [0.0, 1.0]
    """
    return k.erf(x)


@op("x", promote="float", module="math")
def erfinv(k: Kernel, x: Tensor) -> Output:
    """Inverse of the error function.

    `erf(erfinv(x)) = x`

    Args:
        x: A tensor, between -1 and 1.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.erfinv([0.0])).tolist()
        [0.0]
    """
    return k.erfinv(x)


@op("x", promote="float", module="math")
def logsumexp(k: Kernel, x: Tensor, axis: Any = None, keepdims: bool = False) -> Output:
    """Logarithm of a sum of exponentials, without overflow.

    `log sum_i exp(x_i)`

    Args:
        x: A tensor.
        axis: The axis or axes to sum over; None means all.
        keepdims: Whether reduced axes stay with size 1.

    Returns:
        A tensor without the axes.

    Raises:
        ValueError: if an axis is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.ops.logsumexp([-1e4, 1e4]))
        10000.0
    """
    axes = axes_of("logsumexp", axis, len(x.shape))
    if 0 in x.shape:  # there is no largest value to take out
        return k.log(k.sum(k.exp(x), axes, keepdims))
    return k.logsumexp(x, axes, keepdims)


@op("x", module="math")
def top_k(kernel: Kernel, x: Tensor, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest entries along the last axis, and where they are.

    Args:
        x: Tensor (..., n).
        k: How many, 0 to n.
        sorted: Whether the values come in descending order.

    Returns:
        Two tensors (..., k): the values, and their int32 indices; of equal values the first comes first.

    Raises:
        ValueError: if x has no axes or k is outside 0 .. n.

    Example:
        >>> import lamina
        >>> values, indices = lamina.ops.top_k([1, 3, 2], 2)
        >>> lamina.ops.convert_to_numpy(values).tolist(), lamina.ops.convert_to_numpy(indices).tolist()
        ([3, 2], [1, 2])
    """
    rank_at_least("top_k", x, 1)
    n = x.shape[-1]
    if at_least("top_k", "k", k, 0) > n and type(n) is not Unknown:
        raise ValueError(f"top_k: k = {k} is more than the last axis holds (input shape {shown(x.shape)}).")
    return kernel.top_k(x, k, bool(sorted))


@op("targets", "predictions", module="math")
def in_top_k(kernel: Kernel, targets: Tensor, predictions: Tensor, k: int) -> Output:
    """Whether the target class is among the k classes with the largest predictions.

    Args:
        targets: Integer tensor (...): class numbers.
        predictions: Tensor (..., classes).
        k: How many classes count, at least 1.

    Returns:
        A boolean tensor of the shape of `targets`. Ties count as inside; a class that does not exist, or a
        prediction that is not a number, is outside.

    Raises:
        ValueError: if the shapes do not fit or k is below 1.
        TypeError: for targets that are not integers.

    Example:
        >>> import lamina
        >>> inside = lamina.ops.in_top_k([0, 1], [[0.1, 0.9], [0.1, 0.9]], k=1)
        >>> lamina.ops.convert_to_numpy(inside).tolist()
        [False, True]
    """
    at_least("in_top_k", "k", k, 1)
    known = [
        n == m or Unknown in (type(n), type(m))
        for n, m in zip(targets.shape, predictions.shape, strict=False)
    ]
    if len(predictions.shape) != len(targets.shape) + 1 or not all(known):
        raise ValueError(
            f"in_top_k: the shape of `predictions` must be that of `targets` and an axis of classes, got "
            f"{shown(predictions.shape)} and {shown(targets.shape)}."
        )
    if kernel.dtype(targets) not in dtypes.IS_INTEGER:
        raise TypeError(f"in_top_k: `targets` must be integers, got {kernel.dtype(targets)}.")
    classes = predictions.shape[-1]
    if classes == 0:  # of which none can be chosen
        return kernel.not_equal(targets, targets)
    index = kernel.expand_dims(kernel.astype(targets, "int32"), -1)
    chosen = kernel.take_along_axis(predictions, kernel.clip(index, 0, classes - 1), -1)
    ahead = kernel.sum(kernel.astype(predictions > chosen, "int32"), -1)
    exists = kernel.squeeze(kernel.logical_and(index >= 0, index < classes), -1)
    # NaN compares false with everything, so it would be ahead of nothing: this leaves it out.
    number = kernel.squeeze(kernel.equal(chosen, chosen), -1)
    return kernel.logical_and(kernel.logical_and(ahead < k, exists), number)


# Chebyshev coefficients of log(erfc(z) exp(z^2) / t) over t = 2 / (2 + z) in (0, 1]; they leave an error of 1e-13.
_ERFC = (
    -0.6513268598908547, 0.6419697923564904, 0.019476473204185708, -0.00956151478680863, -0.0009465953444820733,
    0.00036683949785280785, 4.2523324806755235e-05, -2.0278578112490945e-05, -1.6242900046945478e-06,
    1.303655835720129e-06, 1.562644157273678e-08, -8.523809568933831e-08, 6.529054286476926e-09,
    5.059343647496768e-09, -9.913644559187097e-10, -2.2736487943461407e-10, 9.646743957736206e-11,
    2.394465990071051e-12, -6.886391464639792e-12, 8.948019378875956e-13, 3.1324154734868355e-13,
)  # fmt: skip


@op("x", promote="float", module="math")
def erfc(k: Kernel, x: Tensor) -> Output:
    """Complementary error function, exact in relative terms for large x, where `1 - erf(x)` would be 0.

    `erfc(x) = 2 / sqrt(pi) * integral of exp(-t^2) from x to infinity`

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape, between 0 and 2.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.erfc([-100.0, 0.0])).tolist()
        [2.0, 1.0]
    """
    dtype = k.dtype(x)
    x = k.astype(x, "float32") if dtype in ("float16", "bfloat16") else x
    far = k.abs(x) > 0.5
    z = k.where(far, k.abs(x), 1.0)
    t = 2.0 / (z + 2.0)
    u = t * 4.0 - 2.0
    ahead = here = 0.0 * z
    for c in _ERFC[:0:-1]:
        ahead, here = here, u * here - ahead + c
    series = u * 0.5 * here - ahead + _ERFC[0]
    # exp(-z^2) from a coarse and a fine part: the rounding of z * z alone would cost digits.
    coarse = k.stop_gradient(k.trunc(k.minimum(z, 100.0) * 16.0) / 16.0)
    tail = t * k.exp(-coarse * coarse) * k.exp(series - (z - coarse) * (z + coarse))
    out = k.where(far, k.where(x > 0, tail, 2.0 - tail), 1.0 - k.erf(x))
    return k.astype(out, dtype)


@op("x", "y", promote="float", module="math", class_name="CDist")
def cdist(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Euclidean distances of all pairs of rows.

    `d[i, j] = |x_i - y_j|`

    Args:
        x: Tensor (..., n, size).
        y: Tensor (..., m, size).

    Returns:
        A tensor (..., n, m).

    Raises:
        ValueError: if a rank is below 2 or the sizes differ.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.cdist([[0.0, 0.0]], [[3.0, 4.0]])).tolist()
        [[5.0]]
    """
    rank_at_least("cdist", x, 2)
    rank_at_least("cdist", y, 2)
    if x.shape[-1] != y.shape[-1] and Unknown not in (type(x.shape[-1]), type(y.shape[-1])):
        raise ValueError(f"cdist: the last sizes of {shown(x.shape)} and {shown(y.shape)} differ.")
    square = k.sum(k.square(k.expand_dims(x, -2) - k.expand_dims(y, -3)), -1)
    apart = square > 0  # the square root has no gradient at 0
    return k.where(apart, k.sqrt(k.where(apart, square, 1.0)), 0.0)


@op("x", module="math")
def extract_sequences(k: Kernel, x: Tensor, sequence_length: int, sequence_stride: int) -> Output:
    """Windows along the last axis.

    Args:
        x: Tensor (..., n).
        sequence_length: How long a window is.
        sequence_stride: How far apart windows start.

    Returns:
        A tensor (..., windows, sequence_length).

    Raises:
        ValueError: if x has no axes, or a length or stride is below 1.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.extract_sequences([1, 2, 3, 4, 5], 3, 2)).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    name = "extract_sequences"
    rank_at_least(name, x, 1)
    at_least(name, "sequence_length", sequence_length, 1)
    at_least(name, "sequence_stride", sequence_stride, 1)
    return windows(k, x, sequence_length, sequence_stride)


def windows(k: Kernel, x: Any, length: int, stride: int) -> Any:
    """Overlapping windows along the last axis, one gather."""
    count = (k.shape(x)[-1] - length) // stride + 1
    if type(count) is int and count < 0:
        count = 0
    starts = k.expand_dims(k.arange(0, count, 1, "int32") * stride, 1)
    return k.take(x, starts + k.arange(0, length, 1, "int32"), -1)


@op("x", promote="float", module="math")
def logdet(k: Kernel, x: Tensor) -> Output:
    """Logarithm of the absolute value of the determinant.

    `log |det x|`

    Args:
        x: Tensor (..., n, n).

    Returns:
        A tensor (...).

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> float(lamina.ops.logdet([[1.0, 0.0], [0.0, 1.0]]))
        0.0
    """
    square_matrix("logdet", x)
    dtype = k.dtype(x)
    wide = k.astype(x, "float32") if dtype in ("float16", "bfloat16") else x
    return astype(k, k.slogdet(wide)[1], dtype)


def square_matrix(op: str, x: Any) -> None:
    """That the last two sizes are equal.

    Raises:
        ValueError: otherwise.
    """
    rank_at_least(op, x, 2)
    if x.shape[-1] != x.shape[-2] and Unknown not in (type(x.shape[-1]), type(x.shape[-2])):
        raise ValueError(f"{op}: expected square matrices (..., n, n), got shape {shown(x.shape)}.")


@op("x", module="math")
def view_as_complex(k: Kernel, x: Tensor) -> Output:
    """Pairs of real and imaginary parts as complex numbers.

    Args:
        x: Float tensor (..., 2).

    Returns:
        A complex tensor (...).

    Raises:
        ValueError: if the last size is not 2.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.view_as_complex([[1.0, 2.0]])).tolist()
        [(1+2j)]
    """
    if not x.shape or (x.shape[-1] != 2 and type(x.shape[-1]) is not Unknown):
        raise ValueError(
            f"view_as_complex: the last size must be 2 (real and imaginary), got shape {shown(x.shape)}."
        )
    return k.complex(k.getitem(x, (Ellipsis, 0)), k.getitem(x, (Ellipsis, 1)))


@op("x", module="math")
def view_as_real(k: Kernel, x: Tensor) -> Output:
    """Complex numbers as pairs of real and imaginary parts.

    Args:
        x: A complex tensor (...); of real numbers the imaginary part is 0.

    Returns:
        A float tensor (..., 2).

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.view_as_real([1 + 2j])).tolist()
        [[1.0, 2.0]]
    """
    return k.stack([k.real(x), k.imag(x)], -1)
