"""The kernel language on torch: variables change in place, control flow is Python's, compiling is torch.compile.

Where torch's own function means what the contract says, it is the binding.
"""

from __future__ import annotations

from lamina.backends.torch.array import *
from lamina.backends.torch.control import *
from lamina.backends.torch.device import *
from lamina.backends.torch.elementwise import *
from lamina.backends.torch.linear import *
from lamina.backends.torch.native import overrides as overrides
from lamina.backends.torch.neural import *
from lamina.backends.torch.random import *
from lamina.backends.torch.reduction import *
from lamina.backends.torch.shaping import *
from lamina.kernel.contract import Host, Sparse

name = "torch"
abstract = False
functional = False
in_place = True
traced_step = False
differentiable = True

from lamina.backends.torch import module as module  # noqa: E402 - layers become modules when all is there
from lamina.backends.torch.dtensor import Spread  # noqa: E402
from lamina.backends.torch.fused import Fused  # noqa: E402 - it computes with the names above

fused = Fused()
spread = Spread()
sparse = Sparse()
host = Host()
