"""Pictures of images with their boxes and masks. Matplotlib is an extra: `pip install lamina[plot]`."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
