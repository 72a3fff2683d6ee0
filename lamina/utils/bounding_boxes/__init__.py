"""Boxes around things in images: their formats, and what can be computed of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
