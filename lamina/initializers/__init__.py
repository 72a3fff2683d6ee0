"""Initializers: what the first values of weights are."""

from lamina.kernel.named import pickled_by_name
from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
__reduce_ex__ = pickled_by_name(__name__)
