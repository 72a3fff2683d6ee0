"""Mathematical functions beyond NumPy's names."""

from __future__ import annotations

from typing import Any

from lamina.kernel.shapes.spec import Unknown
from lamina.ops._check import at_least, axes_of, rank_at_least, shown
from lamina.ops._op import Tensor, op


@op(promote="float", module="math")
def rsqrt(k, x: Tensor) -> Tensor:
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


@op(promote="float", module="math")
def erf(k, x: Tensor) -> Tensor:
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


@op(promote="float", module="math")
def erfinv(k, x: Tensor) -> Tensor:
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


@op(promote="float", module="math")
def logsumexp(k, x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
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
    return k.logsumexp(x, axes_of("logsumexp", axis, len(x.shape)), keepdims)


@op(module="math")
def top_k(kernel, x: Tensor, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
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
    return kernel.top_k(x, k, sorted)


@op(module="math")
def in_top_k(kernel, targets: Tensor, predictions: Tensor, k: int) -> Tensor:
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
            f"in_top_k: `predictions` must have one axis more than `targets`, got shapes "
            f"{shown(predictions.shape)} and {shown(targets.shape)}."
        )
    classes = predictions.shape[-1]
    index = kernel.expand_dims(kernel.astype(targets, "int32"), -1)
    chosen = kernel.take_along_axis(predictions, kernel.clip(index, 0, classes - 1), -1)
    ahead = kernel.sum(kernel.astype(predictions > chosen, "int32"), -1)
    exists = kernel.squeeze(kernel.logical_and(index >= 0, index < classes), -1)
    # NaN compares false with everything, so it would be ahead of nothing: this leaves it out.
    number = kernel.squeeze(kernel.equal(chosen, chosen), -1)
    return kernel.logical_and(kernel.logical_and(ahead < k, exists), number)
