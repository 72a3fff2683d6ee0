"""Cases of reductions, order, statistics, products and windows."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal, positive

NAN = float("nan")
x, y = normal(3, 4), normal(2, 3, 4)
n = integers(3, 4)
holes = x.copy()
holes[0, 1] = holes[2, 3] = holes[2, 0] = NAN
gone = np.array([[NAN, NAN], [1.0, NAN]], "float32")
flags = np.array([[True, False, True, False], [True, True, True, True], [False, False, False, False]])
empty = normal(0, 3)

CASES = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case(name, *args, **kwargs))


# -- over axes ---------------------------------------------------------------------------------------------------------

SUMS = ["sum", "mean", "var", "std", "prod", "all", "any"]
ENDS = ["max", "min", "amax", "amin", "ptp"]
for name in SUMS + ENDS:
    add(name, x)
    add(name, y, axis=1)
    add(name, y, axis=(0, -1), keepdims=True)
    if name != "ptp":
        add(name, flags, axis=0)
    add(name, np.array([[1, 2], [3, 200]], "uint8"), axis=-1)
    CASES.append(Case(name, holes, axis=1).but(gradient=False))
    add(name, np.float32(2).reshape(()))
for name in SUMS:
    add(name, empty, axis=1)
    if name in ("sum", "prod", "all", "any"):
        add(name, empty, axis=0)
for name in ("max", "min"):
    add(name, x, axis=1, initial=0.5)
    add(name, y, axis=(0, 2), keepdims=True, initial=0.5)
    add(name, empty, initial=3.0)
    add(name, n, initial=0)
add("prod", n, axis=1, dtype="float32")
add("sum", np.array([True, True]))
for name in ("argmax", "argmin", "nanargmax", "nanargmin"):
    add(name, x)
    add(name, y, axis=-2)
    add(name, y, axis=0, keepdims=True)
    add(name, flags, axis=1)
    add(name, np.array([2, 7, 7, 2], "uint8"))
for name in ("nanargmax", "nanargmin"):
    add(name, holes, axis=1)
    add(name, gone, axis=1)
for name in ("nansum", "nanmean", "nanvar", "nanstd", "nanprod", "nanmax", "nanmin"):
    add(name, holes.copy())
    add(name, holes, axis=0)
    add(name, y, axis=(0, 2), keepdims=True)
    CASES.append(Case(name, gone, axis=1).but(gradient=False))
    add(name, n, axis=1)
    add(name, flags, axis=0)
for name in ("cumsum", "cumprod", "nancumsum", "nancumprod"):
    add(name, x)
    add(name, y, axis=1)
    add(name, n, axis=-1)
    add(name, flags, axis=0)
    add(name, n, axis=0, dtype="float32")
    add(name, empty, axis=0)
for name in ("nancumsum", "nancumprod"):
    add(name, holes, axis=1)
add("count_nonzero", n)
add("count_nonzero", y, axis=(0, 1))
add("count_nonzero", flags, axis=1)
add("average", x)
add("average", x, axis=1)
add("average", x, axis=1, weights=positive(4))
add("average", x, weights=positive(3, 4))
add("average", n, axis=0, weights=integers(3, low=1))
add("average", y, axis=(0, 2))

# -- order -------------------------------------------------------------------------------------------------------------

for name in ("sort", "argsort"):
    add(name, x)
    add(name, y, axis=0)
    add(name, np.array([3, 1, 3, 0, 1], "int32"))
    add(name, x, axis=None)
    add(name, empty, axis=0)
    CASES.append(Case(name, holes).but(gradient=False))
CASES.append(Case("sort", flags))


def _partition(x, kth, axis=-1):
    """Any partition is right; the ops give the sorted one."""
    return np.argsort(x, axis, kind="stable").astype("int32")


CASES.append(Case("argpartition", x, 1).but(oracle=_partition))
CASES.append(Case("argpartition", y, -1, axis=1).but(oracle=_partition))
line = np.array([1.0, 2.0, 2.0, 3.0], "float32")
for side in ("left", "right"):
    add("searchsorted", line, np.array([[2.0, 0.0], [9.0, 2.5]], "float32"), side=side)
    add("searchsorted", np.array([1, 3, 5], "int32"), np.array([3.0, 4.0], "float32"), side=side)
    add("searchsorted", line, 2.0, side)
add("searchsorted", np.zeros((0,), "float32"), line)
add("digitize", x, np.array([-1.0, 0.0, 1.0], "float32"))
add("digitize", n, np.array([-2, 0, 2], "int32"))
add("digitize", n, np.array([-2.0, 0.5], "float32"))
counted = np.array([3, 1, 1, 0], "int32")
for case in (
    Case("bincount", counted),
    Case("bincount", counted, minlength=6),
    Case("bincount", counted, weights=positive(4)),
    Case("bincount", counted.astype("uint8"), weights=np.array([1, 2, 3, 4], "int8"), minlength=2),
    Case("bincount", np.zeros((0,), "int32"), minlength=2),
):
    CASES.append(case.but(jit=False, gradient=False))


def _rows(x, weights=None, minlength=0):
    size = max(minlength, int(x.max()) + 1)
    ones = np.ones_like(x) if weights is None else weights
    return np.stack([np.bincount(r, w, size) for r, w in zip(x, ones, strict=True)]).astype(ones.dtype)


pair = np.array([[3, 1], [0, 0]], "int32")
CASES.append(Case("bincount", pair).but(jit=False, oracle=_rows))
CASES.append(Case("bincount", pair, positive(2, 2), minlength=5).but(jit=False, gradient=False, oracle=_rows))


def _histogram(x, bins):
    """NumPy's: Keras takes borders from jax, which are off by a rounding."""
    return [part.astype("float32") for part in np.histogram(x, bins)]


add("histogram", x.ravel())
CASES.append(Case("histogram", n.ravel(), bins=3).but(oracle=_histogram))
add("histogram", x.ravel(), bins=4, range=(-1.0, 0.5))
add("histogram", np.ones((3,), "float32"), bins=2)
add("histogram", flags.ravel(), bins=2)
for case in list(CASES):
    if case.name == "histogram":
        CASES[CASES.index(case)] = case.but(gradient=False)
rows = np.array([[1, 2], [1, 2], [0, 1]], "int32")
everything = {"return_index": True, "return_inverse": True, "return_counts": True}
CASES.append(Case("unique", counted).but(jit=False))
CASES.append(Case("unique", rows, **everything).but(jit=False))
CASES.append(Case("unique", rows, axis=0, **everything).but(jit=False))
CASES.append(Case("unique", rows, axis=1, return_inverse=True).but(jit=False))
add("unique", counted, size=5, **everything)
add("unique", counted, size=5, fill_value=-1)
add("unique", counted, size=2, return_counts=True)
add("unique", rows, axis=0, size=4, fill_value=7, return_counts=True, return_index=True)

# -- statistics --------------------------------------------------------------------------------------------------------

for name, q in (("quantile", 0.3), ("percentile", 30.0)):
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        add(name, x, q, axis=1, method=method)
        add(f"nan{name}", holes, q, axis=1, method=method)
    add(name, y, [q, 2 * q], axis=(0, 2), keepdims=True)
    CASES.append(Case(name, x, np.array([0.0, q], "float32")).but(gradient=False))
    add(name, n, q)
    CASES.append(Case(name, holes, q, axis=0).but(gradient=False))
    CASES.append(Case(f"nan{name}", gone, q, axis=1).but(gradient=False))
    add(f"nan{name}", x, [q, 2 * q], axis=0, keepdims=True)
for name in ("median", "nanmedian"):
    add(name, x)
    add(name, y, axis=1)
    add(name, y, axis=(0, 1), keepdims=True)
    add(name, n, axis=0)
    CASES.append(Case(name, holes, axis=1).but(gradient=name == "nanmedian"))
add("corrcoef", normal(3, 8))
add("corrcoef", n)
CASES.append(Case("corrcoef", normal(5)).but(gradient=False))

# -- products ----------------------------------------------------------------------------------------------------------

add("matmul", x, normal(4, 5))
add("matmul", y, normal(4))
add("matmul", normal(3), normal(2, 3, 5))
add("matmul", normal(2, 1, 3, 4), normal(5, 4, 2))
add("matmul", n, integers(4, 2))
add("matmul", normal(0, 4), normal(4, 2))
add("matmul", np.ones((2, 2), "int8"), np.ones((2, 2), "int8"))
add("matmul", flags, flags.T.copy())
add("dot", x, normal(4, 2))
add("dot", y, normal(5, 4, 2))
add("dot", normal(4), normal(4))
add("dot", x, 2.0)
add("dot", n, integers(4))
add("inner", x, normal(2, 4))
add("inner", normal(4), normal(4))
add("inner", 3.0, x)
add("vdot", x, normal(3, 4))
add("vdot", np.array([1 + 2j, 3j], "complex64"), np.array([2 - 1j, 1], "complex64"))
add("outer", normal(3), normal(2))
add("outer", x, n)
add("tensordot", y, normal(3, 4, 2))
add("tensordot", y, normal(4, 5), axes=1)
add("tensordot", x, y, axes=[[0, 1], [1, 2]])
add("tensordot", x, y, axes=(0, 1))
add("tensordot", x, normal(2), axes=0)
add("kron", normal(2, 3), normal(2))
add("kron", normal(2, 2), normal(3, 1))
add("kron", n, integers(2, 2))
add("cross", normal(3), normal(3))
add("cross", normal(2, 3), normal(3))
add("cross", normal(4, 2), normal(4, 2))
add("cross", normal(4, 2), normal(4, 3))
add("cross", normal(3, 4), normal(3, 4), axis=0)
add("cross", normal(3, 4), normal(4, 3), axisa=0, axisb=1, axisc=0)
for case in list(CASES):
    if case.name == "cross":
        CASES[CASES.index(case)] = case.but(infer=False)  # the number of components must be known
for mode in ("full", "same", "valid"):
    for a, b in ((5, 3), (3, 5), (4, 4), (6, 4), (4, 6)):
        CASES.append(Case("correlate", normal(a), normal(b), mode=mode))
add("correlate", integers(5), integers(2))
add("einsum", "ij,jk->ik", x, normal(4, 2))
add("einsum", "ij->ji", x)
add("einsum", "ii", normal(3, 3))
add("einsum", "ii->i", normal(3, 3))
add("einsum", "...ij,...jk->...ik", y, normal(2, 4, 5))
add("einsum", "b...,b->...", y, normal(2))
add("einsum", "ij,kj", x, normal(2, 4))
add("einsum", "i,j,k->kij", normal(2), normal(3), normal(4))
add("einsum", "ij,ij->", n, n)
add("einsum", "abc,cd->abd", y, integers(4, 2))
add("slogdet", normal(3, 3))
add("slogdet", normal(2, 4, 4))
CASES.append(Case("slogdet", np.zeros((2, 2), "float32")).but(gradient=False))

# -- windows -----------------------------------------------------------------------------------------------------------

for name in ("bartlett", "blackman", "hamming", "hanning"):
    for size in (0, 1, 2, 5, 8):
        add(name, size)
for beta in (0.0, 2.0, 14.0):
    add("kaiser", 7, beta)
add("kaiser", 1, 2.0)


def _half(x: np.ndarray) -> tuple:
    return tuple(part.astype("float16") for part in np.linalg.slogdet(x.astype("float32")))


CASES.append(Case("slogdet", normal(2, 2, dtype="float16")).but(rtol=1e-2, oracle=_half))
CASES.append(Case("bincount", np.array([True, False, True])).but(jit=False))
