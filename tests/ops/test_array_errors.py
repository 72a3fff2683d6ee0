"""Wrong arguments of array operations get the same error on every backend."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import re
from typing import Any

import numpy as np
import optree
import pytest
from test_ops import NAMES

import lamina.ops
from lamina import backends
from lamina.kernel.context import interpreter

x, y = np.ones((2, 3), "float32"), np.ones((4, 5), "float32")
v, n, flag = np.ones((4,), "float32"), np.ones((2, 3), "int32"), np.ones((2, 3), "bool")
empty = np.ones((0, 3), "float32")

WRONG: list[tuple[str, tuple, dict, type[Exception], str]] = [
    *[
        (name, (x, y), {}, ValueError, f"{name}: Shapes (2, 3) and (4, 5) do not broadcast")
        for name in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "maximum",
            "equal",
            "arctan2",
            "logical_and",
            "power",
        )
    ],
    ("where", (flag, x, y), {}, ValueError, "where: Shapes (2, 3) and (4, 5) do not broadcast"),
    ("matmul", (x, y), {}, ValueError, "matmul: Shapes (2, 3) and (4, 5) do not multiply: 3 is not 4"),
    ("matmul", (x, 1.0), {}, ValueError, "at least one axis on both sides"),
    ("dot", (x, y), {}, ValueError, "dot: shapes (2, 3) and (4, 5) do not multiply"),
    ("inner", (x, y), {}, ValueError, "inner: shapes (2, 3) and (4, 5) do not multiply"),
    ("vdot", (x, y), {}, ValueError, "do not multiply"),
    ("tensordot", (x, y), {"axes": 1}, ValueError, "tensordot: shapes (2, 3) and (4, 5) do not multiply"),
    (
        "tensordot",
        (x, y),
        {"axes": 3},
        ValueError,
        "tensordot: `axes` must be from 0 to 2 for tensors of rank 2 and 2, got 3",
    ),
    ("einsum", ("ij,jk->ik", x, y), {}, ValueError, "axis 'j' has sizes 3 and 4"),
    ("einsum", ("ij->ijk", x), {}, ValueError, "must name axes of the tensors"),
    ("einsum", ("ijk->i", x), {}, ValueError, "term 'ijk' does not fit a tensor of rank 2"),
    ("einsum", ("ij,jk->ik", x), {}, ValueError, "2 terms for 1 tensors"),
    ("cross", (x, y), {}, ValueError, "cross: expected 2 or 3 components along axis -1, got shape (4, 5)"),
    ("correlate", (v, v), {"mode": "ful"}, ValueError, "unknown mode 'ful'. Did you mean 'full'?"),
    *[
        (
            name,
            (x,),
            {"axis": 2},
            ValueError,
            f"{name}: axis 2 is out of range for a tensor of rank 2 (use -2 to 1).",
        )
        for name in (
            "sum",
            "mean",
            "max",
            "argmax",
            "all",
            "std",
            "prod",
            "cumsum",
            "sort",
            "argsort",
            "median",
            "flip",
            "nansum",
            "nanmax",
            "unstack",
            "squeeze",
            "count_nonzero",
            "average",
            "diff",
        )
    ],
    ("sum", (x,), {"axis": (0, -2)}, ValueError, "sum: an axis is given twice in (0, -2)"),
    ("sum", (x,), {"axis": 1.5}, ValueError, "sum: `axis` must be an integer, got 1.5"),
    ("max", (empty,), {}, ValueError, "max: there is no max of nothing: shape (0, 3) has an axis of size 0"),
    ("argmin", (empty,), {"axis": 0}, ValueError, "there is no argmin of nothing"),
    ("quantile", (empty, 0.5), {}, ValueError, "there is no quantile of nothing"),
    ("quantile", (x, 0.5), {"method": "linea"}, ValueError, "unknown method 'linea'. Did you mean 'linear'?"),
    ("quantile", (x, x), {}, ValueError, "`q` must be a number or of rank 1, got shape (2, 3)"),
    ("average", (x,), {"weights": v}, ValueError, "average: weights of shape (4,) need one `axis` of `x`"),
    ("subtract", (flag, flag), {}, TypeError, "subtract: not defined for bool tensors"),
    ("negative", (flag,), {}, TypeError, "negative: not defined for bool tensors"),
    ("bitwise_and", (x, x), {}, TypeError, "bitwise_and: expected integers or bool, got float32"),
    ("gcd", (flag, flag), {}, TypeError, "gcd: expected integers, got bool"),
    ("ldexp", (x, x), {}, TypeError, "ldexp: expected integers, got float32"),
    ("isposinf", (np.ones(2, "complex64"),), {}, TypeError, "complex numbers have no order"),
    (
        "reshape",
        (x, (4, 2)),
        {},
        ValueError,
        "reshape: a tensor of shape (2, 3) (6 entries) has no shape (4, 2)",
    ),
    ("reshape", (x, (4, -1)), {}, ValueError, "has no shape (4, -1)"),
    ("reshape", (x, (-1, -1)), {}, ValueError, "only one size may be -1"),
    ("reshape", (x, (2.5, 2)), {}, ValueError, "a shape consists of integers, got 2.5"),
    ("transpose", (x, (0,)), {}, ValueError, "`axes` must name all 2 axes, got (0,)"),
    ("moveaxis", (x, (0, 1), 0), {}, ValueError, "differ in number"),
    ("squeeze", (x, 0), {}, ValueError, "squeeze: axis 0 has size 2, not 1, in shape (2, 3)"),
    ("expand_dims", (x, 4), {}, ValueError, "expand_dims: axis 4 is out of range"),
    ("broadcast_to", (x, (3, 3)), {}, ValueError, "broadcast_to: shape (2, 3) does not broadcast to (3, 3)"),
    (
        "concatenate",
        ([x, y],),
        {},
        ValueError,
        "concatenate: shapes must agree in all axes but axis 0, got (2, 3), (4, 5)",
    ),
    ("concatenate", ([],), {}, ValueError, "concatenate: expected at least one tensor"),
    ("stack", ([x, y],), {}, ValueError, "stack: shapes must be equal, got (2, 3), (4, 5)"),
    ("split", (x, 2), {"axis": 1}, ValueError, "split: axis 1 of size 3 does not divide into 2 equal parts"),
    ("split", (x, 0), {}, ValueError, "must be an integer of at least 1, got 0"),
    ("dsplit", (x, 1), {}, ValueError, "dsplit: expected a tensor of rank 3 or more, got shape (2, 3)"),
    ("unstack", (x, 3), {}, ValueError, "unstack: `num` must be 2, the size of axis 0, got 3"),
    ("pad", (x, 1), {"mode": "wrap"}, ValueError, "pad: unknown mode 'wrap'"),
    ("pad", (x, ((1, 1),) * 3), {}, ValueError, "`pad_width` must be a pair for each of the 2 axes"),
    ("pad", (x, -1), {}, ValueError, "`pad_width` has no negative numbers"),
    (
        "pad",
        (x[:0], 1),
        {"mode": "reflect"},
        ValueError,
        "mode 'reflect' has nothing to take from an axis of size 0",
    ),
    (
        "pad",
        (x, 1, "edge", 2.0),
        {},
        ValueError,
        "`constant_values` goes with mode 'constant', not with 'edge'",
    ),
    ("repeat", (x, [1, 2, 3]), {"axis": 0}, ValueError, "repeat: 3 repeats for an axis of size 2"),
    ("repeat", (x, -1), {}, ValueError, "negative sizes"),
    ("roll", (x, (1, 2, 3)), {"axis": (0, 1)}, ValueError, "roll: 3 shifts for 2 axes"),
    ("rearrange", (x, "a b -> a c"), {}, ValueError, "both sides of 'a b -> a c' must name the same axes"),
    ("rearrange", (x, "a (b c) -> a b c"), {}, ValueError, "give the size of b or c"),
    ("rearrange", (x, "a b c -> a b c"), {}, ValueError, "does not fit a tensor of rank 2"),
    ("zeros", ((2, -1),), {}, ValueError, "zeros: a shape has no negative sizes, got -1"),
    ("ones", (("a",),), {}, ValueError, "ones: a shape consists of integers, got 'a'"),
    ("zeros", ((2,), "float31"), {}, ValueError, "Unknown dtype: 'float31'. Did you mean"),
    ("cast", (x, "flaot32"), {}, ValueError, "Unknown dtype: 'flaot32'. Did you mean 'float32'?"),
    ("eye", (-1,), {}, ValueError, "eye: `size` must be an integer of at least 0, got -1"),
    ("arange", (0, 3, 0), {}, ValueError, "arange: `step` must not be 0"),
    ("linspace", (0.0, 1.0, -1), {}, ValueError, "linspace: `num` must be an integer of at least 0, got -1"),
    ("meshgrid", (v, v), {"indexing": "ik"}, ValueError, "unknown indexing 'ik'"),
    ("diag", (np.ones((1, 1, 1), "float32"),), {}, ValueError, "diag: expected a tensor of rank 1 or 2"),
    ("tril", (v,), {}, ValueError, "tril: expected a tensor of rank 2 or more, got shape (4,)"),
    ("trace", (x,), {"axis2": 0}, ValueError, "an axis is given twice"),
    ("get_item", (x, 2), {}, IndexError, "get_item: index 2 is out of range for axis 0 of size 2"),
    ("get_item", (x, (0, 0, 0)), {}, IndexError, "get_item: 3 indices for a tensor of rank 2"),
    ("take", (x, v), {}, TypeError, "take: indices must be integers, got float32"),
    (
        "take_along_axis",
        (x, np.ones(2, "int32")),
        {"axis": 0},
        ValueError,
        "as many axes as `x`, got shapes (2,) and (2, 3)",
    ),
    ("where", (flag, x), {}, ValueError, "where: give both `x1` and `x2`, or none of them"),
    (
        "scatter",
        (np.ones((2, 1), "int32"), v, (4,)),
        {},
        ValueError,
        "scatter: expected values of shape (2,), got (4,)",
    ),
    (
        "scatter_update",
        (x, np.ones((1, 3), "int32"), v),
        {},
        ValueError,
        "positions of depth 3 for a tensor of rank 2",
    ),
    ("scatter_update", (x, np.ones((1, 1), "int32"), x, "sub"), {}, ValueError, "unknown reduction 'sub'"),
    ("slice", (x, (0,), (1, 1)), {}, ValueError, "slice: expected 2 start indices, got 1"),
    (
        "slice",
        (x, (0, 0), (3, 1)),
        {},
        ValueError,
        "a block of shape (3, 1) does not fit a tensor of shape (2, 3)",
    ),
    ("slice_update", (x, (0, 0), v), {}, ValueError, "a block of shape (4,) does not fit"),
    ("searchsorted", (x, v), {}, ValueError, "`sorted_sequence` must have rank 1, got shape (2, 3)"),
    ("searchsorted", (v, v), {"side": "middle"}, ValueError, "unknown side 'middle'"),
    ("argpartition", (v, 4), {}, ValueError, "`kth` 4 is out of range for an axis of size 4"),
    ("bincount", (v,), {}, TypeError, "bincount: expected integers, got float32"),
    ("histogram", (v, 0), {}, ValueError, "`bins` must be an integer of at least 1, got 0"),
    ("histogram", (v,), {"range": (1.0, 0.0)}, ValueError, "the end of `range` is below its start"),
    ("unique", (v,), {"size": -1}, ValueError, "`size` must be an integer of at least 0, got -1"),
    (
        "view",
        (np.ones(3, "uint8"), "int32"),
        {},
        ValueError,
        "a last axis of size 3 (uint8) does not hold whole numbers",
    ),
    ("vander", (x,), {}, ValueError, "vander: expected a tensor of rank 1"),
    (
        "corrcoef",
        (np.ones((1, 1, 1), "float32"),),
        {},
        ValueError,
        "corrcoef: expected a tensor of rank 1 or 2",
    ),
    ("select", ([flag], [x, x]), {}, ValueError, "as many choices as conditions"),
    ("slogdet", (x,), {}, ValueError, "slogdet: expected square matrices, got shape (2, 3)"),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w[0])
def test_error(wrong: tuple, name: str) -> None:
    op, args, kwargs, kind, text = wrong
    k = backends.load(name)
    tensor: Any = lambda a: k.asarray(a) if isinstance(a, np.ndarray) else a
    with interpreter(k), pytest.raises(kind, match=re.escape(text)):
        getattr(lamina.ops, op)(*optree.tree_map(tensor, args), **optree.tree_map(tensor, kwargs))


def test_a_symbolic_tensor_has_no_value() -> None:
    with pytest.raises(TypeError, match="is symbolic: it has no value"):
        lamina.ops.convert_to_numpy(lamina.Input((2,)))
