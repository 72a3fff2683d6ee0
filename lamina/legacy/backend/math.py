"""`K`: arithmetic, reductions, comparisons, products and shapes, with the defaults of Keras 1 and 2."""

from __future__ import annotations

import builtins
from typing import Any

from lamina import ops
from lamina.config import floatx

# -- element by element ------------------------------------------------------------------------------------------------


def abs(x: Any) -> Any:
    """The absolute value."""
    return ops.absolute(x)


def sqrt(x: Any) -> Any:
    """The square root; negative numbers count as 0."""
    return ops.sqrt(ops.maximum(x, 0.0))


def square(x: Any) -> Any:
    """x times x."""
    return ops.square(x)


def exp(x: Any) -> Any:
    """e to the x."""
    return ops.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm."""
    return ops.log(x)


def sin(x: Any) -> Any:
    """The sine."""
    return ops.sin(x)


def cos(x: Any) -> Any:
    """The cosine."""
    return ops.cos(x)


def round(x: Any) -> Any:
    """To the nearest integer, halves to even."""
    return ops.round(x)


def sign(x: Any) -> Any:
    """-1, 0 or 1."""
    return ops.sign(x)


def pow(x: Any, a: Any) -> Any:
    """x to the a."""
    return ops.power(x, a)


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """x within the bounds; None is no bound, and a maximum below the minimum counts as the minimum."""
    if min_value is None:
        min_value = -float("inf")
    if max_value is None:
        max_value = float("inf")
    if isinstance(min_value, int | float) and isinstance(max_value, int | float):
        max_value = builtins.max(min_value, max_value)
    return ops.minimum(ops.maximum(x, min_value), max_value)


def maximum(x: Any, y: Any) -> Any:
    """The larger of both, element by element."""
    return ops.maximum(x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of both, element by element."""
    return ops.minimum(x, y)


def equal(x: Any, y: Any) -> Any:
    """x = y."""
    return ops.equal(x, y)


def not_equal(x: Any, y: Any) -> Any:
    """x != y."""
    return ops.not_equal(x, y)


def greater(x: Any, y: Any) -> Any:
    """x > y."""
    return ops.greater(x, y)


def greater_equal(x: Any, y: Any) -> Any:
    """x >= y."""
    return ops.greater_equal(x, y)


def less(x: Any, y: Any) -> Any:
    """x < y."""
    return ops.less(x, y)


def less_equal(x: Any, y: Any) -> Any:
    """x <= y."""
    return ops.less_equal(x, y)


def stop_gradient(variables: Any) -> Any:
    """The same values, through which no gradient flows; of a list, a list."""
    if isinstance(variables, list | tuple):
        return [ops.stop_gradient(v) for v in variables]
    return ops.stop_gradient(variables)


# -- over axes ---------------------------------------------------------------------------------------------------------


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The sum."""
    return ops.sum(x, axis=axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The product."""
    return ops.prod(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The mean; of booleans the share of True."""
    return ops.mean(_no_bool(x), axis=axis, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The variance."""
    return ops.var(_no_bool(x), axis=axis, keepdims=keepdims)


def std(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The standard deviation."""
    return ops.std(_no_bool(x), axis=axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The largest element."""
    return ops.max(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The smallest element."""
    return ops.min(x, axis=axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether an element is not 0."""
    return ops.any(ops.cast(x, "bool"), axis=axis, keepdims=keepdims)


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether no element is 0."""
    return ops.all(ops.cast(x, "bool"), axis=axis, keepdims=keepdims)


def argmax(x: Any, axis: int = -1) -> Any:
    """Where the largest element stands."""
    return ops.argmax(x, axis=axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Where the smallest element stands."""
    return ops.argmin(x, axis=axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Sums of the first elements."""
    return ops.cumsum(x, axis=axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Products of the first elements."""
    return ops.cumprod(x, axis=axis)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x)))."""
    return ops.logsumexp(x, axis=axis, keepdims=keepdims)


def _no_bool(x: Any) -> Any:
    from lamina.legacy.backend.state import dtype

    return ops.cast(x, floatx()) if hasattr(x, "dtype") and dtype(x) == "bool" else x


# -- products ----------------------------------------------------------------------------------------------------------


def dot(x: Any, y: Any) -> Any:
    """The product over the last axis of x and the last but one of y, for any number of axes."""
    return ops.dot(x, y)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product over an axis of x and one of y, row of the batch by row.

    Args:
        x, y: (batch, ...), with two axes at least.
        axes: The axis of both, or one for each; by default the last of x and the last but one of y (the last, if y
            has two).

    Returns:
        (batch, rest of x, rest of y); (batch, 1) where nothing is left.
    """
    m, n = len(x.shape), len(y.shape)
    if m < 2 or n < 2:
        raise ValueError(f"K.batch_dot takes tensors of two axes at least, got ranks {m} and {n}.")
    if axes is None:
        axes = (m - 1, n - 1 if n == 2 else n - 2)
    first, second = (axes, axes) if isinstance(axes, int) else axes
    first, second = first % m, second % n
    if 0 in (first, second):
        raise ValueError("K.batch_dot: axis 0 is the batch; choose another one.")
    letters = "abcdefghijklmnopqrstuvwxy"
    left = [letters[i] for i in range(m - 1)]
    right = [letters[m - 1 + i] for i in range(n - 1)]
    right[second - 1] = left[first - 1]
    rest = [c for c in left if c != left[first - 1]] + [c for c in right if c != left[first - 1]]
    found = ops.einsum(f"z{''.join(left)},z{''.join(right)}->z{''.join(rest)}", x, y)
    return found if rest else ops.expand_dims(found, 1)


# -- shapes ------------------------------------------------------------------------------------------------------------


def reshape(x: Any, shape: Any) -> Any:
    """Another shape."""
    return ops.reshape(x, shape)


def flatten(x: Any) -> Any:
    """One axis."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """Two axes: the first stays."""
    sizes = x.shape[1:]
    if None in sizes:
        return ops.reshape(x, (ops.shape(x)[0], -1))
    count = 1
    for size in sizes:
        count *= size
    return ops.reshape(x, (-1, count))


def expand_dims(x: Any, axis: int = -1) -> Any:
    """A new axis of size 1."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> Any:
    """Without an axis of size 1."""
    return ops.squeeze(x, axis)


def transpose(x: Any) -> Any:
    """All axes in the reverse order."""
    return ops.transpose(x)


def permute_dimensions(x: Any, pattern: Any) -> Any:
    """The axes in another order."""
    return ops.transpose(x, pattern)


def reverse(x: Any, axes: Any) -> Any:
    """Backwards along one or several axes."""
    return ops.flip(x, axis=axes if isinstance(axes, int) else tuple(axes))


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """One behind the other."""
    return ops.concatenate(list(tensors), axis=axis)


def stack(x: Any, axis: int = 0) -> Any:
    """Along a new axis."""
    return ops.stack(list(x), axis=axis)


def tile(x: Any, n: Any) -> Any:
    """Repeated as a whole, `n` times along each axis."""
    return ops.tile(x, (n,) * len(x.shape) if isinstance(n, int) else tuple(n))


def repeat(x: Any, n: int) -> Any:
    """(batch, n, features) from (batch, features)."""
    if len(x.shape) != 2:
        raise ValueError(f"K.repeat takes a tensor of two axes, got shape {tuple(x.shape)}.")
    return ops.tile(ops.expand_dims(x, 1), (1, n, 1))


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each element `rep` times, as `numpy.repeat` does."""
    return ops.repeat(x, rep, axis=axis)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str = "int32") -> Any:
    """Evenly spaced integers; with one argument from 0."""
    if stop is None:
        start, stop = 0, start
    return ops.arange(start, stop, step, dtype=dtype)


def gather(reference: Any, indices: Any) -> Any:
    """Rows by their numbers."""
    return ops.take(reference, ops.cast(indices, "int32"), axis=0)


def one_hot(indices: Any, num_classes: int) -> Any:
    """1 at the class, 0 elsewhere."""
    return ops.one_hot(ops.cast(indices, "int32"), num_classes)
