"""Pictures of images with their boxes and masks. Matplotlib is an extra: `pip install lamina[plot]`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
