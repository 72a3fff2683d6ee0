"""Penalties on weights, added to the loss."""

from __future__ import annotations

import math
from typing import Any

from lamina import ops
from lamina.core.config import Configurable


def _factor(value: Any, name: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or math.isnan(value)
        or math.isinf(value)
    ):
        raise ValueError(f"`{name}` must be a finite number, got {value!r}.")
    if value < 0:
        raise ValueError(f"`{name}` must not be negative, got {value!r}.")
    return float(value)


class Regularizer(Configurable):
    """A penalty on a tensor: a subclass defines `__call__(x)`, which gives a scalar.

    Example:
        >>> import lamina
        >>> class Biggest(lamina.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return lamina.ops.max(lamina.ops.abs(x))
        >>> float(Biggest()(lamina.ops.array([1.0, -3.0])))
        3.0
    """

    def __call__(self, x: Any) -> Any:
        """The penalty, a scalar."""
        return 0.0


class L1L2(Regularizer):
    r"""`l1 * sum(|x|) + l2 * sum(x^2)`.

    Args:
        l1: Factor of the absolute values.
        l2: Factor of the squares.

    Raises:
        ValueError: for a factor that is negative or not finite.

    Example:
        >>> import lamina
        >>> float(lamina.regularizers.L1L2(l1=1.0, l2=1.0)(lamina.ops.array([1.0, -2.0])))
        8.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        penalty = 0.0
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty


class L1(Regularizer):
    """`l1 * sum(|x|)`.

    Args:
        l1: A factor.

    Raises:
        ValueError: for a factor that is negative or not finite.

    Example:
        >>> import lamina
        >>> float(lamina.regularizers.L1(1.0)(lamina.ops.array([1.0, -2.0])))
        3.0
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return self.l1 * ops.sum(ops.abs(x))


class L2(Regularizer):
    """`l2 * sum(x^2)`.

    Args:
        l2: A factor.

    Raises:
        ValueError: for a factor that is negative or not finite.

    Example:
        >>> import lamina
        >>> float(lamina.regularizers.L2(1.0)(lamina.ops.array([1.0, -2.0])))
        5.0
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return self.l2 * ops.sum(ops.square(x))


class OrthogonalRegularizer(Regularizer):
    """Pulls the rows (or columns) of a matrix towards being orthogonal to each other.

    `factor * sum(|<r_i, r_j>|) / pairs` over the pairs i < j of rows of length one.

    Args:
        factor: A factor.
        mode: "rows" or "columns".

    Raises:
        ValueError: for an unknown mode, or an input that is not a matrix.

    Example:
        >>> import lamina
        >>> float(lamina.regularizers.OrthogonalRegularizer(1.0)(lamina.ops.eye(2)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f"Unknown mode {mode!r}. Use 'rows' or 'columns'.")
        self.mode = mode

    def __call__(self, x: Any) -> Any:
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer takes matrices only, got shape {tuple(x.shape)}.")
        rows = x if self.mode == "rows" else ops.transpose(x)
        length = ops.sqrt(ops.sum(ops.square(rows), axis=1, keepdims=True))
        rows = rows / ops.maximum(length, 1e-12)
        count = rows.shape[0]
        products = ops.abs(ops.matmul(rows, ops.transpose(rows)) * (1.0 - ops.eye(count, dtype=rows.dtype)))
        return self.factor * 0.5 * ops.sum(products) / max(1.0, count * (count - 1.0) / 2.0)


# The other names under which these are public.
l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
