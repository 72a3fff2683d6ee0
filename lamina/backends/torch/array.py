"""Looking at tensors, making them, and what is computed entry by entry, along axes, or by position.

Where torch's own function means what the contract says, it is the binding. torch has few kernels for uint16, uint32
and uint64: `_wide` runs a function in int64 for these, `_bits` moves their entries as signed integers.
"""

from __future__ import annotations

import builtins as py
import math
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import ml_dtypes
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

_EXTRA = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
_NUMBERS = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
)
DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in (*_NUMBERS.split(), *_EXTRA)}
_NAMES = {value: name for name, value in DTYPES.items()}
_DEFAULT = {"float64": "float32", "int64": "int32", "complex128": "complex64"}
_HOST_BITS = {
    torch.bfloat16: np.uint16,
    torch.float8_e4m3fn: np.uint8,
    torch.float8_e5m2: np.uint8,
}

_WIDE = frozenset((torch.uint16, torch.uint32, torch.uint64))
_SIGNED = {
    torch.uint16: torch.int16,
    torch.uint32: torch.int32,
    torch.uint64: torch.int64,
    torch.float8_e4m3fn: torch.int8,
    torch.float8_e5m2: torch.int8,
}
_INDICES = frozenset((torch.int32, torch.int64))
_TOP_BIT = -(2**63)


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


def _lift(x: Any, dtype: torch.dtype, ordered: bool) -> Any:
    """x in int64; `ordered` turns the top bit of uint64, so that large numbers do not compare as negative."""
    turn = ordered and dtype is torch.uint64
    if not isinstance(x, Tensor):
        return x + _TOP_BIT if turn and x is not None else x
    return x.to(torch.int64) ^ _TOP_BIT if turn else x.to(torch.int64)


def _lower(y: Tensor, dtype: torch.dtype, ordered: bool) -> Tensor:
    if y.dtype is not torch.int64:
        return y  # a comparison, or positions
    return (y ^ _TOP_BIT).to(dtype) if ordered and dtype is torch.uint64 else y.to(dtype)


def _wide(f: Callable, ordered: bool = False) -> Callable:
    """f(x, ...), done in int64 where torch has no kernels for the dtype of x."""

    @wraps(f)
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.dtype in _WIDE:
            lifted = [_lift(a, x.dtype, ordered) if isinstance(a, Tensor) else a for a in args]
            return _lower(f(_lift(x, x.dtype, ordered), *lifted, **kwargs), x.dtype, ordered)
        return f(x, *args, **kwargs)

    return call


def _wide_one(f: Callable) -> Callable:
    """`_wide` for a function of one tensor, without the cost of passing arguments on."""

    def call(x: Tensor) -> Tensor:
        if x.dtype in _WIDE:
            return _lower(f(x.to(torch.int64)), x.dtype, False)
        return f(x)

    return call


def _wide_two(f: Callable, ordered: bool = False) -> Callable:
    """`_wide` for a function of two tensors."""

    def call(x1: Tensor, x2: Any) -> Tensor:
        if x1.dtype in _WIDE:
            return _lower(
                f(_lift(x1, x1.dtype, ordered), _lift(x2, x1.dtype, ordered)),
                x1.dtype,
                ordered,
            )
        return f(x1, x2)

    return call


def _bits(f: Callable) -> Callable:
    """f(x, ...), which only moves entries, on a view as integers that torch has kernels for."""

    @wraps(f)
    def call(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if x.dtype in _SIGNED:
            return f(x.view(_SIGNED[x.dtype]), *args, **kwargs).view(x.dtype)
        return f(x, *args, **kwargs)

    return call


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
        return torch.stack([asarray(entry, dtype) for entry in x])
    if torch.compiler.is_compiling():
        return _traced(x, dtype)
    return from_numpy(_host_array(x, dtype), dtype, copy=True)


def _of_python(x: Any) -> str:
    if isinstance(x, bool):
        return "bool"
    return "int32" if isinstance(x, int) else "float32" if isinstance(x, float) else "complex64"


def _holds_tensor(x: Any) -> bool:
    return isinstance(x, Tensor) or (
        isinstance(x, (list, tuple)) and py.any(_holds_tensor(entry) for entry in x)
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
    if array.dtype.name not in DTYPES:
        raise TypeError(
            f"The torch backend has no dtype {array.dtype.name!r}. Received: an array of shape {array.shape}. "
            "Convert it to numbers first."
        )
    if not array.flags.writeable or py.any(step < 0 for step in array.strides):
        array, copy = np.array(array), False  # torch can look at neither
    bits = _HOST_BITS.get(own := DTYPES[array.dtype.name])
    host = torch.from_numpy(array) if bits is None else torch.from_numpy(array.view(bits)).view(own)
    target = torch.device("cpu") if copy is False else home(dtype or array.dtype.name)
    moved = host.to(device=target, dtype=DTYPES[dtype] if dtype else own)
    return moved.clone() if copy and moved is host else moved


def to_numpy(x: Tensor) -> np.ndarray:
    bits = _HOST_BITS.get(x.dtype)
    if bits is not None:
        return to_numpy(x.view(getattr(torch, bits.__name__))).view(getattr(ml_dtypes, _NAMES[x.dtype]))
    array = x.numpy(force=True)
    # variables change in place: an array that shares their memory would change with them
    return array.copy() if x.device == _CPU else array


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
    drawn = torch.int64 if target in _WIDE or target is torch.bool else target
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


@_bits
def tril(x: Tensor, k: int) -> Tensor:
    return torch.tril(x, k)


@_bits
def triu(x: Tensor, k: int) -> Tensor:
    return torch.triu(x, k)


# Elementwise


def abs(x: Tensor) -> Tensor:
    return x if x.dtype in _WIDE else torch.abs(x)


acos = torch.acos
acosh = torch.acosh
add = _wide_two(torch.add)
asin = torch.asin
asinh = torch.asinh
atan = torch.atan
atan2 = torch.atan2
atanh = torch.atanh
bitwise_and = torch.bitwise_and
bitwise_invert = _wide_one(torch.bitwise_not)
bitwise_left_shift = _wide_two(torch.bitwise_left_shift)
bitwise_or = torch.bitwise_or


def bitwise_right_shift(x1: Tensor, x2: Tensor) -> Tensor:
    if x1.dtype is torch.uint64:  # int64 would draw copies of the top bit in from the left
        x1, x2 = x1.to(torch.int64), x2.to(torch.int64)
        drawn_in = torch.where(x2 > 0, (_TOP_BIT >> x2) << 1, 0)
        return ((x1 >> x2) & ~drawn_in).to(torch.uint64)
    return _shift_right(x1, x2)


_shift_right = _wide_two(torch.bitwise_right_shift)
bitwise_xor = torch.bitwise_xor
ceil = torch.ceil


def clip(x: Tensor, low: Any, high: Any) -> Tensor:
    if low is None and high is None:
        return x
    if x.dtype in _WIDE:
        low, high = _lift(low, x.dtype, True), _lift(high, x.dtype, True)
        return _lower(torch.clamp(_lift(x, x.dtype, True), low, high), x.dtype, True)
    if isinstance(low, Tensor) is not isinstance(high, Tensor):  # torch takes two tensors or two numbers
        x = x if low is None else maximum(x, low)
        return x if high is None else minimum(x, high)
    return torch.clamp(x, low, high)


conj = torch.conj_physical
copysign = torch.copysign
cos = torch.cos
cosh = torch.cosh
divide = torch.divide
equal = torch.eq
erf = torch.erf
erfinv = torch.erfinv
exp = torch.exp
expm1 = torch.expm1
floor = torch.floor
floor_divide = _wide_two(torch.floor_divide)
greater = _wide_two(torch.gt, ordered=True)
greater_equal = _wide_two(torch.ge, ordered=True)
hypot = torch.hypot


def imag(x: Tensor) -> Tensor:
    return torch.imag(x) if x.dtype.is_complex else torch.zeros_like(x)


isfinite = torch.isfinite
isinf = torch.isinf
isnan = torch.isnan
less = _wide_two(torch.lt, ordered=True)
less_equal = _wide_two(torch.le, ordered=True)
lgamma = torch.lgamma
log = torch.log
log10 = torch.log10
log1p = torch.log1p
log2 = torch.log2
logaddexp = torch.logaddexp
logical_and = torch.logical_and
logical_not = torch.logical_not
logical_or = torch.logical_or
logical_xor = torch.logical_xor


def maximum(x1: Any, x2: Any) -> Tensor:
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        return torch.maximum(x1, x2) if x1.dtype not in _WIDE else _maximum(x1, x2)
    return clip(x1, x2, None) if isinstance(x1, Tensor) else clip(x2, x1, None)


def minimum(x1: Any, x2: Any) -> Tensor:
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        return torch.minimum(x1, x2) if x1.dtype not in _WIDE else _minimum(x1, x2)
    return clip(x1, None, x2) if isinstance(x1, Tensor) else clip(x2, None, x1)


_maximum = _wide_two(torch.maximum, ordered=True)
_minimum = _wide_two(torch.minimum, ordered=True)
multiply = torch.multiply
negative = _wide_one(torch.negative)
nextafter = torch.nextafter
not_equal = torch.ne
pow = _wide_two(torch.pow)
real = torch.real
remainder = _wide_two(torch.remainder)
round = torch.round
rsqrt = torch.rsqrt
sigmoid = torch.sigmoid


def sign(x: Tensor) -> Tensor:
    if x.dtype.is_floating_point:  # torch says that the sign of NaN is 0
        return torch.where(torch.isnan(x), x, torch.sign(x))
    return (x != 0).to(x.dtype) if x.dtype in _WIDE else torch.sgn(x)


signbit = torch.signbit
sin = torch.sin
sinh = torch.sinh


def softplus(x: Tensor) -> Tensor:
    return F.softplus(x, 1.0, 40.0)  # torch turns linear at 20, where float64 still has digits to lose


sqrt = torch.sqrt
square = _wide_one(torch.square)
subtract = _wide_two(torch.subtract)
tan = torch.tan
tanh = torch.tanh
trunc = torch.trunc
where = torch.where
complex = torch.complex

# Reduction


def _reduction(f: Callable, ordered: bool = False) -> Callable:
    """f(x, axis, keepdims) for the wide dtypes, too, and for no axes (which torch takes for all of them)."""

    def reduce(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        if axis == ():
            return reduce(x.unsqueeze(-1), -1, False)
        if x.dtype in _WIDE:
            return _lower(f(_lift(x, x.dtype, ordered), axis, keepdims), x.dtype, ordered)
        return f(x, axis, keepdims)

    return reduce


def _sum(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    if x.dtype.is_floating_point:
        return torch.sum(x, axis, keepdims)
    return torch.sum(x, axis, keepdims, dtype=x.dtype)  # torch would widen integers to int64


def _prod(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    if axis is None:
        axis = tuple(range(x.ndim))
    elif isinstance(axis, int):
        axis = (axis,)
    for place in sorted([a % x.ndim for a in axis], reverse=True):  # torch takes one axis at a time
        x = torch.prod(x, place, keepdims, dtype=x.dtype)
    return x


def _logsumexp(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdims)


def _var(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """Written out, because torch's own takes ten times as long over several axes; half precision is summed wide there."""
    if x.dtype not in (torch.float32, torch.float64):
        return torch.var(x, axis, correction=0, keepdim=keepdims)
    centred = x - torch.mean(x, axis, True)
    return torch.mean(centred * centred, axis, keepdims)


all = _reduction(torch.all)
any = _reduction(torch.any)


def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return torch.argmax(_comparable(x), axis, keepdims).to(torch.int32)


def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return torch.argmin(_comparable(x), axis, keepdims).to(torch.int32)


def _comparable(x: Tensor) -> Tensor:
    """x, or integers in the same order where torch does not search the dtype."""
    return _lift(x, x.dtype, True) if x.dtype in _WIDE or x.dtype is torch.bool else x


logsumexp = _reduction(_logsumexp)
max = _reduction(torch.amax, ordered=True)
mean = _reduction(torch.mean)
min = _reduction(torch.amin, ordered=True)
prod = _reduction(_prod)
sum = _reduction(_sum)
var = _reduction(_var)


@_wide
def cumulative_prod(x: Tensor, axis: int) -> Tensor:
    return torch.cumprod(x, axis, dtype=x.dtype)


@_wide
def cumulative_sum(x: Tensor, axis: int) -> Tensor:
    return torch.cumsum(x, axis, dtype=x.dtype)


def cumulative_max(x: Tensor, axis: int) -> Tensor:
    return _lower(torch.cummax(_comparable(x), axis)[0], x.dtype, True)


# Ordering


def argsort(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    return torch.sort(x, dim=axis, descending=descending, stable=True)[1].to(torch.int32)


def sort(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    return torch.sort(x, dim=axis, descending=descending)[0]


def searchsorted(sorted: Tensor, values: Tensor, side: str) -> Tensor:
    return torch.searchsorted(_comparable(sorted), _comparable(values), side=side, out_int32=True)


def top_k(x: Tensor, k: int, sorted: bool) -> tuple[Tensor, Tensor]:
    # torch.topk takes equals in any order, the contract's other readings the first ones: with equals, sort
    values, order = torch.topk(_comparable(x), py.min(k + 1, x.shape[-1]))
    if is_hidden(x) or bool((values[..., 1:] == values[..., :-1]).any()):
        order = torch.sort(x, descending=True, stable=True)[1]
    order = order[..., :k]
    return take_along_axis(x, order, -1), order.to(torch.int32)


def nonzero(x: Tensor, size: int | None = None) -> tuple[Tensor, ...]:
    x = x != 0
    places = torch.nonzero(x) if size is None else torch.nonzero_static(x, size=size, fill_value=0)
    return places.to(torch.int32).unbind(1)


def unique(x: Tensor, size: int | None = None, fill: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # torch.unique gives no first indices, keeps every NaN apart, and cannot promise a size
    ordered, order = torch.sort(x, stable=True)
    is_new = (ordered[1:] != ordered[:-1]) & ~(_is_nan(ordered[1:]) & _is_nan(ordered[:-1]))
    group = F.pad(torch.cumsum(is_new, 0), (1, 0))[: x.shape[0]]
    inverse = torch.empty_like(order).scatter(0, order, group)
    if size is None:
        size = int(group[-1]) + 1 if x.shape[0] else 0
    groups = torch.arange(size, device=x.device)
    first = torch.searchsorted(group, groups)
    counts = torch.searchsorted(group, groups, right=True) - first
    first = torch.where(counts > 0, first, 0)
    values = take(ordered, first, 0)
    if fill is not None:
        values = torch.where(counts > 0, values, full((), fill, dtype(x)))
    return (
        values,
        order[first].to(torch.int32),
        inverse.to(torch.int32),
        counts.to(torch.int32),
    )


def _is_nan(x: Tensor) -> Tensor:
    return (
        torch.isnan(x)
        if x.dtype.is_floating_point or x.dtype.is_complex
        else torch.zeros_like(x, dtype=torch.bool)
    )


# Manipulation

broadcast_to = torch.broadcast_to


concat = torch.cat


def expand_dims(x: Tensor, axis: Any) -> Tensor:
    if isinstance(axis, int):
        return torch.unsqueeze(x, axis)
    for place in sorted([a % (x.ndim + len(axis)) for a in axis]):
        x = torch.unsqueeze(x, place)
    return x


@_bits
def flip(x: Tensor, axis: Any) -> Tensor:
    return torch.flip(
        x,
        tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis,
    )


def getitem(x: Tensor, key: Any) -> Tensor:
    entries = key if type(key) is tuple else (key,)
    for entry in entries:
        if type(entry) not in _PLAIN and not _is_forward(entry):
            break
    else:
        return x[key]
    if py.any(_is_backward(k) for k in entries):
        x, entries = _mirrored(x, entries)
    return x[tuple([_index(k) for k in entries])]


_PLAIN = frozenset((int, bool, type(None), type(Ellipsis)))


def _is_forward(k: Any) -> bool:
    return type(k) is py.slice and not _is_backward(k)


def _is_backward(k: Any) -> bool:
    return isinstance(k, py.slice) and isinstance(k.step, int) and k.step < 0


def _index(k: Any) -> Any:
    """One entry of a key as torch reads it: torch takes uint8 for a mask, and not every integer dtype."""
    if isinstance(k, (list, np.ndarray, np.generic)):
        k = asarray(k)
    if isinstance(k, Tensor) and k.dtype is not torch.bool and k.dtype not in _INDICES:
        return k.to(torch.int64)
    return k


def _mirrored(x: Tensor, key: tuple) -> tuple[Tensor, tuple]:
    """x flipped where a slice runs backwards, and the key that reads it forwards: torch has no negative steps."""
    new, axis = [], 0
    rest = x.ndim - py.sum(_spanned(k) for k in key if k is not Ellipsis)
    for k in key:
        if _is_backward(k):
            run = range(*k.indices(x.shape[axis]))
            x = flip(x, axis)
            first = x.shape[axis] - 1 - run.start
            k = py.slice(first, first + (len(run) - 1) * -k.step + 1, -k.step) if run else py.slice(0, 0)
        axis += rest if k is Ellipsis else _spanned(k)
        new.append(k)
    return x, tuple(new)


def _spanned(k: Any) -> int:
    """How many axes an entry of a key is about."""
    if k is None or isinstance(k, bool):
        return 0
    is_mask = getattr(k, "dtype", None) in (torch.bool, np.dtype("bool"))
    return k.ndim if is_mask else 1


def pad(x: Tensor, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Tensor:
    if mode != "constant":
        return _pad_from_inside(x, widths, mode)
    flat = [width for pair in reversed(widths) for width in pair]
    if isinstance(value, Tensor):
        inside = F.pad(torch.ones_like(x, dtype=torch.bool), flat)
        return torch.where(inside, F.pad(x, flat), value)
    return F.pad(x, flat, value=0 if value is None else value)


def _pad_from_inside(x: Tensor, widths: Sequence[tuple[int, int]], mode: str) -> Tensor:
    for axis, (low, high) in enumerate(widths):
        if low or high:  # torch reflects the last axes only, and once
            n = x.shape[axis]
            places = torch.arange(-low, n + high, device=x.device)
            x = select(x, axis, _fold(places, n, mode))
    return x


def _fold(places: Tensor, n: int, mode: str) -> Tensor:
    """Positions outside 0..n-1 folded back inside."""
    if mode == "edge":
        return torch.clamp(places, 0, n - 1)
    period = py.max(2 * (n - 1), 1) if mode == "reflect" else 2 * n
    turned = torch.remainder(places, period)
    return torch.minimum(turned, (period if mode == "reflect" else period - 1) - turned)


permute_dims = torch.permute


def repeat(x: Tensor, repeats: Any, axis: int, total: int | None = None) -> Tensor:
    if not isinstance(repeats, (int, Tensor)):
        repeats = torch.as_tensor(np.asarray(repeats), device=x.device)
    if isinstance(repeats, Tensor):
        repeats = repeats.to(torch.int64).expand(x.shape[axis])
    return torch.repeat_interleave(x, repeats, axis, output_size=total)


reshape = torch.reshape


def roll(x: Tensor, shift: Any, axis: Any) -> Tensor:
    if isinstance(shift, Tensor):  # torch wants numbers: reading them would stop a trace
        return _roll_by_tensor(x, shift, axis)
    if axis is None:
        return torch.roll(x, shift)
    shifts = (shift,) if isinstance(shift, int) else tuple(shift)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return torch.roll(
        x,
        shifts * (len(axes) if len(shifts) == 1 else 1),
        axes * (len(shifts) if len(axes) == 1 else 1),
    )


def _roll_by_tensor(x: Tensor, shift: Tensor, axis: Any) -> Tensor:
    if axis is None:
        return _roll_by_tensor(x.reshape(-1), shift, 0).reshape(x.shape)
    axes = (axis,) if isinstance(axis, int) else axis
    for a, by in zip(axes, shift.expand(len(axes)), strict=True):
        places = torch.arange(x.shape[a], device=x.device) - by
        x = take(x, torch.remainder(places, x.shape[a]), a)
    return x


def squeeze(x: Tensor, axis: Any) -> Tensor:
    return torch.squeeze(x) if axis is None else torch.squeeze(x, axis)


stack = torch.stack
tile = torch.tile


def unstack(x: Tensor, axis: int) -> list[Tensor]:
    return list(torch.unbind(x, axis))


def diagonal(x: Tensor, offset: int, axis1: int, axis2: int) -> Tensor:
    return torch.diagonal(x, offset, axis1, axis2)


def split(x: Tensor, sections: Sequence[int], axis: int) -> list[Tensor]:
    return list(torch.tensor_split(x, tuple(sections), axis))


# Indexing


def _positions(indices: Tensor, n: int) -> Tensor:
    """Indices, negative ones counted from the end."""
    return torch.where(indices < 0, indices + n, indices)


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    indices = _positions(indices, x.shape[axis])
    if indices.ndim == 1:
        return select(x, axis, indices)
    rows = select(
        x, axis, indices.reshape(-1)
    )  # its gradient is several times faster than that of x[indices]
    return _unflatten(rows, axis % x.ndim, tuple(indices.shape))


@_bits
def select(x: Tensor, axis: int, places: Tensor) -> Tensor:
    """x at these places of an axis, all of them counted from the start."""
    return torch.index_select(x, axis, places)


def _unflatten(x: Tensor, axis: int, sizes: tuple) -> Tensor:
    return x.reshape(*x.shape[:axis], *sizes, *x.shape[axis + 1 :])


@_bits
def take_along_axis(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    return torch.take_along_dim(x, _positions(indices, x.shape[axis]).to(torch.int64), axis)


_SCATTER = {
    "max": "amax",
    "min": "amin",
    "multiply": "prod",
    "prod": "prod",
    "add": "sum",
    "sum": "sum",
}


def scatter(x: Tensor, indices: Tensor, updates: Tensor, reduce: str) -> Tensor:
    depth = indices.shape[1]
    rows = torch.zeros_like(indices[:, 0], dtype=torch.int64)
    for axis in range(depth):
        rows = rows * x.shape[axis] + _positions(indices[:, axis], x.shape[axis])
    flat = x.reshape(math.prod(x.shape[:depth]), *x.shape[depth:])
    updates = updates.expand(rows.shape[0], *x.shape[depth:])
    return _scatter_rows(flat, rows, updates, reduce).reshape(x.shape)


def _scatter_rows(x: Tensor, rows: Tensor, updates: Tensor, reduce: str) -> Tensor:
    """A copy of x with x[rows[i]] set to, or combined with, updates[i]."""
    if reduce == "set":
        if x.dtype in _SIGNED:
            signed = _SIGNED[x.dtype]
            return x.view(signed).index_copy(0, rows, updates.view(signed)).view(x.dtype)
        return x.index_copy(0, rows, updates)
    if x.dtype in _WIDE or x.dtype is torch.bool:
        ordered = reduce in ("max", "min")
        lifted = _lift(x, x.dtype, ordered), rows, _lift(updates, x.dtype, ordered)
        return _lower(_scatter_rows(*lifted, reduce), x.dtype, ordered)
    if reduce in ("add", "sum"):
        return x.index_add(0, rows, updates)
    places = rows.reshape(-1, *[1] * (x.ndim - 1)).expand(updates.shape)
    return x.scatter_reduce(0, places, updates, _SCATTER[reduce])


def slice(x: Tensor, starts: Any, sizes: Sequence[int]) -> Tensor:
    starts = _starts(x, starts, sizes)
    if not isinstance(starts[0] if starts else 0, Tensor):
        return x[tuple([py.slice(s, s + n) for s, n in zip(starts, sizes, strict=True)])]
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size != x.shape[axis]:
            x = take(x, start + torch.arange(size, device=x.device), axis)
    return x


def slice_update(x: Tensor, starts: Any, updates: Tensor) -> Tensor:
    starts = _starts(x, starts, updates.shape)
    result = x.clone()
    if not isinstance(starts[0] if starts else 0, Tensor):
        result[tuple([py.slice(s, s + n) for s, n in zip(starts, updates.shape, strict=True)])] = updates
        return result
    grid = torch.meshgrid(*[torch.arange(n, device=x.device) for n in updates.shape], indexing="ij")
    rows = torch.stack([(g + s).reshape(-1) for g, s in zip(grid, starts, strict=True)], 1)
    return scatter(x, rows, updates.reshape(-1), "set")


def _starts(x: Tensor, starts: Any, sizes: Sequence[int]) -> list:
    """Where the block begins on each axis, moved inside: all integers, or all tensors (then nothing is read)."""
    room = [n - size for n, size in zip(x.shape, sizes, strict=True)]
    if isinstance(starts, Tensor) or py.any(isinstance(s, Tensor) for s in starts):
        device = x.device
        return [torch.as_tensor(s, device=device).clamp(0, r) for s, r in zip(starts, room, strict=True)]
    return [py.min(py.max(int(s), 0), r) for s, r in zip(starts, room, strict=True)]


def segment(x: Tensor, ids: Tensor, num: int, reduce: str) -> Tensor:
    start = torch.full(
        (num + 1, *x.shape[1:]),
        _identity(reduce, x.dtype),
        dtype=x.dtype,
        device=x.device,
    )
    rows = torch.where((ids < 0) | (ids >= num), num, ids).to(
        torch.int64
    )  # the last row collects what is dropped
    return _scatter_rows(start, rows, x, reduce)[:num]


def _identity(reduce: str, dtype: torch.dtype) -> Any:
    """What an empty segment holds: the value that changes nothing."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    return lowest(dtype) if reduce == "max" else highest(dtype)


def lowest(dtype: torch.dtype) -> Any:
    """The least value of a dtype."""
    if dtype.is_floating_point:
        return -math.inf
    return False if dtype is torch.bool else torch.iinfo(dtype).min


def highest(dtype: torch.dtype) -> Any:
    """The greatest value of a dtype."""
    if dtype.is_floating_point:
        return math.inf
    return True if dtype is torch.bool else torch.iinfo(dtype).max


def one_hot(x: Tensor, depth: int, axis: int, dtype: str) -> Tensor:
    hot = torch.unsqueeze(x, axis)
    sizes = [1] * hot.ndim
    sizes[axis] = depth
    places = torch.arange(depth, device=x.device).reshape(sizes)
    return (hot == places.to(x.dtype)).to(DTYPES[dtype])
