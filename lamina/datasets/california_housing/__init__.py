"""Prices of houses in California, 1990: 20,640 rows of 8 numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
