"""Learning rates that depend on the number of updates."""

from __future__ import annotations

from typing import Any

from lamina.core.config import Configurable


class LearningRateSchedule(Configurable):
    """A learning rate that depends on the number of updates: a subclass defines `__call__(step)`.

    Example:
        >>> import lamina
        >>> class Halved(lamina.optimizers.schedules.LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.5 / (1.0 + step)
        >>> float(Halved()(1))
        0.25
    """

    def __call__(self, step: Any) -> Any:
        """The rate after `step` updates."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(step)`.")
