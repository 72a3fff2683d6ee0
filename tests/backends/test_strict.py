"""Operations use nothing outside the contract: they run on `array_api_strict`, whose tensors refuse anything else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import contract_cases
import numpy as np
import optree
import pytest
import strict
from test_contract import compare, plain

from lamina import backends, ops
from lamina.kernel.context import interpreter

OPS = Path(__file__).parents[1] / "ops"
sys.path.insert(0, str(OPS))
CASES = [case for path in sorted(OPS.glob("cases_*.py")) for case in importlib.import_module(path.stem).CASES]
oracle = backends.load("numpy")

# array_api_strict has neither these dtypes nor the values that only they have
MISSING = ("bfloat16", "float16", "float8", "asarray-numpy_dtype", "ones")
CONTRACT = [case for case in contract_cases.CASES if not any(word in case.id for word in MISSING)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", CONTRACT, ids=lambda c: c.id)
def test_contract(case: contract_cases.Case) -> None:
    expected, actual = case.run(oracle, oracle.asarray), case.run(strict, strict.asarray)
    compare(plain(oracle, expected), plain(strict, actual), case)


def narrow(case: Any) -> bool:
    """Whether a case has one of the dtypes that are missing."""
    leaves = optree.tree_leaves((case.args, case.kwargs))
    return any(str(getattr(x, "dtype", x)).startswith(("bfloat16", "float16", "float8")) for x in leaves)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", [c for c in CASES if not narrow(c)], ids=lambda c: c.name)
def test_op(case: Any) -> None:
    function: Any = ops
    for part in case.name.split("."):
        function = getattr(function, part)
    results = []
    for kernel in (oracle, strict):
        with interpreter(kernel):
            results.append(plain(kernel, function(*case.args, **case.kwargs)))
    for wanted, found in zip(*results, strict=True):
        if isinstance(wanted, tuple):
            assert found[0] == wanted[0]
            np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5, atol=1e-6)
