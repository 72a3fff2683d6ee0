"""Loads MNIST."""

from __future__ import annotations

from typing import Any

from lamina.datasets.sources import fetch
from lamina.datasets.unpickling import arrays_of

_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Any:
    """Handwritten digits.

    Args:
        path: The file's name in the cache, or a path.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images (n, 28, 28) and digits (n,).

    Raises:
        OSError: if it has to be downloaded, and cannot.

    Reference:
        LeCun et al., 1998: Gradient-Based Learning Applied to Document Recognition
    """
    found = arrays_of(fetch(path, _HASH, cache_subdir="datasets"))
    return (found["x_train"], found["y_train"]), (found["x_test"], found["y_test"])
