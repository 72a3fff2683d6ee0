"""Lamina: deep learning with the interface of Keras, on a tiny kernel, on any backend.

Importing it imports no framework: namespaces load when they are first used. `__init__.pyi` beside this file is the
list of public names.
"""

from lamina.kernel.namespaces import attach

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = attach(__name__, __file__)
