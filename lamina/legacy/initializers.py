"""`keras.initializers`: functions and classes by their names in Keras 1 and 2."""

from __future__ import annotations

from typing import Any

from lamina import initializers

__all__ = [
    "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform", "normal",
    "one", "ones", "orthogonal", "uniform", "zero", "zeros",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__:
        return type(initializers.get(name))
    raise AttributeError(name)
