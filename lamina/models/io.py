"""Models in files, under the names of `keras.models`."""

from lamina.saving.models import load_model, model_from_json, save_model

__all__ = ["load_model", "model_from_json", "save_model"]
