"""What is computed element by element."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.backends.torch._support import TOP_BIT, WIDE, lift, lower, wide_one, wide_two


def abs(x: Tensor) -> Tensor:
    return x if x.dtype in WIDE else torch.abs(x)


acos = torch.acos
acosh = torch.acosh
add = wide_two(torch.add)
asin = torch.asin
asinh = torch.asinh
atan = torch.atan
atan2 = torch.atan2
atanh = torch.atanh
bitwise_and = torch.bitwise_and
bitwise_invert = wide_one(torch.bitwise_not)
bitwise_left_shift = wide_two(torch.bitwise_left_shift)
bitwise_or = torch.bitwise_or


def bitwise_right_shift(x1: Tensor, x2: Tensor) -> Tensor:
    if x1.dtype is torch.uint64:  # int64 would draw copies of the top bit in from the left
        x1, x2 = x1.to(torch.int64), x2.to(torch.int64)
        drawn_in = torch.where(x2 > 0, (TOP_BIT >> x2) << 1, 0)
        return ((x1 >> x2) & ~drawn_in).to(torch.uint64)
    return _shift_right(x1, x2)


_shift_right = wide_two(torch.bitwise_right_shift)
bitwise_xor = torch.bitwise_xor
ceil = torch.ceil


def clip(x: Tensor, low: Any, high: Any) -> Tensor:
    if low is None and high is None:
        return x
    if x.dtype in WIDE:
        low, high = lift(low, x.dtype, True), lift(high, x.dtype, True)
        return lower(torch.clamp(lift(x, x.dtype, True), low, high), x.dtype, True)
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
floor_divide = wide_two(torch.floor_divide)
greater = wide_two(torch.gt, ordered=True)
greater_equal = wide_two(torch.ge, ordered=True)
hypot = torch.hypot


def imag(x: Tensor) -> Tensor:
    return torch.imag(x) if x.dtype.is_complex else torch.zeros_like(x)


isfinite = torch.isfinite
isinf = torch.isinf
isnan = torch.isnan
less = wide_two(torch.lt, ordered=True)
less_equal = wide_two(torch.le, ordered=True)
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
        return torch.maximum(x1, x2) if x1.dtype not in WIDE else _maximum(x1, x2)
    return clip(x1, x2, None) if isinstance(x1, Tensor) else clip(x2, x1, None)


def minimum(x1: Any, x2: Any) -> Tensor:
    if isinstance(x1, Tensor) and isinstance(x2, Tensor):
        return torch.minimum(x1, x2) if x1.dtype not in WIDE else _minimum(x1, x2)
    return clip(x1, None, x2) if isinstance(x1, Tensor) else clip(x2, None, x1)


_maximum = wide_two(torch.maximum, ordered=True)
_minimum = wide_two(torch.minimum, ordered=True)
multiply = torch.multiply
negative = wide_one(torch.negative)
nextafter = torch.nextafter
not_equal = torch.ne
pow = wide_two(torch.pow)
real = torch.real
remainder = wide_two(torch.remainder)
round = torch.round
rsqrt = torch.rsqrt
sigmoid = torch.sigmoid


def sign(x: Tensor) -> Tensor:
    if x.dtype.is_floating_point:  # torch says that the sign of NaN is 0
        return torch.where(torch.isnan(x), x, torch.sign(x))
    return (x != 0).to(x.dtype) if x.dtype in WIDE else torch.sgn(x)


signbit = torch.signbit
sin = torch.sin
sinh = torch.sinh


def softplus(x: Tensor) -> Tensor:
    return F.softplus(x, 1.0, 40.0)  # torch turns linear at 20, where float64 still has digits to lose


sqrt = torch.sqrt
square = wide_one(torch.square)
subtract = wide_two(torch.subtract)
tan = torch.tan
tanh = torch.tanh
trunc = torch.trunc
where = torch.where
complex = torch.complex
