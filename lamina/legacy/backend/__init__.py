"""`K`: the backend module of Keras 1 and 2, with its semantics, on `lamina.ops`."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
