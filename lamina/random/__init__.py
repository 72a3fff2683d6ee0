"""Random numbers: draws that are functions of a seed, and the generators that make seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
