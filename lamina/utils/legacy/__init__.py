"""Configs as Keras 2 wrote them: a class name and its arguments, without a module."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
