"""Cases for every function of the kernel's contract: what to call it with.

A case runs on any backend. NumPy arrays in the arguments become that backend's tensors; `run` cases get the
backend and a converter and do as they like. The result is a tree of tensors, compared with NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
import optree


@dataclass
class Case:
    name: str
    label: str
    run: Callable[[Any, Callable], Any]
    rtol: float = 2e-5
    atol: float = 2e-6
    floats: list = field(default_factory=list)  # float arguments, for gradients

    @property
    def id(self) -> str:
        return f"{self.name}-{self.label}" if self.label else self.name


CASES: list[Case] = []
GRADIENTS: list[Case] = []  # those of CASES whose derivative is compared, too


def case(
    name: str,
    *args: Any,
    label: str = "",
    grad: bool = False,
    rtol: float = 2e-5,
    atol: float = 2e-6,
    **kwargs: Any,
):
    def run(k: Any, to: Callable) -> Any:
        a, kw = optree.tree_map(
            lambda x: to(x) if isinstance(x, (np.ndarray, np.generic)) else x, (args, kwargs)
        )
        return getattr(k, name)(*a, **kw)

    made = Case(name, label, run, rtol, atol)
    CASES.append(made)
    if grad:
        GRADIENTS.append(made)


def custom(
    name: str, label: str = "", rtol: float = 2e-5, atol: float = 2e-6, grad: bool = False
) -> Callable:
    def add(run: Callable) -> Callable:
        CASES.append(Case(name, label, run, rtol, atol))
        if grad:
            GRADIENTS.append(CASES[-1])
        return run

    return add


def normal(
    *shape: int, dtype: Any = "float32", scale: float = 1.0, shift: float = 0.0, seed: int = 0
) -> np.ndarray:
    return (np.random.default_rng([seed, *shape]).standard_normal(shape) * scale + shift).astype(dtype)


def between(low: float, high: float, *shape: int, dtype: Any = "float32", seed: int = 1) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape).astype(dtype)


def whole(low: int, high: int, *shape: int, dtype: Any = "int32", seed: int = 2) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).integers(low, high, shape).astype(dtype)


def bools(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).random(shape) < 0.5


def unlike(*shape: int, dtype: Any = "float32", seed: int = 4) -> np.ndarray:
    """Entries that all differ, so that maxima and orders are unique."""
    size = int(np.prod(shape))
    return (np.random.default_rng([seed, *shape]).permutation(size).reshape(shape) / size * 4 - 2).astype(
        dtype
    )


BF16 = np.dtype(ml_dtypes.bfloat16)
HALVES = (np.dtype("float16"), BF16)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5], "float32")


# Inspection
case("is_tensor", normal(2))
case("is_tensor", 3.0, label="no")
case("dtype", normal(2))
case("dtype", whole(0, 2, 2, dtype="uint8"), label="uint8")
case("dtype", normal(2, dtype=BF16), label="bfloat16")
case("shape", normal(2, 3))
case("shape", np.float32(1).reshape(()), label="scalar")
for value, label in (
    (1.5, "float"),
    (2, "int"),
    (True, "bool"),
    ([[1, 2], [3, 4]], "list"),
    ([1.0, 2], "floats"),
    (1 + 2j, "complex"),
):
    custom("asarray", label)(lambda k, to, value=value: k.asarray(value))
custom("asarray", "dtype")(lambda k, to: k.asarray([1, 2], "float32"))
custom("asarray", "bfloat16")(lambda k, to: k.asarray([1, 2.5], "bfloat16"))
custom("asarray", "numpy")(lambda k, to: k.asarray(whole(0, 9, 3, dtype="uint8")))
custom("asarray", "numpy_dtype")(lambda k, to: k.asarray(whole(0, 9, 3), "float16"))
custom("asarray", "tensor")(lambda k, to: k.asarray(to(normal(3)), "float32"))
custom("to_numpy")(lambda k, to: k.to_numpy(to(normal(3))) * 2)
custom("to_numpy", "bfloat16")(lambda k, to: k.to_numpy(to(normal(3, dtype=BF16))))
case("astype", np.array([1.7, -1.7, 0.0], "float32"), "int32", label="truncates")
case("astype", np.array([1.7, -1.7, 0.0], "float32"), "bool", label="bool")
case("astype", bools(4), "float32", label="from_bool")
case("astype", normal(4), "bfloat16", label="bfloat16")
case("astype", normal(4), "float8_e4m3fn", label="float8")
case("astype", normal(4), "complex64", label="complex")
case("astype", whole(-5, 5, 4), "uint8", label="wraps")
case("bitcast", normal(2, 3), "int32")
case("bitcast", normal(2, 3), "uint8", label="narrower")
case("bitcast", whole(0, 99, 2, 4, dtype="uint16"), "uint32", label="wider")
case("copy", normal(2, 3))

# Creation
case("arange", 0, 5, 1, "int32")
case("arange", 1.0, 2.1, 0.25, "float32", label="float")
case("arange", 5, 0, -2, "float32", label="down")
case("eye", 3, 4, 1, "float32")
case("eye", 3, 3, -1, "int32", label="int")
case("full", (2, 3), 1.5, "float32")
case("full", (), 2, "int32", label="scalar")
case("full", (2,), True, "bool", label="bool")
case("linspace", np.float32(0).reshape(()), np.float32(1).reshape(()), 5, True, "float32")
case("linspace", normal(2), normal(2, seed=1), 4, False, "float32", label="open")
case("meshgrid", normal(2), normal(3), indexing="xy")
case("meshgrid", normal(2), normal(3), normal(4), indexing="ij", label="ij")
case("ones", (2, 3), "float16")
case("zeros", (2, 0), "int32")
case("tril", normal(2, 3, 4), 1)
case("triu", normal(3, 3), -1)
case("tril", bools(3, 3), 0, label="bool")

# Elementwise: functions by the values they take
FREE = "abs asinh atan ceil conj cos erf exp expm1 floor isfinite isinf isnan negative real imag round sigmoid sign "
FREE += "signbit sin sinh cosh softplus square tan tanh trunc"
DOMAIN = {
    "acos": (-0.9, 0.9), "acosh": (1.1, 4), "asin": (-0.9, 0.9), "atanh": (-0.9, 0.9), "erfinv": (-0.95, 0.95),
    "lgamma": (0.1, 6), "log": (0.1, 4), "log10": (0.1, 4), "log1p": (-0.5, 4), "log2": (0.1, 4),
    "rsqrt": (0.1, 4), "sqrt": (0.1, 4),
}  # fmt: skip
FLAT = [
    "ceil",
    "floor",
    "isfinite",
    "isinf",
    "isnan",
    "round",
    "sign",
    "signbit",
    "trunc",
    "real",
    "imag",
    "conj",
]  # no useful derivative
for name in FREE.split():
    case(name, normal(3, 4, scale=2), grad=name not in FLAT)
    case(name, SPECIAL, label="special")
    for half in HALVES:
        case(name, normal(3, 4, dtype=half), label=str(half), rtol=2e-2, atol=1e-2)
for name, (low, high) in DOMAIN.items():
    case(name, between(low, high, 3, 4), grad=True)
    case(name, SPECIAL, label="special")
    for half in HALVES:
        case(name, between(low, high, 3, 4, dtype=half), label=str(half), rtol=2e-2, atol=2e-2)
case("lgamma", np.array([-0.5, -1.5, -2.3, 30.5, 1e5], "float32"), label="far")
case("erf", np.linspace(-5, 5, 41, dtype="float32"), label="range")
case("sigmoid", np.array([-80, -30, 0, 30, 80], "float32"), label="ends")
case("softplus", np.array([-80, -30, 0, 30, 80], "float32"), label="ends")
case("round", np.array([0.5, 1.5, 2.5, -0.5], "float32"), label="even")
for name in ["abs", "negative", "sign", "square", "conj", "real"]:
    case(name, whole(-5, 5, 3, 4), label="int")
for name in [
    "abs",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "square",
    "negative",
    "conj",
    "real",
    "imag",
    "sinh",
    "cosh",
]:
    case(
        name,
        (normal(3, 4) + 1j * normal(3, 4, seed=9)).astype("complex64"),
        label="complex",
        rtol=1e-4,
        atol=1e-5,
    )
case("isnan", whole(0, 3, 4), label="int")

X, Y = normal(3, 4), normal(4, seed=5)
PAIRS = "add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp maximum "
PAIRS += "minimum multiply nextafter not_equal remainder subtract"
SMOOTH = ["add", "atan2", "divide", "hypot", "logaddexp", "maximum", "minimum", "multiply", "subtract"]
for name in PAIRS.split():
    case(name, X, Y, grad=name in SMOOTH)
    case(name, SPECIAL[:, None], SPECIAL, label="special")
    for half in HALVES:
        case(name, X.astype(half), Y.astype(half), label=str(half), rtol=2e-2, atol=2e-2)
for name in [
    "add",
    "equal",
    "floor_divide",
    "greater",
    "less",
    "maximum",
    "minimum",
    "multiply",
    "remainder",
    "subtract",
    "not_equal",
]:
    case(name, whole(-9, 9, 3, 4), whole(1, 5, 4) * np.array([1, -1, 1, -1], "int32"), label="int")
for name in [
    "add",
    "multiply",
    "equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
]:
    case(name, bools(3, 4), bools(4), label="bool")
case("logical_not", bools(3, 4))
for name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    case(name, whole(-9, 9, 3, 4), whole(0, 9, 4), label="int")
case("bitwise_invert", whole(-9, 9, 4))
case("bitwise_invert", bools(4), label="bool")
case("bitwise_left_shift", whole(-9, 9, 4), whole(0, 4, 4))
case("bitwise_right_shift", whole(-99, 99, 4), whole(0, 4, 4))
case("bitwise_right_shift", whole(0, 255, 4, dtype="uint8"), whole(0, 4, 4, dtype="uint8"), label="uint8")
case("pow", between(0.2, 2, 3, 4), normal(4), grad=True)
case("pow", normal(3, 4), 2, label="scalar", grad=True)
case("pow", normal(3, 4), 3.0, label="float_scalar")
case("pow", whole(-3, 4, 4), whole(0, 4, 4), label="int")
case("pow", normal(3, dtype=BF16), 2.0, label="bfloat16", rtol=2e-2)
case("clip", X, -0.5, 0.5, grad=True)
case("clip", X, None, 0.5, label="above")
case("clip", X, 0.0, None, label="below")
case("clip", X, Y - 1, Y, label="tensors")
case("clip", whole(-9, 9, 5), -2, 3, label="int")
case("clip", normal(5, dtype=BF16), -0.5, 0.5, label="bfloat16")
case("maximum", X, 0.0, label="scalar", grad=True)
case("maximum", whole(-3, 3, 4), 0, label="int_scalar")
case("minimum", X, 0.0, label="scalar")
case("maximum", normal(5, dtype=BF16), 0.0, label="bfloat16_scalar")
case("where", bools(3, 4), X, Y, grad=True)
case("where", bools(3, 4), X, 0.0, label="scalar")
case("where", bools(3, 1), 1.0, Y, label="scalar_first")
case("where", bools(5), normal(5, dtype=BF16), 0.0, label="bfloat16")
case("where", bools(3), whole(0, 4, 3), 7, label="int")
case("complex", X, X + 1)
case("real", (X + 2j).astype("complex64"), label="complex_input")

# Reduction
for name in ["max", "mean", "min", "prod", "sum", "var", "logsumexp"]:
    for axis, keepdims in ((None, False), (-1, True), (0, False), ((0, 2), False)):
        case(name, unlike(3, 4, 2), axis, keepdims, label=f"{axis}-{keepdims}", grad=True)
    for half in HALVES:
        case(name, between(0.5, 1, 3, 4, dtype=half), -1, label=str(half), rtol=2e-2, atol=1e-2)
for name in ["max", "min", "sum", "prod"]:
    case(name, whole(-5, 5, 3, 4), 1, label="int")
    case(name, whole(0, 3, 3, 4, dtype="uint8"), 1, label="uint8")
case("sum", np.ones((4, 3000), BF16), -1, label="long_bfloat16", rtol=2e-2)
case("logsumexp", np.array([[-np.inf, -np.inf], [0, 1000]], "float32"), 1, label="ends")
case("max", np.array([1, np.nan, 2], "float32"), label="nan")
case("mean", (X + 2j).astype("complex64"), 0, label="complex")
case("var", (X + 2j * X).astype("complex64"), 0, label="complex")
for name in ["all", "any"]:
    for axis, keepdims in ((None, False), (1, True), ((0, 1), False)):
        case(name, bools(2, 3, 2), axis=axis, keepdims=keepdims, label=f"{axis}-{keepdims}")
for name in ["argmax", "argmin"]:
    case(name, unlike(3, 4))
    case(name, unlike(3, 4), 1, True, label="keepdims")
    case(name, whole(0, 3, 5, 6), -1, label="ties")
    case(name, normal(3, 4, dtype=BF16), 0, label="bfloat16")
for name in ["cumulative_sum", "cumulative_prod", "cumulative_max"]:
    case(name, unlike(3, 4), 1, grad=True)
    case(name, whole(-3, 4, 3, 4), -2, label="int")
case("cumulative_sum", normal(3, 4, dtype=BF16), 0, label="bfloat16", rtol=2e-2, atol=2e-2)

# Ordering
for descending in (False, True):
    case("argsort", whole(0, 4, 5, 9), -1, descending, label=f"stable-{descending}")
    case("sort", unlike(5, 6), 0, descending, label=f"{descending}", grad=True)
case("sort", SPECIAL, -1, label="nan")
case("sort", bools(7), -1, label="bool")
case("searchsorted", np.sort(normal(9)), normal(2, 5, seed=8), "left")
case("searchsorted", np.array([1, 2, 2, 3], "int32"), np.array([2, 0, 4], "int32"), "right", label="ties")
case("top_k", unlike(4, 9), 3, True)
case("top_k", whole(0, 3, 4, 9), 3, True, label="ties")
custom("top_k", "unsorted")(lambda k, to: k.sort(k.top_k(to(unlike(4, 9)), 3, False)[0], -1))
custom("top_k", "grad", grad=True)(lambda k, to: k.top_k(to(unlike(4, 9)), 3, True)[0])
case("nonzero", whole(0, 2, 3, 4))
case("nonzero", bools(3, 4), 20, label="padded")
case("nonzero", bools(3, 4), 2, label="cut")
case("unique", whole(0, 5, 12))
case("unique", whole(0, 5, 12), 8, 99, label="filled")
case("unique", whole(0, 5, 12), 8, label="padded")

# Manipulation
case("broadcast_to", normal(3, 1), (2, 3, 4), grad=True)
case("concat", [normal(2, 3), normal(2, 1)], 1)
case("concat", [whole(0, 3, 2), whole(0, 3, 3)], -1, label="int")
case("expand_dims", normal(2, 3), 1)
case("expand_dims", normal(2, 3), (0, -1), label="two")
case("flip", normal(2, 3), None)
case("flip", normal(2, 3), 1, label="one", grad=True)
case("flip", normal(2, 3, 4), (0, -1), label="two")
KEYS = {
    "int": 1, "slice": slice(1, None), "step": slice(None, None, 2), "negative": slice(None, None, -1),
    "ellipsis": (..., 0), "new": (slice(None), None, 1), "mixed": (0, ..., None, slice(1, 3)), "minus": (-1, -2),
}  # fmt: skip
for label, key in KEYS.items():
    custom("getitem", label, grad=True)(lambda k, to, key=key: k.getitem(to(normal(3, 4, 5)), key))
custom("getitem", "tensor", grad=True)(lambda k, to: k.getitem(to(normal(3, 4)), to(whole(0, 3, 2, 2))))
custom("getitem", "tensors")(
    lambda k, to: k.getitem(to(normal(3, 4)), (to(whole(0, 3, 5)), to(whole(0, 3, 5))))
)
custom("getitem", "tensor_slice")(
    lambda k, to: k.getitem(to(normal(3, 4)), (slice(0, 2), to(whole(0, 3, 5))))
)
custom("getitem", "minus_tensor")(lambda k, to: k.getitem(to(normal(3, 4)), to(np.array([-1, 0], "int32"))))
custom("getitem", "bool")(lambda k, to: k.getitem(to(normal(3, 4)), to(np.array([True, False, True]))))
case("pad", normal(2, 3), [(1, 0), (2, 1)], "constant", 0.0, grad=True)
case("pad", normal(2, 3), [(1, 0), (2, 1)], "constant", 1.5, label="value")
for mode in ("reflect", "symmetric", "edge"):
    case("pad", normal(4, 3), [(1, 2), (2, 1)], mode, None, label=mode)
    case("pad", normal(2, 5, 4, 3), [(0, 0), (1, 2), (2, 1), (0, 0)], mode, None, label=f"{mode}-4d")
case("pad", whole(0, 9, 3), [(1, 1)], "constant", 7, label="int")
case("pad", bools(3), [(1, 1)], "constant", False, label="bool")
case("permute_dims", normal(2, 3, 4), (2, 0, 1), grad=True)
case("repeat", normal(2, 3), 2, 1)
case("repeat", normal(2, 3), whole(0, 4, 3), 1, label="each", total=int(whole(0, 4, 3).sum()))
case("reshape", normal(2, 6), (3, -1))
case("reshape", normal(1), (), label="scalar")
case("roll", normal(2, 3), 1, 1)
case("roll", normal(2, 3), -2, None, label="flat")
case("roll", normal(2, 3), (1, 2), (0, 1), label="two")
case("squeeze", normal(1, 3, 1), None)
case("squeeze", normal(1, 3, 1), 0, label="one")
case("squeeze", normal(1, 3, 1), (0, 2), label="two")
case("stack", [normal(2, 3), normal(2, 3, seed=1)], 0)
case("stack", [normal(2, 3), normal(2, 3, seed=1)], -1, label="last")
case("tile", normal(2, 3), (2, 1))
case("unstack", normal(2, 3), 1)
case("diagonal", normal(3, 4, 5), 1, 0, 2)
case("diagonal", normal(3, 4), -1, 0, 1, label="below", grad=True)
case("split", normal(2, 7), [2, 5], 1)
case("split", normal(6, 2), [3], 0, label="halves")

# Indexing
case("take", normal(4, 3), whole(-4, 4, 2, 2), 0, grad=True)
case("take", normal(4, 3, 2), whole(0, 3, 5), 1, label="middle")
case("take", normal(4, 3), np.int32(2).reshape(()), -1, label="scalar")
case("take_along_axis", normal(4, 3), whole(0, 4, 2, 3), 0, grad=True)
case("take_along_axis", normal(4, 3), whole(0, 3, 1, 2), 1, label="broadcast")
PLACES = np.array([[0, 1], [2, 0], [1, 2]], "int32")
for reduce in ("set", "add", "max", "min", "multiply"):
    case(
        "scatter",
        normal(3, 4),
        PLACES,
        normal(3, seed=7),
        reduce,
        label=reduce,
        grad=reduce in ("set", "add"),
    )
    case(
        "scatter",
        normal(4, 3),
        np.array([[3], [1]], "int32"),
        normal(2, 3, seed=7),
        reduce,
        label=f"{reduce}-rows",
    )
TWICE = np.array([[1], [1], [0]], "int32")
for reduce in ("add", "max", "min", "multiply"):
    case("scatter", normal(4, 3), TWICE, normal(3, 3, seed=7), reduce, label=f"{reduce}-twice")
case("scatter", whole(0, 9, 4), TWICE, whole(0, 9, 3), "add", label="int")
case("slice", normal(4, 5), (1, 2), (2, 3), grad=True)
case("slice", normal(4, 5), (3, -2), (2, 3), label="clamped")
case("slice", normal(4, 5), (np.int32(1).reshape(()), 0), (2, 3), label="tensor")
case("slice_update", normal(4, 5), (1, 2), normal(2, 3, seed=1), grad=True)
case("slice_update", normal(4, 5), (np.int32(3).reshape(()), 0), normal(2, 3, seed=1), label="clamped")
IDS = np.array([0, 2, -1, 2, 5, 0], "int32")
for reduce in ("sum", "max", "min", "prod"):
    case("segment", unlike(6, 3), IDS, 4, reduce, label=reduce)
for reduce in ("sum", "max", "min"):
    case(
        "segment",
        unlike(6, 3),
        np.array([0, 1, 1, 2, -1, 0], "int32"),
        3,
        reduce,
        label=f"{reduce}-full",
        grad=True,
    )
case("segment", whole(0, 9, 6), IDS, 4, "max", label="int")
case("one_hot", np.array([0, 2, 5, -1], "int32"), 4, -1, "float32")
case("one_hot", whole(0, 4, 2, 3), 4, 1, "int32", label="middle")
case("one_hot", whole(0, 4, 2, 3), 4, 0, "bool", label="first")


# Linear
def spd(*batch: int) -> np.ndarray:
    a = normal(*batch, 3, 3, dtype="float64")
    return (a @ np.swapaxes(a, -1, -2) + 2 * np.eye(3)).astype("float32")


MATRIX = {"grad": True, "rtol": 1e-4, "atol": 1e-5}
for left, right in (
    ((2, 3), (3, 4)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((5, 2, 3), (3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
):
    case("matmul", normal(*left), normal(*right, seed=1), label=f"{left}-{right}", **MATRIX)
case("matmul", whole(-5, 5, 2, 3), whole(-5, 5, 3, 2), label="int")
case("matmul", normal(2, 3, dtype=BF16), normal(3, 2, dtype=BF16), label="bfloat16", rtol=2e-2, atol=2e-2)
case("tensordot", normal(2, 3, 4), normal(3, 4, 5), 2, **MATRIX)
case("tensordot", normal(2, 3, 4), normal(4, 5, 3), ([1, 2], [2, 0]), label="lists", **MATRIX)
for equation, *shapes in (
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
    ("ii->i", (3, 3)),
    ("ij->", (2, 3)),
    ("i,j,k->ijk", (2,), (3,), (2,)),
):
    case("einsum", equation, *[normal(*s, seed=i) for i, s in enumerate(shapes)], label=equation, **MATRIX)
LINALG = {"rtol": 1e-4, "atol": 1e-4}
case("cholesky", spd(), False, **LINALG)
case("cholesky", spd(2), True, label="upper", **LINALG)
case("det", spd(2), **LINALG)
case("inv", spd(2), **LINALG, grad=True)
case("solve", spd(2), normal(2, 3, 2), **LINALG, grad=True)
case("slogdet", spd(2), **LINALG)
case("slogdet", -spd(), label="negative", **LINALG)
case("solve_triangular", spd(2), normal(2, 3, 2), True, **LINALG)
case("solve_triangular", spd(), normal(3, 2), False, label="upper", **LINALG)
case("lstsq", normal(5, 3), normal(5, 2), None, **LINALG)
case("lstsq", normal(5, 3), normal(5), 1e-5, label="vector", **LINALG)
case("lu_factor", normal(2, 4, 4), **LINALG)
custom("eigh", **LINALG)(lambda k, to: k.eigh(to(spd(2)))[0])


@custom("eigh", "product", **LINALG)
def _(k: Any, to: Callable) -> Any:
    values, vectors = k.eigh(to(spd()))
    return k.matmul(vectors * values, k.permute_dims(vectors, (1, 0)))


@custom("eig", **LINALG)
def _(k: Any, to: Callable) -> Any:
    values, vectors = k.eig(to(normal(3, 3)))
    return k.dtype(values), k.matmul(k.astype(to(normal(3, 3)), "complex64"), vectors) - vectors * values


for mode in ("reduced", "complete"):

    @custom("qr", mode, **LINALG)
    def _(k: Any, to: Callable, mode: str = mode) -> Any:
        q, r = k.qr(to(normal(4, 3)), mode)
        return k.matmul(q, r), k.abs(q) if mode == "reduced" else k.shape(q), k.abs(r)


for full in (True, False):

    @custom("svd", f"{full}", **LINALG)
    def _(k: Any, to: Callable, full: bool = full) -> Any:
        u, s, vh = k.svd(to(normal(2, 4, 3)), full)
        return s, k.matmul(u[..., :, :3] * s[..., None, :], vh), k.shape(u), k.shape(vh)


# Fourier
Z = (normal(3, 8) + 1j * normal(3, 8, seed=1)).astype("complex64")
case("fft", Z, rtol=1e-4, atol=1e-5)
case("ifft", Z, rtol=1e-4, atol=1e-5)
case("rfft", normal(3, 8), 8, rtol=1e-4, atol=1e-5)
case("rfft", normal(3, 8), 6, label="cut", rtol=1e-4, atol=1e-5)
case("rfft", normal(3, 8), 11, label="padded", rtol=1e-4, atol=1e-5)
case("irfft", Z[:, :5].copy(), 8, rtol=1e-4, atol=1e-5)
case("irfft", Z[:, :5].copy(), 7, label="odd", rtol=1e-4, atol=1e-5)

# Neural: (label, x, kernel, strides, padding, dilation, groups)
CONVS = [
    ("1d", (2, 9, 3), (3, 3, 4), (1,), [(1, 1)], (1,), 1),
    ("1d-stride", (2, 9, 3), (3, 3, 4), (2,), [(0, 1)], (1,), 1),
    ("1d-causal", (2, 9, 3), (3, 3, 4), (1,), [(4, 0)], (2,), 1),
    ("2d", (2, 8, 7, 3), (3, 3, 3, 5), (1, 1), [(1, 1), (1, 1)], (1, 1), 1),
    ("2d-valid", (2, 8, 7, 3), (2, 3, 3, 5), (1, 1), [(0, 0), (0, 0)], (1, 1), 1),
    ("2d-stride", (2, 8, 7, 3), (3, 3, 3, 5), (2, 3), [(0, 1), (1, 1)], (1, 1), 1),
    ("2d-dilated", (2, 9, 9, 3), (3, 3, 3, 5), (1, 1), [(2, 2), (2, 2)], (2, 2), 1),
    ("2d-both", (2, 9, 9, 3), (3, 2, 3, 5), (2, 1), [(2, 1), (0, 3)], (2, 2), 1),
    ("2d-1x1", (2, 5, 5, 3), (1, 1, 3, 5), (1, 1), [(0, 0), (0, 0)], (1, 1), 1),
    ("2d-1x1-stride", (2, 5, 6, 3), (1, 1, 3, 5), (2, 2), [(0, 0), (0, 0)], (1, 1), 1),
    ("2d-1x1-pad", (2, 5, 6, 3), (1, 1, 3, 5), (1, 1), [(1, 0), (0, 1)], (1, 1), 1),
    ("2d-wide", (1, 6, 6, 64), (3, 3, 64, 48), (1, 1), [(1, 1), (1, 1)], (1, 1), 1),
    ("2d-wide-stride", (1, 7, 6, 64), (3, 3, 64, 48), (2, 2), [(1, 1), (0, 1)], (1, 1), 1),
    ("2d-chunks", (7, 32, 32, 32), (3, 3, 32, 2), (1, 1), [(1, 1), (1, 1)], (1, 1), 1),
    ("2d-grouped", (2, 6, 6, 4), (3, 3, 2, 6), (1, 1), [(1, 1), (1, 1)], (1, 1), 2),
    ("2d-depthwise", (2, 6, 6, 4), (3, 3, 1, 4), (1, 1), [(1, 1), (1, 1)], (1, 1), 4),
    ("2d-depthwise-2", (2, 6, 7, 4), (3, 3, 1, 8), (2, 2), [(0, 1), (1, 1)], (1, 1), 4),
    ("2d-depthwise-dilated", (2, 8, 7, 4), (3, 3, 1, 4), (1, 1), [(2, 2), (2, 2)], (2, 2), 4),
    ("3d", (1, 5, 4, 6, 2), (2, 3, 3, 2, 3), (1, 1, 1), [(0, 1), (1, 1), (1, 1)], (1, 1, 1), 1),
    ("3d-stride", (1, 5, 4, 6, 2), (2, 3, 3, 2, 3), (2, 1, 2), [(0, 1), (1, 1), (1, 1)], (1, 1, 1), 1),
]  # fmt: skip
TRANSPOSED = [
    ("1d", (2, 5, 3), (3, 4, 3), (2,), [(2, 1)], (1,)),
    ("1d-wide-stride", (2, 5, 3), (2, 4, 3), (3,), [(1, 2)], (1,)),
    ("2d", (2, 4, 5, 3), (3, 3, 5, 3), (2, 2), [(1, 2), (1, 2)], (1, 1)),
    ("2d-valid", (2, 4, 5, 3), (3, 2, 5, 3), (2, 2), [(2, 2), (1, 1)], (1, 1)),
    ("2d-dilated", (2, 4, 5, 3), (3, 3, 5, 3), (1, 1), [(3, 2), (2, 3)], (2, 2)),
    ("2d-cropped", (2, 4, 5, 3), (3, 3, 5, 3), (1, 1), [(-1, 0), (0, 1)], (1, 1)),
    ("3d", (1, 3, 2, 3, 2), (2, 2, 3, 3, 2), (2, 1, 2), [(1, 1), (0, 1), (2, 2)], (1, 1, 1)),
]  # fmt: skip
POOLS = [
    ("1d", (2, 9, 3), (2,), (2,), [(0, 0)]),
    ("2d", (2, 8, 6, 3), (2, 2), (2, 2), [(0, 0), (0, 0)]),
    ("2d-rest", (2, 9, 7, 3), (2, 2), (2, 2), [(0, 0), (0, 0)]),
    ("2d-same", (2, 9, 7, 3), (2, 2), (2, 2), [(0, 1), (0, 1)]),
    ("2d-overlap", (2, 9, 7, 3), (3, 3), (2, 2), [(0, 0), (0, 0)]),
    ("2d-overlap-same", (2, 9, 7, 3), (3, 2), (1, 1), [(1, 1), (0, 1)]),
    ("2d-gaps", (2, 9, 7, 3), (2, 2), (3, 3), [(0, 0), (0, 0)]),
    ("2d-gaps-padded", (2, 7, 7, 3), (2, 2), (3, 3), [(0, 1), (1, 1)]),
    ("3d", (1, 4, 5, 6, 2), (2, 2, 2), (2, 2, 2), [(0, 0), (0, 1), (0, 0)]),
]  # fmt: skip


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


for label, xs, ks, strides, padding, dilation, groups in CONVS:
    rest = (strides, padding, dilation, groups)
    case("conv", normal(*xs), normal(*ks, seed=1), *rest, True, label=label, rtol=1e-4, atol=1e-4, grad=True)
    case(
        "conv",
        first(normal(*xs)),
        normal(*ks, seed=1),
        *rest,
        False,
        label=f"{label}-first",
        rtol=1e-4,
        atol=1e-4,
    )
for label, xs, ks, *rest in TRANSPOSED:
    case(
        "conv_transpose",
        normal(*xs),
        normal(*ks, seed=1),
        *rest,
        True,
        label=label,
        rtol=1e-4,
        atol=1e-4,
        grad=True,
    )
    case(
        "conv_transpose",
        first(normal(*xs)),
        normal(*ks, seed=1),
        *rest,
        False,
        label=f"{label}-first",
        rtol=1e-4,
        atol=1e-4,
    )
for label, xs, *rest in POOLS:
    for kind in ("max", "avg"):
        case("pool", unlike(*xs), kind, *rest, True, label=f"{kind}-{label}", grad=True)
        case("pool", first(unlike(*xs)), kind, *rest, False, label=f"{kind}-{label}-first")
case("pool", whole(-9, 9, 2, 8, 3), "max", (2,), (2,), [(1, 1)], True, label="int")
case("pool", -between(1, 2, 1, 3, 2, dtype=BF16), "max", (2,), (1,), [(1, 0)], True, label="bfloat16")
case(
    "conv",
    normal(1, 6, 2, dtype=BF16),
    normal(3, 2, 4, dtype=BF16),
    (1,),
    [(1, 1)],
    (1,),
    1,
    True,
    label="bfloat16",
    rtol=3e-2,
    atol=3e-2,
)
case("linear", normal(2, 3), normal(3, 4), normal(4), **MATRIX)
case("linear", normal(2, 5, 3), normal(3, 4), None, label="sequence", **MATRIX)
case("linear", normal(2, 2, 5, 3), normal(3, 4), normal(4), label="4d", **MATRIX)
case("linear", normal(3), normal(3, 4), normal(4), label="vector", **MATRIX)
custom("cond")(lambda k, to: k.cond(to(np.array(True)), lambda: to(X), lambda: to(X) * 2))
custom("cond", "tree")(
    lambda k, to: k.cond(to(np.array(False)), lambda: {"a": to(X)}, lambda: {"a": to(X) * 2})
)
custom("cond", "jit")(
    lambda k, to: k.jit(lambda p, x: k.cond(p, lambda: (x, x), lambda: (x * 2, x)))(
        to(np.array(False)), to(X)
    )
)
for index in (-1, 1, 7):
    custom("switch", str(index))(
        lambda k, to, index=index: k.switch(
            to(np.array(index, "int32")), [lambda x: x, lambda x: x * 2, lambda x: x * 3], [to(X)]
        )
    )
custom("switch", "jit")(
    lambda k, to: k.jit(lambda i, x: k.switch(i, [lambda x: x, lambda x: x * 2], [x]))(
        to(np.array(9, "int32")), to(X)
    )
)
for limit in (None, 3):
    custom("while_loop", str(limit))(
        lambda k, to, limit=limit: k.while_loop(
            lambda i, x: i < 5, lambda i, x: (i + 1, x * 2), (to(np.array(0, "int32")), to(X)), limit
        )
    )
custom("while_loop", "jit")(
    lambda k, to: k.jit(
        lambda x: k.while_loop(
            lambda i, x: k.max(x) < 50, lambda i, x: (i + 1, x * 2), (to(np.array(0, "int32")), x), None
        )
    )(to(X))
)
for reverse in (False, True):
    custom("scan", str(reverse), grad=True)(
        lambda k, to, reverse=reverse: k.scan(lambda c, x: (c * 0.5 + x, c * x), to(Y), to(X), 3, reverse, 1)
    )
    custom("scan", f"tree-{reverse}")(
        lambda k, to, reverse=reverse: k.scan(
            lambda c, x: ({"h": c["h"] + x[0]}, (c["h"], x[1])),
            {"h": to(Y)},
            (to(X), to(whole(0, 5, 3))),
            3,
            reverse,
            1,
        )
    )
    custom("associative_scan", str(reverse))(
        lambda k, to, reverse=reverse: k.associative_scan(lambda a, b: a + b, to(normal(2, 7)), reverse, 1)
    )
custom("scan", "no_xs")(lambda k, to: k.scan(lambda c, _: (c * 2, c), to(Y), None, 4, False, 1))
custom("scan", "jit")(
    lambda k, to: k.jit(lambda c, xs: k.scan(lambda c, x: (c + x, c), c, xs, 3, False, 1))(to(Y), to(X))
)


@custom("associative_scan", "pair", rtol=1e-4)
def _(k: Any, to: Callable) -> Any:
    # the linear recurrence h = a h + b, whose combination does not commute
    combine = lambda p, q: (p[0] * q[0], q[0] * p[1] + q[1])
    return k.associative_scan(combine, (to(between(0.5, 1, 6, 2)), to(normal(6, 2))), False, 0)


custom("vmap")(lambda k, to: k.vmap(lambda x, y: k.sum(x * y), (0, None), 0)(to(X), to(Y)))
custom("vmap", "axes")(lambda k, to: k.vmap(lambda x: x * 2, 1, 1)(to(X)))
custom("vmap", "outputs")(lambda k, to: k.vmap(lambda x: (x, k.sum(x)), 0, 0)(to(X)))
custom("stop_gradient")(lambda k, to: k.stop_gradient(to(X)))
custom("custom_gradient")(lambda k, to: k.custom_gradient(lambda x: (x * 2, lambda up: up * 5), (to(X),)))
custom("jit")(lambda k, to: k.jit(lambda tree: {"s": tree["a"] + tree["b"][0]})({"a": to(X), "b": [to(Y)]}))
custom("jit", "static")(
    lambda k, to: k.jit(lambda x, n, how, none: {"x": x * n if how == "up" else x, "how": how, "none": none})(
        to(X), 3, "up", None
    )
)
custom("jit", "donate")(lambda k, to: k.jit(lambda s, x: [s[0] + x], donate=(0,))([k.copy(to(X))], to(Y)))
custom("remat", grad=True)(lambda k, to: k.remat(lambda x: k.sin(k.sin(x)))(to(X)))
custom("without_gradient")(lambda k, to: k.without_gradient(lambda x: k.sin(x))(to(X)))
custom("eval_shape")(
    lambda k, to: k.eval_shape(
        lambda t: {"y": k.matmul(t[0], t[1])}, (((2, 3), "float32"), ((3, 4), "float32"))
    )
)


@custom("loop")
def _(k: Any, to: Callable) -> Any:
    def step(state: Any, rows: Any) -> Any:
        return {"sum": state["sum"] + k.sum(rows[0], 0), "n": state["n"] + 1, "none": None}

    run = k.loop(step, donate=False)
    state = {"sum": to(np.zeros(4, "float32")), "n": to(np.array(0, "int32")), "none": None}
    indices = to(np.array([[0, 1], [2, 0], [1, 1]], "int32"))
    state = run(state, [to(X), None], indices, 0, 1)
    return run(state, [to(X), None], indices, 1, 3)


@custom("loop", "finish")
def _(k: Any, to: Callable) -> Any:
    ends = {
        "mean": lambda s: {"mean": s["sum"] / k.astype(s["n"], "float32"), "none": None},
        "last": lambda s: s["sum"],
    }
    step = lambda s, rows: {"sum": s["sum"] + k.sum(rows, 0), "n": s["n"] + 1}
    state = {"sum": to(np.zeros(4, "float32")), "n": to(np.array(0, "int32"))}
    indices = to(np.array([[0, 1], [2, 0]], "int32"))
    return {name: k.loop(step, False, end)(state, to(X), indices, 0, 2) for name, end in ends.items()}


@custom("loop", "donate")
def _(k: Any, to: Callable) -> Any:
    run = k.loop(lambda s, rows: [s[0] * 0.5 + k.mean(rows["x"])], donate=True)
    return run([k.copy(to(Y))], {"x": to(X)}, to(np.array([[0], [1], [2]], "int32")), 0, 3)
