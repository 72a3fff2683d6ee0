"""Boxes around things in images: their formats, and what can be computed of them."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
