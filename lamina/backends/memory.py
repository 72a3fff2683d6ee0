"""Memory of the host that frameworks take without a copy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_ALIGNED = 256  # bytes, more than any vector instruction asks for


def aligned(make: Callable[..., np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array by `np.zeros` or `np.empty` where frameworks take it without a copy: TensorFlow ends the process over
    one that lies elsewhere, and XLA copies it.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    memory = make(size + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    return memory[start : start + size].view(kind).reshape(shape)


def is_aligned(array: np.ndarray) -> bool:
    """Whether frameworks take an array without a copy."""
    return array.ctypes.data % _ALIGNED == 0 and array.flags.c_contiguous and array.flags.writeable
