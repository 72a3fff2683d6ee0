"""`keras.preprocessing`: sequences, texts and images, as Keras 1 and 2 had them."""

import importlib
from typing import Any

from lamina import utils

_PARTS = ("image", "sequence", "text")
__all__ = [*_PARTS]


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return importlib.import_module(f"lamina.legacy.{name}")
    if name.endswith(("_dataset_from_directory", "_dataset_from_array")):
        return getattr(utils, name)
    raise AttributeError(name)
