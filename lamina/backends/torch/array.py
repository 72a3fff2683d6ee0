"""Looking at tensors and making them."""

from __future__ import annotations

import builtins as py
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch import Tensor

from lamina.backends.torch._support import DTYPES, WIDE, bits, home, whole

_NAMES = {value: name for name, value in DTYPES.items()}
_DEFAULT = {"float64": "float32", "int64": "int32", "complex128": "complex64"}
_HOST_BITS = {
    torch.bfloat16: np.uint16,
    torch.float8_e4m3fn: np.uint8,
    torch.float8_e5m2: np.uint8,
}

# Inspection


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Tensor) -> str:
    return _NAMES[x.dtype]


def shape(x: Tensor) -> tuple:
    return tuple(x.shape)


def asarray(x: Any, dtype: str | None = None) -> Tensor:
    if isinstance(x, Tensor):
        return x if dtype is None else astype(x, dtype)
    if isinstance(x, (bool, int, float, py.complex)):
        name = dtype or _of_python(x)
        return torch.full((), x, dtype=DTYPES[name], device=home(name))
    if isinstance(x, (list, tuple)) and _holds_tensor(x):
        return torch.stack([asarray(element, dtype) for element in x])
    if torch.compiler.is_compiling():
        return _traced(x, dtype)
    return from_numpy(_host_array(x, dtype), dtype, copy=True)


def _of_python(x: Any) -> str:
    if isinstance(x, bool):
        return "bool"
    return "int32" if isinstance(x, int) else "float32" if isinstance(x, float) else "complex64"


def _holds_tensor(x: Any) -> bool:
    return isinstance(x, Tensor) or (
        isinstance(x, (list, tuple)) and py.any(_holds_tensor(element) for element in x)
    )


def _traced(x: Any, dtype: str | None) -> Tensor:
    """x as a constant of a traced program, where NumPy arrays are tensors that only look like arrays."""
    made = torch.as_tensor(x, device=home(dtype or ""))
    if dtype is None and isinstance(x, (list, tuple)):
        dtype = _DEFAULT.get(_NAMES[made.dtype])
    return made if dtype is None else astype(made, dtype)


def _host_array(x: Any, dtype: str | None) -> np.ndarray:
    """NumPy's reading of x; 64 bits appear only where somebody asked for them."""
    array = np.asarray(x)
    if dtype is None and not isinstance(x, (np.ndarray, np.generic)):
        return array.astype(_DEFAULT.get(array.dtype.name, array.dtype), copy=False)
    return array


def from_numpy(array: np.ndarray, dtype: str | None, copy: bool) -> Tensor:
    """A tensor with the numbers of an array, in memory of its own or, where that works, in the array's."""
    name = array.dtype.name  # a property of NumPy's that takes a microsecond
    if name not in DTYPES:
        raise TypeError(
            f"The torch backend has no dtype {name!r}. Received: an array of shape {array.shape}. "
            "Convert it to numbers first."
        )
    if not array.flags.writeable or py.any(step < 0 for step in array.strides):
        array, copy = np.array(array), False  # torch can look at neither
    carrier = _HOST_BITS.get(own := DTYPES[name])
    host = torch.from_numpy(array) if carrier is None else torch.from_numpy(array.view(carrier)).view(own)
    target = torch.device("cpu") if copy is False else home(dtype or name)
    moved = host.to(device=target, dtype=DTYPES[dtype] if dtype else own)
    return moved.clone() if copy and moved is host else moved


def to_numpy(x: Tensor, view: bool = False) -> np.ndarray:
    if type(x) is np.ndarray:  # of a user's layer that works with NumPy
        return x
    carrier = _HOST_BITS.get(x.dtype)
    if carrier is not None:
        bits = to_numpy(x.view(getattr(torch, carrier.__name__)), view)
        return bits.view(getattr(ml_dtypes, _NAMES[x.dtype]))
    x = whole(x)
    array = x.numpy(force=True)
    # variables change in place: an array that shares their memory would change with them
    return array.copy() if x.device.type == "cpu" and not view else array


def astype(x: Tensor, dtype: str) -> Tensor:
    target = DTYPES[dtype]
    if x.dtype.is_complex and not target.is_complex:
        x = torch.real(x) if target is not torch.bool else x != 0
    return x.to(target)


def bitcast(x: Tensor, dtype: str) -> Tensor:
    return x.contiguous().view(DTYPES[dtype])


copy = torch.clone


# Creation


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Tensor:
    target = DTYPES[dtype]
    drawn = torch.int64 if target in WIDE or target is torch.bool else target
    return torch.arange(start, stop, step, dtype=drawn, device=home(dtype)).to(target)


def eye(rows: int, columns: int, k: int, dtype: str) -> Tensor:
    device = home(dtype)
    diagonal = torch.arange(rows, device=device).unsqueeze(1) + k
    return (diagonal == torch.arange(columns, device=device)).to(DTYPES[dtype])


def full(shape: Sequence[int], value: Any, dtype: str) -> Tensor:
    if isinstance(value, (Tensor, np.ndarray)):
        return asarray(value, dtype).expand(tuple(shape)).clone()
    return torch.full(shape, value, dtype=DTYPES[dtype], device=home(dtype))


def linspace(start: Tensor, stop: Tensor, num: int, endpoint: bool, dtype: str) -> Tensor:
    if not start.dtype.is_floating_point and not start.dtype.is_complex:
        start, stop = start.to(torch.float64), stop.to(torch.float64)
    start, stop = torch.broadcast_tensors(start, stop)
    steps = torch.arange(num, dtype=start.dtype, device=start.device) / py.max(
        num - 1 if endpoint else num, 1
    )
    points = start + steps.reshape(-1, *[1] * start.ndim) * (stop - start)
    if endpoint and num > 1:  # the last point is `stop`, not what the arithmetic leaves of it
        points = torch.cat([points[:-1], stop.unsqueeze(0)])
    target = DTYPES[dtype]
    exact = target.is_floating_point or target.is_complex
    return points.to(target) if exact else torch.floor(points).to(target)


def meshgrid(*arrays: Tensor, indexing: str) -> list[Tensor]:
    return list(torch.meshgrid(*arrays, indexing=indexing))


def ones(shape: Sequence[int], dtype: str) -> Tensor:
    return torch.ones(shape, dtype=DTYPES[dtype], device=home(dtype))


def zeros(shape: Sequence[int], dtype: str) -> Tensor:
    return torch.zeros(shape, dtype=DTYPES[dtype], device=home(dtype))


@bits
def tril(x: Tensor, k: int) -> Tensor:
    return torch.tril(x, k)


@bits
def triu(x: Tensor, k: int) -> Tensor:
    return torch.triu(x, k)
