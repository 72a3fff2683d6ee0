"""What the files here share: dtypes, the place of new tensors, and what torch has no kernels for.

torch has few kernels for uint16, uint32 and uint64: `wide` runs a function in int64 for these, `bits` moves their
elements as signed integers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

_EXTRA = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
_NUMBERS = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
)
DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in (*_NUMBERS.split(), *_EXTRA)}

WIDE = frozenset((torch.uint16, torch.uint32, torch.uint64))
SIGNED = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
    torch.float8_e4m3fn: torch.int8,
    torch.float8_e5m2: torch.int8,
}
INDICES = frozenset((torch.int32, torch.int64))
TOP_BIT = -(2**63)


class _Place(threading.local):
    """The device that new tensors go to in this thread."""

    def __init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


place = _Place()
_CPU = torch.device("cpu")


def home(dtype: str) -> torch.device:
    """The device of a new tensor; uint32 makes seeds, which the host reads at each draw, so they stay there."""
    return _CPU if dtype == "uint32" else place.device


def is_hidden(x: Any) -> bool:
    """Whether the number in x cannot be read here: in a trace, in a mapped function, or where there are shapes only."""
    return isinstance(x, Tensor) and (
        torch.compiler.is_compiling()
        or torch._C._are_functorch_transforms_active()
        or isinstance(x, FakeTensor)
    )


def is_spread(x: Any) -> bool:
    """Whether a tensor lies on several devices: a DTensor, whose class is imported by who makes one."""
    return hasattr(x, "full_tensor")


# what gloo does not send, as what of the same width it does: the bits are moved as they are
_SENT_AS = {
    torch.int16: torch.bfloat16,
    torch.uint16: torch.bfloat16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
    torch.float8_e4m3fn: torch.int8,
    torch.float8_e5m2: torch.int8,
}


def whole(x: Any) -> Any:
    """The tensor itself, or all of one that lies on several devices, for which every process must ask."""
    if not is_spread(x):
        return x
    sent_as = _SENT_AS.get(x.dtype)
    return x.full_tensor() if sent_as is None else x.view(sent_as).full_tensor().view(x.dtype)


def lift(x: Any, dtype: torch.dtype, ordered: bool) -> Any:
    """x in int64; `ordered` turns the top bit of uint64, so that large numbers do not compare as negative."""
    turn = ordered and dtype is torch.uint64
    if not isinstance(x, Tensor):
        return x + TOP_BIT if turn and x is not None else x
    return x.to(torch.int64) ^ TOP_BIT if turn else x.to(torch.int64)


def lower(y: Tensor, dtype: torch.dtype, ordered: bool) -> Tensor:
    if y.dtype is not torch.int64:
        return y  # a comparison, or positions
    return (y ^ TOP_BIT).to(dtype) if ordered and dtype is torch.uint64 else y.to(dtype)


def wide(f: Callable, ordered: bool = False) -> Callable:
    """f(x, ...), done in int64 where torch has no kernels for the dtype of x."""

    @wraps(f)
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.dtype in WIDE:
            lifted = [lift(a, x.dtype, ordered) if isinstance(a, Tensor) else a for a in args]
            return lower(f(lift(x, x.dtype, ordered), *lifted, **kwargs), x.dtype, ordered)
        return f(x, *args, **kwargs)

    return call


def wide_one(f: Callable) -> Callable:
    """`wide` for a function of one tensor, without the cost of passing arguments on."""

    def call(x: Tensor) -> Tensor:
        if x.dtype in WIDE:
            return lower(f(x.to(torch.int64)), x.dtype, False)
        return f(x)

    return call


def wide_two(f: Callable, ordered: bool = False) -> Callable:
    """`wide` for a function of two tensors."""

    def call(x1: Tensor, x2: Any) -> Tensor:
        if x1.dtype in WIDE:
            return lower(
                f(lift(x1, x1.dtype, ordered), lift(x2, x1.dtype, ordered)),
                x1.dtype,
                ordered,
            )
        return f(x1, x2)

    return call


def bits(f: Callable) -> Callable:
    """f(x, ...), which only moves elements, on a view as integers that torch has kernels for."""

    @wraps(f)
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.dtype in SIGNED:
            return f(x.view(SIGNED[x.dtype]), *args, **kwargs).view(x.dtype)
        return f(x, *args, **kwargs)

    return call
