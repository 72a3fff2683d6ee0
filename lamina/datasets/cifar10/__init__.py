"""Small color images of ten classes: 50,000 and 10,000 of 32 x 32."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
