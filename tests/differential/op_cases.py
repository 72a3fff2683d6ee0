"""The catalogue of operations that can be compared with `keras.ops` by name."""

from __future__ import annotations

import sys
from pathlib import Path

import keras

sys.path.insert(0, str(Path(__file__).parent.parent / "ops"))

import cases_elementwise
import cases_linalg
import cases_nn
import cases_reduce
import cases_shapes

RANDOM = {"empty", "empty_like"}
OP_CASES = [
    case
    for module in (cases_elementwise, cases_linalg, cases_nn, cases_reduce, cases_shapes)
    for case in module.CASES
    if case.oracle is None and case.name not in RANDOM and hasattr(keras.ops, case.name)
]
KEYS = [repr(case) for case in OP_CASES]
