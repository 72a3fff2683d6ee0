"""Models and weights in files, under the names of `keras.saving`."""

from lamina.models.io import load_model, save_model
from lamina.saving.weights import load_weights, save_weights

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]
