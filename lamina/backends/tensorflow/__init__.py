"""The kernel language on TensorFlow."""

from __future__ import annotations

import os as _os

_os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before the import: TensorFlow reads it once

from lamina.backends.tensorflow.importing import without_the_rest as _without_the_rest

with _without_the_rest():
    import tensorflow as _tf

from lamina.backends.tensorflow.array import *
from lamina.backends.tensorflow.control import *
from lamina.backends.tensorflow.device import *
from lamina.backends.tensorflow.elementwise import *
from lamina.backends.tensorflow.linear import *
from lamina.backends.tensorflow.native import overrides as overrides
from lamina.backends.tensorflow.neural import *
from lamina.backends.tensorflow.random import *
from lamina.backends.tensorflow.reduction import *
from lamina.backends.tensorflow.shaping import *

# its warnings about retracing count by the name of a function, which is one and the same for all that `jit` compiles
_tf.get_logger().setLevel("ERROR")

name = "tensorflow"
abstract = False
functional = False
in_place = True
traced_step = True
differentiable = True
eager_sync = True
