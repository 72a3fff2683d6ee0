"""Initializers: what the first values of weights are."""

import lazy_loader

from lamina.kernel.named import pickled_by_name

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__reduce_ex__ = pickled_by_name(__name__)
