"""`keras.preprocessing`: sequences, texts and images, as Keras 1 and 2 had them."""

import importlib
from typing import Any

__all__ = ["image", "sequence", "text"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"lamina.legacy.{name}")
    if name.endswith(("_dataset_from_directory", "_dataset_from_array")):
        from lamina import utils

        return getattr(utils, name)
    raise AttributeError(name)
