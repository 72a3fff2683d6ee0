"""The kernel language on jax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.backends.jax.array import *
from lamina.backends.jax.control import *
from lamina.backends.jax.device import *
from lamina.backends.jax.linear import *
from lamina.backends.jax.neural import *
from lamina.backends.jax.random import *

name = "jax"
abstract = False
functional = True
traced_step = False
differentiable = True
eager_sync = True
overrides: dict[str, Callable[..., Any]] = {}
