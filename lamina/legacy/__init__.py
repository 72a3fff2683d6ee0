"""Keras of any age on Lamina: the alias `keras`, the old backend module, old names and spellings.

The one folder that knows old names. All of it is written on Lamina's public interfaces.
"""

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
