"""The special functions that NumPy lacks, computed for whole arrays."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev

_SPLIT = 1.0  # below: the odd series of erf; above: the scaled complement, which does not cancel
_SCALE = 3.75  # maps [_SPLIT, infinity) to a short interval, t = (x - _SCALE) / (x + _SCALE)
_END = 27.0  # erfc is zero in float64 beyond


def erf(x: Any) -> Any:
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""
    size = np.abs(x)
    near = np.minimum(size, x.dtype.type(_SPLIT))
    inner = near * _horner(_near_zero(), near * near)
    return np.copysign(np.where(size <= _SPLIT, inner, 1 - _erfc_tail(size)), x).astype(x.dtype)


def erfinv(x: Any) -> Any:
    """The y with erf(y) = x, by Halley's method on a closed approximation (Winitzki 2008)."""
    size = np.abs(x).astype(np.float64)
    rest = np.log1p(-size * size)
    term = 2 / (math.pi * 0.147) + rest / 2
    y = np.sqrt(np.sqrt(term * term - rest / 0.147) - term)
    for _ in range(3):
        # the error of the complement where erf is near one, because 1 - x is exact there
        error = np.where(y <= _SPLIT, erf(y) - size, (1 - size) - _erfc_tail(y))
        newton = error * (math.sqrt(math.pi) / 2) * np.exp(y * y)
        y = y - newton / (1 + y * newton)
    y = np.where(size == 1, np.inf, np.where(size > 1, np.nan, y))
    return np.copysign(y, x).astype(x.dtype)


def lgamma(x: Any) -> Any:
    """log |gamma(x)|: Stirling's series above 10, the recurrence below, the reflection for x < 1/2."""
    values = np.asarray(x, np.float64)
    mirrored = np.where(values < 0.5, 1 - values, values)
    result = _lgamma_positive(mirrored)
    # the distance to the nearest integer keeps the sine accurate for large negative x
    sine = np.abs(np.sin(math.pi * (values - np.round(values))))
    result = np.where(values < 0.5, math.log(math.pi) - np.log(sine) - result, result)
    return np.where(np.isinf(values), np.inf, result).astype(x.dtype)


def _lgamma_positive(x: Any) -> Any:
    shifted, factor = x, np.ones_like(x)
    for _ in range(10):
        small = shifted < 10
        factor = np.where(small, factor * shifted, factor)
        shifted = np.where(small, shifted + 1, shifted)
    # Bernoulli numbers B_2k / (2k (2k - 1)), k = 7 ... 1
    series = (1 / 156, -691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12)
    inverse = 1 / shifted
    stirling = (shifted - 0.5) * np.log(shifted) - shifted + math.log(2 * math.pi) / 2
    return stirling + inverse * _horner(series, inverse * inverse) - np.log(factor)


def _erfc_tail(x: Any) -> Any:
    """1 - erf(x) for x >= _SPLIT, to relative precision."""
    x = np.clip(x, x.dtype.type(_SPLIT), x.dtype.type(_END))
    scaled = _horner(_far(), (x - _SCALE) / (x + _SCALE)) / (1 + 2 * x)
    return np.exp(-x * x) * scaled


def _horner(coefficients: Any, x: Any) -> Any:
    result = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        result = result * x + x.dtype.type(c)
    return result


@cache
def _near_zero() -> tuple[float, ...]:
    """erf(sqrt(s)) / sqrt(s) for 0 <= s <= _SPLIT^2: its Taylor series, highest power first."""
    terms = [2 / math.sqrt(math.pi) * (-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(20)]
    return tuple(terms[::-1])


@cache
def _far() -> tuple[float, ...]:
    """(1 + 2x) exp(x^2) erfc(x) as a polynomial in t, fitted to the values of the standard library."""
    low = (_SPLIT - _SCALE) / (_SPLIT + _SCALE)

    def sample(t: Any) -> Any:
        points = [_SCALE * (1 + s) / (1 - s) for s in t]
        return np.array([(1 + 2 * p) * _erfcx(p) for p in points])

    high = (_END - _SCALE) / (_END + _SCALE)
    fit = Chebyshev.interpolate(sample, 24, domain=[low, high])
    return tuple(fit.convert(kind=np.polynomial.Polynomial).coef[::-1])


def _erfcx(x: float) -> float:
    """exp(x^2) erfc(x) for x >= _SPLIT; by a continued fraction where exp would overflow or round."""
    fraction = x
    for n in range(400, 0, -1):
        fraction = x + n / 2 / fraction
    return 1 / (fraction * math.sqrt(math.pi))
