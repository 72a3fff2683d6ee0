"""Configs as Keras 2 wrote them: a class name and its arguments, without a module."""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
