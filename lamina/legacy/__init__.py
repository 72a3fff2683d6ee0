"""Keras of any age on Lamina: the alias `keras`, the old backend module, old names and spellings.

The one folder that knows old names. All of it is written on Lamina's public interfaces.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
