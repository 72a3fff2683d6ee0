"""`K`: the backend module of Keras 1 and 2, with its semantics, on `lamina.ops`."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
