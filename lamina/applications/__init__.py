"""Applications: well-known networks for images, with the weights that were published for them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
