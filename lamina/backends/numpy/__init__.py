"""The kernel language on NumPy: numbers without any framework, and the oracle that tests compare with."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps as _wraps
from typing import Any

import numpy as _np

from lamina.backends.numpy.array import *
from lamina.backends.numpy.array import narrow as _narrow
from lamina.backends.numpy.control import *
from lamina.backends.numpy.device import *
from lamina.backends.numpy.elementwise import *
from lamina.backends.numpy.linear import *
from lamina.backends.numpy.neural import *
from lamina.backends.numpy.random import *
from lamina.backends.numpy.reduction import *
from lamina.backends.numpy.shaping import *
from lamina.kernel import contract as _contract

name = "numpy"
abstract = False
functional = False
in_place = False
traced_step = False
differentiable = False
overrides: dict[str, Callable[..., Any]] = {}
fused = _contract.Fused()
spread = _contract.Spread()
sparse = _contract.Sparse()
host = _contract.Host()


def _finished(function: Callable[..., Any]) -> Callable[..., Any]:
    """log(0) is -inf on every backend, only NumPy would warn about it; and see `Narrow`."""

    @_wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _np.errstate(all="ignore"):
            return _narrow(function(*args, **kwargs))

    return call


for _function in _contract.functions():
    globals()[_function] = _finished(globals()[_function])
