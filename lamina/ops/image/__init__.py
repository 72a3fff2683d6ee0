"""Operations on images: one (height, width, channels) or a batch of them."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
