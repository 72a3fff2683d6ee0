"""Small data sets to learn and to test with. The first call downloads one; a file in the cache is taken as it is."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
