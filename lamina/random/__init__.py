"""Random numbers: draws that are functions of a seed, and the generators that make seeds."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
