"""Pieces of clothing: 60,000 and 10,000 gray images of 28 x 28."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
