"""A whole backend in a page: NumPy's functions, storage that counts its writes, and gradients by finite differences.

Nothing in the package knows of it: `lamina.kernel.context.use(module)` puts it in force. It is the example of
`docs/backends.md`.
"""

from __future__ import annotations

import numpy as np

from lamina.backends.numpy import *

name = "finite"
abstract = False  # its tensors hold numbers
functional = False  # variables change inside a compiled program, too
in_place = True  # in the same object, so that a copy of it can go stale
traced_step = False  # a step runs as it is written
differentiable = True
eager_sync = False
overrides: dict = {}

STEP = 1e-3


class Storage:
    """What a Variable keeps its value in."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.writes = array, 0


def variable(value, dtype, trainable):
    return Storage(np.array(asarray(value, dtype)))


def read(storage):
    return storage.array


def write(storage, value):
    storage.array, storage.writes = np.asarray(value), storage.writes + 1
    return storage


def value_and_grad(f, values):
    """Central differences: (f(v + h) - f(v - h)) / 2h for every entry of every value."""
    out = f(values)
    gradients = []
    for i, value in enumerate(values):
        gradient = np.zeros_like(value)
        for place in np.ndindex(value.shape):
            losses = []
            for sign in (1, -1):
                moved = np.array(value)
                moved[place] += sign * STEP
                losses.append(float(f([*values[:i], moved, *values[i + 1 :]])[0]))
            gradient[place] = (losses[0] - losses[1]) / (2 * STEP)
        gradients.append(gradient)
    return out, gradients
