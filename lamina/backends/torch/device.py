"""Where tensors live, and the Parameter that a Variable is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.backends.torch import array, dtensor
from lamina.backends.torch._support import DTYPES, FakeTensor, home, place
from lamina.backends.torch.array import asarray, from_numpy
from lamina.kernel.contract import Placement


def variable(
    value: Any, dtype: str, trainable: bool, placement: Placement | None = None
) -> torch.nn.Parameter:
    if placement is not None:
        own = dtensor.placed(value, dtype, placement, copy=True).detach()
    else:
        own = asarray(value, dtype).detach()
        own = own.clone() if own is value or isinstance(value, Tensor) else own
    can_train = own.dtype.is_floating_point or own.dtype.is_complex
    return torch.nn.Parameter(own, requires_grad=trainable and can_train)


def read(storage: torch.nn.Parameter) -> Tensor:
    return storage


def write(storage: torch.nn.Parameter, value: Tensor) -> torch.nn.Parameter:
    # through .data: the graph of a step under way must not count it as a change of what it saved
    storage.data.copy_(dtensor.like(value, storage))
    return storage


def holds_numbers(x: Any, /) -> bool:
    return not isinstance(x, FakeTensor)


@contextmanager
def device(name: str | None) -> Iterator[None]:
    before = place.device
    place.device = before if name is None else _parse(name)
    try:
        yield
    finally:
        place.device = before


def _parse(name: str) -> torch.device:
    kind, _, index = name.lower().partition(":")
    kind = {"gpu": "cuda"}.get(kind, kind)
    known = devices(None)
    if kind not in ("cpu", "cuda") or f"{kind}:{index or 0}".replace("cuda", "gpu") not in known:
        raise ValueError(f"The torch backend has no device {name!r}. Devices: {', '.join(known)}.")
    return torch.device("cpu") if kind == "cpu" else torch.device(kind, int(index or 0))


def devices(kind: str | None) -> list[str]:
    of_all = dtensor.devices(kind)
    if of_all is not None:
        return of_all
    kind = None if kind is None else {"cuda": "gpu"}.get(kind.lower(), kind.lower())
    names = ["cpu:0"] + [f"gpu:{i}" for i in range(torch.cuda.device_count())]
    return [name for name in names if kind is None or name.startswith(f"{kind}:")]


def put(x: Any, dtype: str | None = None, placement: Placement | None = None, own: bool = False) -> Tensor:
    if placement is not None:
        return dtensor.placed(x, dtype, placement)
    if not isinstance(x, (np.ndarray, np.generic)) or torch.compiler.is_compiling():
        return asarray(x, dtype)
    host = from_numpy(np.asarray(x), None, copy=False)
    target = home(dtype or array.dtype(host))
    if target.type == "cuda":  # only a copy from pinned memory leaves the host free
        host = host.pin_memory().to(target, non_blocking=True)
    return host if dtype is None else host.to(DTYPES[dtype])


def copies_on_host() -> bool:
    return False  # a view of NumPy's memory, or memory of the GPU


def padded_size(rows: int) -> int:
    return rows


def to_default_device(xs: list) -> list:
    return xs


def wait(x: Any) -> None:
    if torch.cuda.is_available():  # on the CPU torch has finished before it returns
        torch.cuda.synchronize()


def seed(value: int) -> None:
    torch.manual_seed(value)


def compile_cache(folder: Any) -> None:
    """torch keeps its programs between runs by itself, in a folder of its own (`TORCHINDUCTOR_CACHE_DIR`)."""
