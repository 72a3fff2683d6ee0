"""Pieces of clothing: 60,000 and 10,000 gray images of 28 x 28."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
