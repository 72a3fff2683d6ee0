"""Small data sets to learn and to test with. The first call downloads one; a file in the cache is taken as it is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
