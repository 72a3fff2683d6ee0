"""The budgets of the loader under their public name."""

from lamina.core.limits import Limits

__all__ = ["Limits"]
