"""The shape interpreter: the kernel language on (shape, dtype), in microseconds.

Running a program under it gives the shapes and dtypes of its results. It is what builds functional models, and
the reason why no operation has a second description of its shape.
"""

from __future__ import annotations

import sys

from lamina.kernel.contract import Fused, Host, Sparse, Spread
from lamina.kernel.interpreter import Interpreter
from lamina.kernel.shapes.control import *
from lamina.kernel.shapes.functions import *
from lamina.kernel.shapes.spec import NeedsNumbers, Spec, Unknown

__all__ = ["SHAPES", "NeedsNumbers", "Spec", "Unknown"]

name = "shapes"
Tensor = Spec
abstract = True
functional = False
in_place = False
traced_step = False
differentiable = True
overrides: dict = {}
fused = Fused()
spread = Spread()
sparse = Sparse()
host = Host()

SHAPES = Interpreter(sys.modules[__name__])
