"""The kernel language on torch: variables change in place, control flow is Python's, compiling is torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.backends.torch.array import *
from lamina.backends.torch.control import *
from lamina.backends.torch.device import *
from lamina.backends.torch.linear import *
from lamina.backends.torch.neural import *
from lamina.backends.torch.random import *
from lamina.backends.torch.array import Tensor

name = "torch"
abstract = False
functional = False
differentiable = True
eager_sync = False
overrides: dict[str, Callable[..., Any]] = {}
