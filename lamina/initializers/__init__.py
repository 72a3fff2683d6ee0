"""Initializers: what the first values of weights are."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
