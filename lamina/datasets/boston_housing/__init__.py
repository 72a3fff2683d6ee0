"""Prices of houses in Boston, 1978: 506 rows of 13 numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
