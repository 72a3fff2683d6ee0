"""A whole backend in a page: NumPy's functions, storage that counts its writes, and gradients by finite differences.

Nothing in the package knows of it: `lamina.kernel.context.use(Finite(...))` puts it in force. It is the example of
`docs/backends.md`.
"""

from __future__ import annotations

import numpy as np

from lamina import backends
from lamina.kernel.interpreter import Interpreter

STEP = 1e-3


class Storage:
    """What a Variable keeps its value in."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.writes = array, 0


class Finite(Interpreter):
    """What is not written here is that of the interpreter it stands on; so are the facts."""

    name = "finite"
    differentiable = True
    in_place = True  # `write` changes the object that `variable` made, so a copy of it can go stale

    def variable(self, value, dtype, trainable, placement=None):
        return Storage(np.array(self.asarray(value, dtype)))

    def read(self, storage):
        return storage.array

    def write(self, storage, value):
        storage.array, storage.writes = np.asarray(value), storage.writes + 1
        return storage

    def value_and_grad(self, f, values):
        """Central differences: (f(v + h) - f(v - h)) / 2h for every element of every value."""
        out = f(values)
        gradients = []
        for i, value in enumerate(values):
            gradient = np.zeros_like(value)
            for index in np.ndindex(value.shape):
                losses = []
                for sign in (1, -1):
                    moved = np.array(value)
                    moved[index] += sign * STEP
                    losses.append(float(f([*values[:i], moved, *values[i + 1 :]])[0]))
                gradient[index] = (losses[0] - losses[1]) / (2 * STEP)
            gradients.append(gradient)
        return out, gradients


finite = Finite(backends.load("numpy"))
