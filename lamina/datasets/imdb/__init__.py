"""Film reviews, good and bad: 25,000 and 25,000 lists of word numbers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
