"""The distributions. A seed is an integer (equal integers give equal draws), a SeedGenerator, or None.

Draws are repeatable on one backend; different backends draw different numbers from one seed, unless
`lamina.config.set_portable_random(True)` chooses the generator that is the same on all of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina import config
from lamina.core.seeds import SeedGenerator, draw_seed
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least, axis_of, shown
from lamina.ops.manipulate import shape_of
from lamina.ops.op import convert
from lamina.ops.tensors import astype
from lamina.random import portable

Tensor = Any
__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
    "truncated_normal", "uniform",
]  # fmt: skip


def _draw(k: Kernel, name: str) -> Callable[..., Any]:
    """A function of the kernel, or its portable form."""
    return functools.partial(getattr(portable, name), k) if config.portable_random() else getattr(k, name)


def _float(name: str, dtype: Any) -> str:
    found = dtypes.standardize(dtype)
    if found not in dtypes.FLOATS:
        raise ValueError(f"random.{name}: `dtype` must be a float dtype, got {dtype!r}.")
    return found


def uniform(
    shape: Sequence[int], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Draws between two bounds, all values alike.

    Args:
        shape: The result's shape.
        minval: The lower bound, a number or a tensor that broadcasts.
        maxval: The upper bound (not included).
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> lamina.random.uniform((2, 3), seed=1).shape == (2, 3)
        True
    """
    k, dtype = current(), _float("uniform", dtype)
    draws = _draw(k, "random_uniform")(draw_seed(seed), shape_of("random.uniform", k, shape), dtype)
    return _scaled(k, draws, maxval - minval, minval, dtype)


def _scaled(k: Kernel, draws: Any, factor: Any, shift: Any, dtype: str) -> Any:
    """draws * factor + shift, where the two are numbers or tensors."""
    if not (isinstance(factor, int | float) and factor == 1):
        draws = draws * _number(k, factor, dtype)
    if not (isinstance(shift, int | float) and shift == 0):
        draws = draws + _number(k, shift, dtype)
    return draws


def _number(k: Kernel, value: Any, dtype: str) -> Any:
    return k.full((), value, dtype) if isinstance(value, int | float) else astype(k, convert(k, value), dtype)


def normal(
    shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Draws from a normal distribution.

    Args:
        shape: The result's shape.
        mean: A number or a tensor that broadcasts.
        stddev: The standard deviation, a number or a tensor that broadcasts.
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> lamina.random.normal((2, 3), seed=1).shape == (2, 3)
        True
    """
    k, dtype = current(), _float("normal", dtype)
    draws = _draw(k, "random_normal")(draw_seed(seed), shape_of("random.normal", k, shape), dtype)
    return _scaled(k, draws, stddev, mean, dtype)


def truncated_normal(
    shape: Sequence[int], mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Draws from a normal distribution, without what lies more than two deviations off.

    Args:
        shape: The result's shape.
        mean: A number or a tensor that broadcasts.
        stddev: The deviation before the ends are cut, a number or a tensor that broadcasts.
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> x = lamina.random.truncated_normal((100,), seed=1)
        >>> bool(lamina.ops.max(lamina.ops.abs(x)) <= 2.0)
        True
    """
    k, dtype = current(), _float("truncated_normal", dtype)
    draws = _draw(k, "random_truncated")(
        draw_seed(seed), shape_of("random.truncated_normal", k, shape), dtype
    )
    return _scaled(k, draws, stddev, mean, dtype)


def randint(shape: Sequence[int], minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Whole numbers between two bounds, all alike.

    Args:
        shape: The result's shape.
        minval: The lower bound, an integer.
        maxval: The upper bound (not included), an integer.
        dtype: An integer dtype.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape.

    Raises:
        ValueError: if the dtype is not an integer dtype, or there is no number between the bounds.

    Example:
        >>> import lamina
        >>> lamina.random.randint((2, 3), 0, 10, seed=1).shape == (2, 3)
        True
    """
    k, found = current(), dtypes.standardize(dtype)
    if found not in dtypes.IS_INTEGER:
        raise ValueError(f"random.randint: `dtype` must be an integer dtype, got {dtype!r}.")
    if isinstance(minval, int) and isinstance(maxval, int) and minval >= maxval:
        raise ValueError(f"random.randint: `maxval` must be above `minval`, got {minval} to {maxval}.")
    shape = shape_of("random.randint", k, shape)
    return _draw(k, "random_integers")(draw_seed(seed), shape, minval, maxval, found)


def categorical(logits: Tensor, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Class numbers, drawn by their logits.

    `P(c) = exp(logits_c) / sum_j exp(logits_j)`

    Args:
        logits: Float tensor (batch, classes).
        num_samples: How many draws per row.
        dtype: An integer dtype.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor (batch, num_samples).

    Raises:
        ValueError: if the logits do not have two axes.

    Example:
        >>> import lamina
        >>> classes = lamina.random.categorical([[0.0, -1e9]], 3, seed=1)
        >>> lamina.ops.convert_to_numpy(classes).tolist()
        [[0, 0, 0]]
    """
    k = current()
    logits = convert(k, logits)
    if len(logits.shape) != 2:
        raise ValueError(f"random.categorical: `logits` must have two axes, got shape {shown(logits.shape)}.")
    if k.dtype(logits) not in dtypes.IS_FLOAT:
        logits = k.astype(logits, "float32")
    at_least("random.categorical", "num_samples", num_samples, 0)
    return astype(
        k, _draw(k, "random_categorical")(draw_seed(seed), logits, num_samples), dtypes.standardize(dtype)
    )


def gamma(shape: Sequence[int], alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draws from gamma distributions of scale 1.

    Density `x^(alpha - 1) exp(-x) / Gamma(alpha)`.

    Args:
        shape: The result's shape.
        alpha: The shape of the distribution, above 0: a number or a tensor that broadcasts to `shape`.
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> lamina.random.gamma((2, 3), 0.5, seed=1).shape == (2, 3)
        True
    """
    k, dtype = current(), _float("gamma", dtype)
    return _gamma(k, draw_seed(seed), alpha, shape_of("random.gamma", k, shape), dtype)


def _gamma(k: Kernel, seed: Any, alpha: Any, shape: tuple, dtype: str) -> Any:
    return _draw(k, "random_gamma")(seed, k.broadcast_to(_number(k, alpha, dtype), shape), shape, dtype)


def beta(shape: Sequence[int], alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draws from beta distributions.

    `a / (a + b)` for gamma draws a (of alpha) and b (of beta).

    Args:
        shape: The result's shape.
        alpha: Above 0: a number or a tensor that broadcasts to `shape`.
        beta: Above 0: a number or a tensor that broadcasts to `shape`.
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape, between 0 and 1.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> lamina.random.beta((2, 3), 2.0, 5.0, seed=1).shape == (2, 3)
        True
    """
    k, dtype = current(), _float("beta", dtype)
    shape, first = shape_of("random.beta", k, shape), draw_seed(seed)
    # The second draw needs a seed of its own, far from those that a generator gives next.
    second = k.bitwise_xor(first, k.asarray(np.array([0x9E3779B9, 0x85EBCA6B], "uint32")))
    a, b = _gamma(k, first, alpha, shape, dtype), _gamma(k, second, beta, shape, dtype)
    total = a + b
    return k.where(total > 0, a / k.where(total > 0, total, 1.0), 0.5)  # both may underflow to 0


def binomial(
    shape: Sequence[int], counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """How many of a number of trials succeed.

    `P(n) = C(counts, n) p^n (1 - p)^(counts - n)`

    Args:
        shape: The result's shape.
        counts: How many trials: a number or a tensor that broadcasts to `shape`.
        probabilities: Of one success: a number or a tensor that broadcasts to `shape`.
        dtype: A float dtype; None means the default float.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape, with whole numbers.

    Raises:
        ValueError: if the dtype is not float.

    Example:
        >>> import lamina
        >>> lamina.random.binomial((2, 3), 10, 0.5, seed=1).shape == (2, 3)
        True
    """
    k, dtype = current(), _float("binomial", dtype)
    shape = shape_of("random.binomial", k, shape)
    counts, probabilities = (k.broadcast_to(_number(k, v, dtype), shape) for v in (counts, probabilities))
    return _draw(k, "random_binomial")(draw_seed(seed), counts, probabilities, shape, dtype)


def dropout(inputs: Tensor, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Some entries set to 0, the others scaled so that the mean stays.

    `y = x / (1 - rate)` where a draw is at least `rate`, else 0

    Args:
        inputs: A float tensor.
        rate: The part that is dropped, 0 to 1.
        noise_shape: The shape of the draws, which broadcasts to that of the inputs; None (also for single sizes)
            means that of the inputs.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the shape of the inputs.

    Raises:
        ValueError: if the rate is outside 0 to 1 or the noise shape has another rank.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.random.dropout([1.0, 1.0], rate=0.0, seed=1)).tolist()
        [1.0, 1.0]

    Reference:
        Srivastava et al., 2014: Dropout, https://jmlr.org/papers/v15/srivastava14a.html
    """
    k = current()
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ValueError(f"random.dropout: `rate` must be a number from 0 to 1, got {rate!r}.")
    x = convert(k, inputs)
    if k.dtype(x) not in dtypes.IS_FLOAT:
        x = k.astype(x, "float32")
    sizes = tuple(k.shape(x))
    if noise_shape is not None:
        if len(noise_shape) != len(sizes):
            raise ValueError(
                f"random.dropout: `noise_shape` {tuple(noise_shape)} must have the rank of the input {shown(sizes)}."
            )
        for n, given in zip(sizes, noise_shape, strict=True):
            if type(n) is int and given not in (None, 1, n):
                raise ValueError(
                    f"random.dropout: `noise_shape` {tuple(noise_shape)} must broadcast to the input {shown(sizes)}: each "
                    "size is 1, that of the input, or None."
                )
        sizes = tuple(n if given is None else given for n, given in zip(sizes, noise_shape, strict=True))
    if rate == 1:
        return k.zeros(sizes, k.dtype(x))
    # Halves are too coarse for the draws: with 8 bits the part that is dropped would be off.
    keep = _draw(k, "random_uniform")(draw_seed(seed), sizes, "float32") >= rate
    return k.where(keep, x / (1.0 - rate), 0.0)


def shuffle(x: Tensor, axis: int = 0, seed: Any = None) -> Tensor:
    """The entries along an axis in random order.

    Args:
        x: A tensor.
        axis: The axis.
        seed: An integer, a SeedGenerator or None.

    Returns:
        A tensor of the same shape and dtype.

    Raises:
        ValueError: if the axis is out of range.

    Example:
        >>> import lamina
        >>> x = lamina.random.shuffle([1, 2, 3], seed=1)
        >>> sorted(lamina.ops.convert_to_numpy(x).tolist())
        [1, 2, 3]
    """
    k = current()
    x = convert(k, x)
    axis = axis_of("random.shuffle", axis, len(x.shape))
    return k.take(x, _draw(k, "random_permutation")(draw_seed(seed), x.shape[axis]), axis)
