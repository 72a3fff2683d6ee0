"""Small color images of a hundred classes: 50,000 and 10,000 of 32 x 32."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
