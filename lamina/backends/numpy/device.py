"""The one device there is, and the array that a Variable is made of."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np

from lamina.backends.numpy.array import DTYPES, asarray
from lamina.kernel.contract import Placement, refuse


def variable(value: Any, dtype: str, trainable: bool, placement: Placement | None = None) -> Any:
    refuse(placement)
    return np.array(value, DTYPES[dtype])


def read(storage: Any) -> Any:
    return storage


def write(storage: Any, value: Any) -> Any:
    return value


def holds_numbers(x: Any, /) -> bool:
    return True


def device(name: str | None) -> Any:
    if name is not None and name.partition(":")[0].lower() != "cpu":
        raise ValueError(f"The numpy backend has only the device 'cpu:0'. Received: {name!r}.")
    return nullcontext()


def devices(kind: str | None) -> list[str]:
    return ["cpu:0"] if kind is None or kind.lower() == "cpu" else []


def put(x: Any, dtype: str | None = None, placement: Placement | None = None, own: bool = False) -> Any:
    refuse(placement)
    return asarray(x, dtype)


def copies_on_host() -> bool:
    return False


def padded_size(rows: int) -> int:
    return rows


def to_default_device(xs: list) -> list:
    return xs


def wait(x: Any) -> None:
    return None


def seed(value: int) -> None:
    np.random.seed(value % 2**32)


def compile_cache(folder: Any) -> None:
    """Nothing is compiled."""
