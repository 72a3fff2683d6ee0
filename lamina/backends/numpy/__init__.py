"""The kernel language on NumPy: numbers without any framework, and the oracle that tests compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as _np

from lamina.backends.numpy.array import *
from lamina.backends.numpy.control import *
from lamina.backends.numpy.device import *
from lamina.backends.numpy.linear import *
from lamina.backends.numpy.neural import *
from lamina.backends.numpy.random import *
from lamina.kernel import contract as _contract

name = "numpy"
abstract = False
functional = False
traced_step = False
differentiable = False
eager_sync = False
overrides: dict[str, Callable[..., Any]] = {}

# log(0) is -inf on every backend; only NumPy would warn about it
for _function in _contract.functions():
    globals()[_function] = _np.errstate(all="ignore")(globals()[_function])
