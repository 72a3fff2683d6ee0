"""Files and configs: what Keras 3 reads and writes, without its risks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
