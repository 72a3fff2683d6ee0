"""News in 46 topics: 11,228 lists of word numbers."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
