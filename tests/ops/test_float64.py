"""In float64 all backends agree to ten digits: each case of the catalogues, with its float32 tensors made wide.

jax has 64 bits only where `jax_enable_x64` is on; the first case of each op runs there so. The results to agree with are
those of the numpy backend, which runs the composed body of each op; the test of the ops holds it against real Keras.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from test_ops import CASES, NAMES, arrays, first_of_each, flat, function, ids, quick_programs

from lamina import backends
from lamina.kernel.context import interpreter

quick_programs = quick_programs
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:var:UserWarning")

# Constants of fewer digits, or iterations that end earlier, as in Keras.
COARSE: dict[str, float] = {}

WIDE = [case for case in CASES if any(a.dtype == np.float32 for a in arrays(case)[0])]


def results(name: str, case: Any, compiled: bool = False) -> list[Any]:
    k: Any = backends.load(name)
    given, build = arrays(case)

    def program(tensors: list) -> list:
        args, kwargs = build(tensors)
        return flat(function(case)(*args, **kwargs))

    with interpreter(k):
        tensors = [k.asarray(a.astype("float64") if a.dtype == np.float32 else a) for a in given]
        found = (k.jit(program) if compiled else program)(tensors)
        return [(k.dtype(x), k.to_numpy(x)) if k.is_tensor(x) else ("", np.asarray(x)) for x in found]


@functools.cache
def right(case: Any) -> list[Any]:
    return results("numpy", case)


def check(name: str, case: Any, compiled: bool = False) -> None:
    if name in case.skip:
        pytest.skip(case.skip[name])
    limit = COARSE.get(case.name, 1e-10)
    for (dtype, x), (wanted, y) in zip(results(name, case, compiled), right(case), strict=True):
        assert dtype == wanted
        finite = np.abs(y[np.isfinite(y)]) if y.dtype.kind in "fc" else ()
        np.testing.assert_allclose(x, y, rtol=limit, atol=limit * max([1.0, *np.ravel(finite)]))


@pytest.mark.parametrize("case", WIDE, ids=ids(WIDE))
@pytest.mark.parametrize("name", [n for n in NAMES if n in ("torch", "tensorflow")])
def test_agrees_in_float64(name: str, case: Any) -> None:
    check(name, case)


@pytest.mark.parametrize("case", [c for c in first_of_each() if c in WIDE], ids=lambda case: case.name)
def test_agrees_in_float64_on_jax(case: Any) -> None:
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        check("jax", case, compiled=True)
