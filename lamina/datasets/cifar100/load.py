"""Loads CIFAR-100."""

from __future__ import annotations

from typing import Any

from lamina.datasets.cifar import batches, in_format
from lamina.ops.checks import one_of

_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Any:
    """Small color images of a hundred classes, or of twenty groups of them.

    Args:
        label_mode: "fine" or "coarse".

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images (n, 32, 32, 3) and classes (n, 1).

    Raises:
        ValueError: for another mode.
        OSError: if it has to be downloaded, and cannot.
        UnsafeDataError: if the archive holds anything but plain values.

    Reference:
        Krizhevsky, 2009: Learning Multiple Layers of Features from Tiny Images
    """
    one_of("cifar100.load_data", "label_mode", label_mode, ("fine", "coarse"))
    key = f"{label_mode}_labels".encode()
    (x, y), (u, v) = batches("cifar-100-python.tar.gz", _HASH, ["train", "test"], key)
    return (in_format(x), y.astype("uint8")[:, None]), (in_format(u), v.astype("uint8")[:, None])
