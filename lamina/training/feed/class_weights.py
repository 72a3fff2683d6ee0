"""Sample weights from the classes of targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel import dtypes
from lamina.kernel.trees import leaves
from lamina.ops.checks import shown

_NUMBERS = (int, float, np.integer, np.floating)


class ClassWeights:
    """Looks the weight of each target up by its class; a class without one counts once.

    Args:
        given: Class number -> weight.
        sparse: Whether targets are class numbers whatever their shape, one for each step perhaps: the loss says so.

    Raises:
        ValueError: if classes are no integers, or weights no numbers.
    """

    def __init__(self, given: Any, sparse: bool = False) -> None:
        if not isinstance(given, dict):
            raise ValueError(f"`class_weight` must be a dict of class number -> weight, got {given!r:.80}.")
        for label, weight in given.items():
            if not isinstance(label, _NUMBERS) or label != int(label):
                raise ValueError(
                    f"The keys of `class_weight` must be class numbers (integers), got {label!r}. Encode the classes as "
                    "numbers, as in `y`."
                )
            if not isinstance(weight, _NUMBERS):
                raise ValueError(f"`class_weight` must hold numbers, got {weight!r:.80} for class {label}.")
        ordered = sorted((int(label), float(weight)) for label, weight in given.items())
        self.classes = np.array([label for label, _ in ordered], "int64")
        self.weights = np.array([weight for _, weight in ordered], dtypes.standardize(None))
        self.sparse = sparse

    def __call__(self, tree: tuple) -> tuple:
        """A batch, or all data, with the weights of its classes; times the sample weights that came with it."""
        x, y, given = tree
        targets = [leaf for leaf in leaves(y) if leaf is not None]  # one output may stand in a list or dict
        if len(targets) != 1:
            raise ValueError("`class_weight` is for models with one output; use `sample_weight` for several.")
        found = self._of(self._labels(targets[0]))
        given = next((leaf for leaf in leaves(given) if leaf is not None), None)
        if given is None:
            return x, y, found
        given = np.asarray(given)
        return x, y, found * given.reshape(given.shape + (1,) * (found.ndim - given.ndim))

    def _of(self, labels: np.ndarray) -> np.ndarray:
        if not len(self.classes):
            return np.ones(labels.shape, self.weights.dtype)
        places = np.searchsorted(self.classes, labels).clip(max=len(self.classes) - 1)
        one = self.weights.dtype.type(1)
        return np.where(self.classes[places] == labels, self.weights[places], one)

    def _labels(self, y: Any) -> np.ndarray:
        y = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
        if y.ndim > 1 and y.shape[-1] == 1:
            y = y[..., 0]
        elif y.ndim > 1 and not self.sparse:
            return self._from_one_hot(y)
        whole = y.astype("int64")
        if y.dtype.kind == "f" and np.any(whole != y):
            wrong = y[whole != y].flat[0]
            raise ValueError(
                f"`class_weight` looks weights up by class number, but `y` holds {wrong:g}. Use `sample_weight`."
            )
        return whole

    def _from_one_hot(self, y: np.ndarray) -> np.ndarray:
        """The classes of one-hot targets, be they smoothed."""
        if np.any(y < 0) or np.any(np.abs(y.sum(-1, dtype="float64") - 1) > 1e-3):
            raise ValueError(
                f"`class_weight` needs one class for each target, but `y` of shape {shown(y.shape)} is not one-hot along "
                "its last axis. For a class number per step use a sparse loss ('sparse_categorical_crossentropy'); for "
                "several classes at once use `sample_weight`."
            )
        return y.argmax(-1)
