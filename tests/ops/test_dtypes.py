"""Result dtypes equal Keras's for all pairs of input dtypes, by the shape interpreter and on each backend."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from collections.abc import Callable
from typing import Any

import pytest
from test_ops import NAMES, NARROW, flat

import lamina.ops
from lamina import backends
from lamina.kernel import dtypes, shapes
from lamina.kernel.context import interpreter
from lamina.kernel.shapes.spec import Spec

DTYPES = ("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "bfloat16", "float32")
SCALARS = (True, 1, 1.5)

ONE = {
    name: lambda f, a: f(a)
    for name in [
        "abs",
        "absolute",
        "all",
        "amax",
        "amin",
        "angle",
        "any",
        "arccos",
        "arccosh",
        "arcsin",
        "arcsinh",
        "arctan",
        "arctanh",
        "argmax",
        "argmin",
        "argsort",
        "average",
        "bitwise_invert",
        "bitwise_not",
        "cbrt",
        "ceil",
        "conj",
        "copy",
        "corrcoef",
        "cos",
        "cosh",
        "count_nonzero",
        "cumprod",
        "cumsum",
        "deg2rad",
        "diag",
        "diff",
        "exp",
        "exp2",
        "expm1",
        "fabs",
        "flip",
        "floor",
        "histogram",
        "i0",
        "imag",
        "isfinite",
        "isinf",
        "isnan",
        "isneginf",
        "isposinf",
        "isreal",
        "log",
        "log10",
        "log1p",
        "log2",
        "logical_not",
        "max",
        "mean",
        "median",
        "min",
        "nan_to_num",
        "nanargmax",
        "nanargmin",
        "nancumprod",
        "nancumsum",
        "nanmax",
        "nanmean",
        "nanmedian",
        "nanmin",
        "nanprod",
        "nanstd",
        "nansum",
        "nanvar",
        "negative",
        "ones_like",
        "prod",
        "ptp",
        "rad2deg",
        "real",
        "reciprocal",
        "round",
        "sign",
        "signbit",
        "sin",
        "sinc",
        "sinh",
        "sort",
        "sqrt",
        "square",
        "std",
        "sum",
        "tan",
        "tanh",
        "trace",
        "transpose",
        "trapezoid",
        "tril",
        "trunc",
        "var",
        "zeros_like",
    ]
}
TWO = {
    name: lambda f, a, b: f(a, b)
    for name in [
        "add",
        "append",
        "arctan2",
        "divide",
        "divide_no_nan",
        "dot",
        "equal",
        "floor_divide",
        "fmax",
        "fmin",
        "fmod",
        "greater",
        "heaviside",
        "hypot",
        "inner",
        "isclose",
        "isin",
        "kron",
        "logaddexp",
        "logaddexp2",
        "logical_and",
        "maximum",
        "minimum",
        "mod",
        "multiply",
        "nextafter",
        "not_equal",
        "outer",
        "power",
        "subtract",
        "true_divide",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "bitwise_left_shift",
        "bitwise_right_shift",
        "left_shift",
        "right_shift",
        "linspace",
        "logspace",
        "geomspace",
        "gcd",
        "lcm",
        "ldexp",
    ]
}
PAIRS = {
    "matmul": lambda f, a, b: f(a, b),
    "vdot": lambda f, a, b: f(a, b),
    "cross": lambda f, a, b: f(a, b),
    "tensordot": lambda f, a, b: f(a, b, 1),
    "correlate": lambda f, a, b: f(a[0], b[0]),
    "einsum": lambda f, a, b: f("ij,jk->ik", a, b),
    "concatenate": lambda f, a, b: f([a, b]),
    "stack": lambda f, a, b: f([a, b]),
    "vstack": lambda f, a, b: f([a, b]),
    "digitize": lambda f, a, b: f(a, b[0]),
    "searchsorted": lambda f, a, b: f(a[0], b[0]),
    "full_like": lambda f, a, b: f(a, b[0, 0]),
    "average": lambda f, a, b: f(a, weights=b, axis=0),
}
WITH_FLAGS = {
    "where": lambda f, c, a, b: f(c, a, b),
    "clip": lambda f, c, a, b: f(a, b, b),
}


def combinations(name: str) -> list[tuple[Any, ...]]:
    if name in ONE:
        return [(a,) for a in DTYPES]
    scalars = () if name in PAIRS else SCALARS
    return [(a, b) for a in DTYPES for b in (*DTYPES, *scalars)]


def keras_dtype(name: str, call: Callable, dtypes_: tuple[Any, ...]) -> str | None:
    """The dtype of Keras's first result, by tracing; None where Keras refuses."""
    import jax
    import keras

    specs = [jax.ShapeDtypeStruct((3, 3), d) if isinstance(d, str) else d for d in dtypes_]
    tensors = [s for s in specs if not isinstance(s, bool | int | float)]

    def program(*given: Any) -> Any:
        rest = iter(given)
        args = [next(rest) if not isinstance(s, bool | int | float) else s for s in specs]
        if name in WITH_FLAGS:
            args.insert(0, jax.numpy.ones((3, 3), bool))
        return flat(call(getattr(keras.ops, name), *args))[0]

    try:
        return jax.eval_shape(program, *tensors).dtype.name
    except (TypeError, ValueError, NotImplementedError):
        return None


def lamina_dtype(k: Any, name: str, call: Callable, dtypes_: tuple[Any, ...]) -> str:
    def tensor(d: str) -> Any:
        return Spec((3, 3), d) if k.abstract else k.ones((3, 3), d)

    with interpreter(k):
        args = [tensor(d) if isinstance(d, str) else d for d in dtypes_]
        if name in WITH_FLAGS:
            args.insert(0, tensor("bool"))
        return k.dtype(flat(call(getattr(lamina.ops, name), *args))[0])


CALLS = {**ONE, **TWO, **PAIRS, **WITH_FLAGS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_dtypes_are_those_of_keras(name: str) -> None:
    call, wrong = CALLS[name], []
    kernels = [shapes, *[backends.load(n) for n in NAMES if n != "jax"]]
    for given in combinations(name):
        right = keras_dtype(name, call, given)
        if right is None:
            continue
        for k in kernels:
            try:
                found = lamina_dtype(k, name, call, given)
            except Exception as error:
                found = f"{type(error).__name__}: {str(error)[:80]}"
            if NARROW.get(found, found) != right:
                wrong.append((k.name, *given, "gives", found, "not", right))
    assert not wrong, f"{len(wrong)} wrong: {wrong[:6]}"


def test_lattice_is_that_of_keras() -> None:
    import keras

    every = (*DTYPES, "int64", "uint64", "float64", bool, int, float)
    for a in every:
        for b in every:
            right = keras.backend.result_type(a, b)
            found = dtypes.result_type(a, b)
            assert NARROW.get(found, found) == NARROW.get(right, right)
