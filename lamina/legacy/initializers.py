"""`keras.initializers`: functions and classes by their names in Keras 1 and 2."""

from __future__ import annotations

from typing import Any

from lamina import initializers

_NAMES = (
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform", "normal",
    "one", "ones", "orthogonal", "uniform", "zero", "zeros",
)  # fmt: skip
__all__ = [*_NAMES]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return type(initializers.get(name))
    raise AttributeError(name)
