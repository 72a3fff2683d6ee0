"""Training on several devices: meshes of devices, layouts of tensors on them, and distributions, which choose layouts."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
