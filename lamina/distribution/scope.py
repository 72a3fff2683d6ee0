"""Which distribution is in force."""

from __future__ import annotations

from typing import Any

from lamina.distribution.distributions import Distribution
from lamina.kernel.context import distribute, distribution_in_force


def distribution() -> Any:
    """The distribution in force in this thread: of the innermost scope, else the one that was set.

    Returns:
        A `Distribution`, or None without one.

    Example:
        >>> import lamina
        >>> lamina.distribution.distribution() is None
        True
    """
    return distribution_in_force()


def set_distribution(value: Any) -> None:
    """Put a distribution in force: in all threads, unless they have a scope open.

    Variables that are made from here on, and models that are trained, evaluated or asked for predictions, lie as it says.

    Args:
        value: A `Distribution`; None for one device.

    Raises:
        TypeError: for anything else.

    Example:
        >>> import lamina
        >>> lamina.distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise TypeError(
            f"set_distribution: expected a distribution such as lamina.distribution.DataParallel(), or None, got {value!r}."
        )
    distribute(value)
