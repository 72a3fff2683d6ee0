"""Prices of houses in California, 1990: 20,640 rows of 8 numbers."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
