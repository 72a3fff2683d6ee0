"""Every interpreter fulfils the contract: checked, never run (`test_types.py`)."""

import lamina.backends.jax
import lamina.backends.numpy
import lamina.backends.tensorflow
import lamina.backends.torch
import lamina.kernel.shapes
from lamina.kernel.contract import Kernel

jax: Kernel = lamina.backends.jax
torch: Kernel = lamina.backends.torch
tensorflow: Kernel = lamina.backends.tensorflow
numpy: Kernel = lamina.backends.numpy
shapes: Kernel = lamina.kernel.shapes
