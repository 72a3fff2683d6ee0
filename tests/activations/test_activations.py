"""Activation functions by name, and what separates them from the ops."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

import lamina
from lamina import activations, ops

NAMES = [n for n in activations.__all__ if n not in ("get", "serialize", "deserialize", "threshold")]
x = np.array([[-7.0, -2.5, -0.3, 0.2, 1.5, 7.0]], "float32")


@pytest.mark.parametrize("name", [n for n in NAMES if n != "sparsemax"])  # Keras's own does not sum to 1
def test_agrees_with_keras(name: str) -> None:
    import keras

    right = np.asarray(getattr(keras.activations, name)(x))
    np.testing.assert_allclose(
        ops.convert_to_numpy(getattr(activations, name)(x)), right, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
def test_name_round_trip(name: str) -> None:
    function = activations.get(name)
    assert function is getattr(activations, name)
    assert activations.get(activations.serialize(function)) is function
    assert activations.deserialize(name) is function


@pytest.mark.parametrize(
    "options",
    [
        {"negative_slope": 0.1},
        {"max_value": 2.0},
        {"threshold": 1.0},
        {"negative_slope": 0.1, "max_value": 5.0, "threshold": 1.0},
    ],
)
def test_relu_in_all_its_forms(options: dict[str, float]) -> None:
    import keras

    right = np.asarray(keras.activations.relu(x, **options))
    np.testing.assert_allclose(ops.convert_to_numpy(activations.relu(x, **options)), right, rtol=1e-6)


def test_none_is_linear_and_functions_are_themselves() -> None:
    assert activations.get(None) is activations.linear

    @lamina.saving.register_keras_serializable("tests")
    def twice(z):
        return 2 * z

    assert activations.get(twice) is twice
    assert activations.deserialize(activations.serialize(twice)) is twice
