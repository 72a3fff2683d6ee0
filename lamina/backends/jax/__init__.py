"""The kernel language on jax."""

from __future__ import annotations

from lamina.backends.jax import variables as variables
from lamina.backends.jax.array import *
from lamina.backends.jax.control import *
from lamina.backends.jax.device import *
from lamina.backends.jax.elementwise import *
from lamina.backends.jax.fused import Fused
from lamina.backends.jax.linear import *
from lamina.backends.jax.native import overrides as overrides
from lamina.backends.jax.neural import *
from lamina.backends.jax.random import *
from lamina.backends.jax.reduction import *
from lamina.backends.jax.shaping import *
from lamina.backends.jax.sparse import Sparse
from lamina.backends.jax.spread import Spread
from lamina.kernel.contract import Host

name = "jax"
abstract = False
functional = True
in_place = False
traced_step = False
differentiable = True
fused = Fused()
spread = Spread()
sparse = Sparse()
host = Host()
