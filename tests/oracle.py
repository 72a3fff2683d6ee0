"""Real Keras on jax, in this process: what results are compared with. And the backends to compare."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import warnings
from pathlib import Path
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras

from lamina import backends
from lamina.core.masks import set_mask

BACKENDS = [n for n in backends.installed() if (Path(backends.__file__).parent / n / "__init__.py").exists()]


def numbers(x: Any) -> Any:
    """Tensors of Keras or of the interpreter in force, in any structure, as NumPy arrays."""
    if isinstance(x, dict):
        return {key: numbers(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return [numbers(value) for value in x]
    return np.asarray(x.detach() if hasattr(x, "detach") else x)


def keras_masked(x: np.ndarray, mask: np.ndarray | None) -> Any:
    """A tensor of Keras with a mask, made by a layer that passes values through."""
    tensor = keras.ops.convert_to_tensor(x)
    if mask is not None:
        keras.src.backend.set_keras_mask(tensor, keras.ops.convert_to_tensor(mask))
    return tensor


def masked(k: Any, x: np.ndarray, mask: np.ndarray | None) -> Any:
    """A tensor of interpreter `k` with a mask."""
    tensor = k.asarray(x.copy())
    if mask is not None:
        set_mask(tensor, k.asarray(mask))
    return tensor


def assert_same(ours: Any, theirs: Any, rtol: float = 1e-6, atol: float = 1e-7) -> None:
    """Equal numbers, structures and shapes; not a number only where it is so in both."""
    ours, theirs = numbers(ours), numbers(theirs)
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b, rtol, atol)
        return
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
