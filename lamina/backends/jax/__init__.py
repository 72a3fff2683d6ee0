"""The kernel language on jax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.backends.jax.array import *  # noqa: F403
from lamina.backends.jax.control import *  # noqa: F403
from lamina.backends.jax.device import *  # noqa: F403
from lamina.backends.jax.linear import *  # noqa: F403
from lamina.backends.jax.neural import *  # noqa: F403
from lamina.backends.jax.random import *  # noqa: F403

name = "jax"
abstract = False
functional = True
differentiable = True
eager_sync = True
overrides: dict[str, Callable[..., Any]] = {}
