"""Applications: well-known networks for images, with the weights that were published for them."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
