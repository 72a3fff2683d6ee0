"""The archives of CIFAR: tar files of pickled batches."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import numpy as np

from lamina import config
from lamina.datasets.sources import fetch
from lamina.datasets.unpickling import UnsafeDataError, plain

BASE = "https://www.cs.toronto.edu/~kriz/"
_MOST = 1 << 28  # bytes that a member may have


def batches(
    archive: str, file_hash: str, names: list[str], key: bytes
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(images, labels) of members of an archive, which is read without being unpacked.

    Args:
        archive: The file's name.
        file_hash: Its SHA-256.
        names: The members.
        key: Under which the labels stand.

    Raises:
        UnsafeDataError: if a member is missing, damaged or holds anything but plain values.
    """
    path = fetch(archive, file_hash, BASE, cache_subdir="datasets")
    found: dict[str, Any] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            name = member.name.rpartition("/")[2]
            if name in names and member.isreg() and member.size <= _MOST:
                file = tar.extractfile(member)
                found[name] = plain(io.BytesIO(file.read())) if file else None
    if missing := [n for n in names if n not in found]:
        raise UnsafeDataError(f"{path!r} has no {', '.join(missing)}.")
    return [_part(found[n], key) for n in names]


def _part(batch: Any, key: bytes) -> tuple[np.ndarray, np.ndarray]:
    values = batch if isinstance(batch, dict) else {}
    images, labels = values.get(b"data"), values.get(key)
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or labels is None:
        raise UnsafeDataError("A batch of the archive has no images of bytes, or no labels.")
    return images.reshape(len(images), 3, 32, 32), np.asarray(labels)


def in_format(x: np.ndarray) -> np.ndarray:
    """The images with their channels where the default has them."""
    return x.transpose(0, 2, 3, 1) if config.image_data_format() == "channels_last" else x
