"""Schedules: learning rates that depend on the number of updates."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
