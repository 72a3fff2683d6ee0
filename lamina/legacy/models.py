"""`keras.models`: names and forms that Lamina's own namespace does not have."""

from lamina.legacy.layers import Merge as Merge
from lamina.legacy.methods import load_model as load_model
from lamina.legacy.methods import save_model as save_model

__all__ = ["Merge", "load_model", "save_model"]
