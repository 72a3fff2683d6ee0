"""Cases of arithmetic and of functions of one tensor."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal, positive

NAN, INF = float("nan"), float("inf")
x, y = normal(3, 4), normal(3, 4)
special = np.array([-INF, -1.5, -0.0, 0.0, 1.5, INF, NAN], "float32")
unit = np.array([[-0.9, -0.3], [0.2, 0.7]], "float32")
n, m = integers(3, 4), integers(4, low=1)

CASES = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs))


# -- two tensors -------------------------------------------------------------------------------------------------------

divisor = positive(3, 4) * np.sign(y)
for name in ("add", "subtract", "multiply", "divide", "true_divide", "maximum", "minimum", "fmax", "fmin", "arctan2",
             "hypot", "logaddexp", "logaddexp2", "divide_no_nan", "mod", "fmod"):  # fmt: skip
    add(name, x, divisor)
    add(name, x, divisor[0])  # broadcasting
    add(name, n, m)
    add(name, x, 2)
for name in ("add", "subtract", "divide", "maximum", "fmod"):
    add(name, normal(3, 1), positive(2, 1, 4))
    add(name, 2.5, divisor)
    add(name, normal(0, 3), normal(3))  # nothing
    add(name, np.float32(1.5).reshape(()), divisor)  # a scalar tensor
for name in ("maximum", "minimum", "fmax", "fmin", "add", "hypot", "divide_no_nan", "divide"):
    CASES.append(Case(name, special, special[::-1].copy()).but(gradient=False))
    CASES.append(Case(name, special, np.zeros(7, "float32")).but(gradient=False))
CASES += [
    Case("floor_divide", x, y).but(gradient=False),
    Case("floor_divide", n, m),
    Case("floor_divide", np.array([7, -7, 7, -7], "int32"), np.array([2, 2, -2, -2], "int32")),
    Case("floor_divide", np.array([200, 7], "uint8"), 3),
    Case("mod", np.array([7, -7, 7, -7], "int32"), np.array([3, 3, -3, -3], "int32")),
    Case("fmod", np.array([7, -7, 7, -7], "int32"), np.array([3, 3, -3, -3], "int32")),
    Case("fmod", np.array([7.5, -7.5, 7.5, -7.5], "float32"), np.array([3, 3, -3, -3], "float32")),
    Case("power", positive(3, 4), y),
    Case("power", x, 2),
    Case("power", x, 3.0),
    Case("power", n, 2),
    Case("power", 2.0, x),
    Case("power", np.array([True, False]), np.array([False, False])),
    Case("heaviside", np.array([-1.0, 0.0, 2.0, NAN], "float32"), 0.5).but(gradient=False),
    Case("heaviside", n, m),
    Case("nextafter", x, y).but(gradient=False, rtol=0, atol=0),
    Case("clip", x, -0.5, 0.5),
    Case("clip", x, normal(4) - 2, normal(3, 1) + 2),
    Case("clip", n, -1, 2),
    Case("clip", n, -0.5, 2),
    Case("clip", np.array([True, False]), 0, 1),
    Case("clip", special, -1.0, 1.0).but(gradient=False),
    Case("clip", x, 0.5, -0.5).but(gradient=False),
]

# -- one tensor --------------------------------------------------------------------------------------------------------

ANYWHERE = ["abs", "absolute", "arcsinh", "arctan", "cbrt", "cos", "cosh", "deg2rad", "exp", "exp2", "expm1", "fabs",
            "negative", "rad2deg", "sin", "sinc", "sinh", "square", "tan", "tanh", "nan_to_num", "i0", "angle", "real",
            "imag", "conj", "conjugate", "copy"]  # fmt: skip
FLAT = ["ceil", "floor", "round", "sign", "trunc", "signbit", "isfinite", "isinf", "isnan", "isneginf", "isposinf",
        "isreal", "logical_not"]  # fmt: skip
ABOVE = ["log", "log10", "log1p", "log2", "reciprocal", "sqrt"]
for name in [*ANYWHERE, *FLAT]:
    add(name, x)
    CASES.append(Case(name, special).but(gradient=False, rtol=2e-5))
    add(name, normal(2, 0, 3))
    add(name, np.float32(0.3).reshape(()))
    add(name, 0.7)
    if name not in ("imag",):
        add(name, np.array([0, 1, 3], "int32"))
for name in ABOVE:
    add(name, positive(3, 4))
    CASES.append(Case(name, special).but(gradient=False))
    add(name, normal(0))
    add(name, 3)
    add(name, np.array([1, 4], "uint8"))
for name in ("arcsin", "arccos", "arctanh"):
    add(name, unit)
    CASES.append(Case(name, np.array([-1.0, 1.0, 2.0, NAN], "float32")).but(gradient=False))
    add(name, np.array([True, False]))
add("arccosh", positive(3) + 1)
CASES.append(Case("arccosh", special).but(gradient=False))
add("tan", np.array([0.1, 1.5], "float32"))
CASES += [
    Case("round", np.array([0.5, 1.5, -2.5, 123.456], "float32"), 0).but(gradient=False),
    Case("round", np.array([0.55, 1.25, 123.456], "float32"), decimals=1).but(gradient=False),
    Case("round", np.array([123.456, 155.0], "float32"), -1).but(gradient=False),
    Case("round", np.array([125, 155], "int32"), -1),
    Case("cbrt", np.array([-8.0, 0.0, 27.0, 1e-20, 1e20], "float32")).but(gradient=False),
    Case("cbrt", np.array([0.0, 1.0], "float32")).but(gradient=False),
    Case("i0", np.array([0.0, 1.0, 8.0, 19.0, 25.0, 80.0], "float32")),
    Case("nan_to_num", special, nan=1.0, posinf=2.0, neginf=-3.0).but(gradient=False),
    Case("nan_to_num", special.astype("float16")),
    Case("sinc", np.array([0.0, 0.5, 1.0], "float32")).but(atol=1e-6),
    Case("exp", np.array([1 + 2j, -1j], "complex64")),
    Case("square", np.array([True, False])),
    Case("abs", np.array([-128, 5], "int8")),
    Case("abs", np.array([3 + 4j], "complex64")),
    Case("sign", np.array([3, 0, -2], "int8")),
    Case("sign", np.array([3, 0], "uint8")),
    Case("angle", np.array([1 + 1j, -1j, -1], "complex64")),
    Case("real", np.array([1 + 2j], "complex64")),
    Case("imag", np.array([1 + 2j], "complex64")),
    Case("conj", np.array([1 + 2j], "complex64")),
    Case("isreal", np.array([1 + 2j, 3], "complex64")),
    Case("isnan", np.array([complex(NAN, 0), 3], "complex64")),
    Case("imag", np.array([1, 2], "int32")),
]

# -- comparisons and truth ---------------------------------------------------------------------------------------------

for name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "logical_and", "logical_or",
             "logical_xor"):  # fmt: skip
    add(name, integers(3, 4, high=-2), integers(4, high=-2))
    add(name, special, special[::-1].copy())
    add(name, n, 0.5)
    add(name, np.array([True, False]), np.array([[True], [False]]))
    add(name, normal(0, 2), 1.0)
    add(name, 2, n)
CASES += [
    Case("isclose", x, x + np.float32(1e-6)),
    Case("isclose", special, special),
    Case("isclose", special, special, equal_nan=True),
    Case("isclose", np.array([1.0, 1.1], "float32"), np.array([1.0, 1.0], "float32"), rtol=0.2),
    Case("isclose", n, n),
    Case("isclose", n, 1),
    Case("allclose", x, x),
    Case("allclose", x, y, rtol=0.0, atol=100.0),
    Case("allclose", special, special),
    Case("allclose", normal(0), normal(0)),
    Case("isin", n, np.array([1, 2, -3], "int32")),
    Case("isin", n, np.array([1, 2], "int32"), invert=True),
    Case("isin", x, np.zeros((0,), "float32")),
    Case("isin", np.float32(1).reshape(()), np.ones((2, 2), "float32"), assume_unique=True),
]

# -- bits --------------------------------------------------------------------------------------------------------------

for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    add(name, n, m)
    add(name, np.array([True, False]), np.array([[True], [False]]))
    add(name, np.array([200, 7], "uint8"), 5)
    add(name, np.array([200, 7], "uint8"), np.array([-1, 3], "int8"))
for name in ("bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift"):
    add(name, n, np.array([0, 1, 2, 3], "int32"))
    add(name, np.array([1, -128, 100], "int8"), np.array([1, 1, 2], "int8"))
    add(name, np.array([200, 7], "uint8"), 2)
    add(name, np.array([True, False]), np.array([True, True]))
for name in ("bitwise_invert", "bitwise_not"):
    add(name, n)
    add(name, np.array([0, 255], "uint8"))
    add(name, np.array([True, False]))
for name in ("gcd", "lcm"):
    add(name, np.array([12, 0, -4, 7, 0], "int32"), np.array([18, 5, 6, 13, 0], "int32"))
    add(name, np.array([[12], [9]], "uint8"), np.array([18, 5, 6], "uint8"))
    add(name, np.array([12, 4], "int16"), 6)
CASES += [
    Case("ldexp", normal(3), np.array([3, -1, 0], "int32")),
    Case("ldexp", np.array([1.5, 1e-30], "float32"), np.array([200, 130], "int32")).but(gradient=False),
    Case("ldexp", np.array([2, 3], "int32"), np.array([[3], [1]], "int8")),
    Case("ldexp", normal(2), 3),
]
