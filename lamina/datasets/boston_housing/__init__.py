"""Prices of houses in Boston, 1978: 506 rows of 13 numbers."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
