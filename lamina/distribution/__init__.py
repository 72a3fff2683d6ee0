"""Training on several devices: meshes of devices, layouts of tensors on them, and distributions, which choose layouts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
