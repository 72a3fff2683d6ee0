"""Layers: the parts that models are made of."""

import lazy_loader

_get, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> object:
    from lamina.core.later import found

    return found(__name__, name, _get)
