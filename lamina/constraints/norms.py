"""What weights must fulfil after every step of an optimizer."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.config import epsilon
from lamina.core.config import Configurable


class Constraint(Configurable):
    """What a weight must fulfil: a subclass defines `__call__(w)`, which gives the nearest allowed weight.

    Example:
        >>> import lamina
        >>> class AtMostOne(lamina.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return lamina.ops.minimum(w, 1.0)
        >>> AtMostOne()(lamina.ops.array([0.5, 2.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w: Any) -> Any:
        """The weight that is allowed."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(w)`.")


def _norm(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


class MaxNorm(Constraint):
    """Vectors no longer than `max_value`.

    Args:
        max_value: The greatest length.
        axis: The axis, or axes, along which the vectors lie.

    Example:
        >>> import lamina
        >>> lamina.constraints.MaxNorm(5.0)(lamina.ops.array([[3.0], [4.0]])).shape
        (2, 1)
    """

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        return w * (ops.clip(norm, 0, self.max_value) / (epsilon() + norm))


class NonNeg(Constraint):
    """No negative weights: those become zero.

    Example:
        >>> import lamina
        >>> lamina.constraints.NonNeg()(lamina.ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0.0)


class UnitNorm(Constraint):
    """Vectors of length one.

    Args:
        axis: The axis, or axes, along which the vectors lie.

    Example:
        >>> import lamina
        >>> lamina.constraints.UnitNorm()(lamina.ops.array([[3.0], [4.0]])).shape
        (2, 1)
    """

    def __init__(self, axis: Any = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (epsilon() + _norm(w, self.axis))


class MinMaxNorm(Constraint):
    """Vectors of a length between two limits.

    Args:
        min_value: The least length.
        max_value: The greatest length.
        rate: How much of the correction is made: 1 makes it whole at every step.
        axis: The axis, or axes, along which the vectors lie.

    Example:
        >>> import lamina
        >>> lamina.constraints.MinMaxNorm(1.0, 2.0)(lamina.ops.array([[3.0], [4.0]])).shape
        (2, 1)
    """

    def __init__(
        self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = (min_value, max_value, rate, axis)

    def __call__(self, w: Any) -> Any:
        norm = _norm(w, self.axis)
        wanted = self.rate * ops.clip(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return w * (wanted / (epsilon() + norm))


# The other names under which these are public.
max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
