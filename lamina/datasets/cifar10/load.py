"""Loads CIFAR-10."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.datasets.cifar import batches, in_format

_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Any:
    """Small color images of ten classes.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images (n, 32, 32, 3) and classes (n, 1).

    Raises:
        OSError: if it has to be downloaded, and cannot.
        UnsafeDataError: if the archive holds anything but plain values.

    Reference:
        Krizhevsky, 2009: Learning Multiple Layers of Features from Tiny Images
    """
    names = [f"data_batch_{i}" for i in range(1, 6)]
    *train, test = batches("cifar-10-python.tar.gz", _HASH, [*names, "test_batch"], b"labels")
    x, y = (np.concatenate([part[i] for part in train]) for i in (0, 1))
    return (in_format(x), y.astype("uint8")[:, None]), (in_format(test[0]), test[1].astype("uint8")[:, None])
