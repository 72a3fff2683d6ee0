"""Files and configs: what Keras 3 reads and writes, without its risks."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
