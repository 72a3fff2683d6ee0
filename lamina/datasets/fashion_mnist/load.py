"""Loads Fashion-MNIST."""

from __future__ import annotations

import gzip
import struct
from typing import Any

import numpy as np

from lamina.datasets.sources import fetch
from lamina.datasets.unpickling import UnsafeDataError

_FILES = ("train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz",
          "t10k-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz")  # fmt: skip
_MOST = 1 << 28  # bytes that a file may unpack to


def load_data() -> Any:
    """Pieces of clothing in ten classes.

    Returns:
        ((x_train, y_train), (x_test, y_test)): uint8 images (n, 28, 28) and classes (n,).

    Raises:
        OSError: if it has to be downloaded, and cannot.

    Reference:
        Xiao et al., 2017: Fashion-MNIST, https://arxiv.org/abs/1708.07747
    """
    y_train, x_train, y_test, x_test = (
        read_idx(fetch(name, cache_subdir="datasets/fashion-mnist")) for name in _FILES
    )
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: str) -> np.ndarray:
    """The bytes of a compressed IDX file: two zeros, the kind 8, the rank, the sizes, the numbers.

    Raises:
        UnsafeDataError: if it is none.
    """
    with gzip.open(path) as file:
        data = file.read(_MOST + 1)
    if len(data) > _MOST or len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise UnsafeDataError(f"{path!r} is no IDX file of bytes.")
    rank = data[3]
    shape = struct.unpack(f">{rank}I", data[4 : 4 + 4 * rank])
    if int(np.prod(shape, dtype="int64")) != len(data) - 4 - 4 * rank:
        raise UnsafeDataError(
            f"{path!r} says it holds {shape} numbers, but has {len(data) - 4 - 4 * rank} bytes."
        )
    return np.frombuffer(data, "uint8", offset=4 + 4 * rank).reshape(shape)
