"""The kernel language on TensorFlow."""

from __future__ import annotations

from lamina.backends import process as _process

# Keras and JAX, which TensorFlow loads ahead of use and does without where that fails; `tf.keras` loads Keras when it is
# first used, as ever, and only TFLite's deprecated `experimental_from_jax` finds no JAX
with _process.tensorflow_quiet(), _process.not_importing("keras", "jax"):
    import tensorflow as _tf

from lamina.backends.tensorflow import trackable as trackable  # noqa: E402 - layers become trackable
from lamina.backends.tensorflow.array import *
from lamina.backends.tensorflow.control import *
from lamina.backends.tensorflow.device import *
from lamina.backends.tensorflow.dtensor import Spread
from lamina.backends.tensorflow.elementwise import *
from lamina.backends.tensorflow.host import Host
from lamina.backends.tensorflow.linear import *
from lamina.backends.tensorflow.native import Fused
from lamina.backends.tensorflow.native import overrides as overrides
from lamina.backends.tensorflow.neural import *
from lamina.backends.tensorflow.random import *
from lamina.backends.tensorflow.reduction import *
from lamina.backends.tensorflow.shaping import *
from lamina.backends.tensorflow.sparse import Sparse

_process.without_retracing_warnings(_tf.get_logger())
_process.simulate_cpus(_tf)
_process.plain_to_autograph(__name__.partition(".")[0])

name = "tensorflow"
abstract = False
functional = False
in_place = True
traced_step = True
differentiable = True
fused = Fused()
spread = Spread()
sparse = Sparse()
host = Host()
