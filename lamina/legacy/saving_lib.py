"""`keras.src.saving.saving_lib`: whole models, also into and out of open files."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from lamina import saving

__all__ = ["load_model", "save_model"]


def save_model(model: Any, filepath: Any, weights_format: str = "h5", zipped: bool = True) -> None:
    """Write a model into a file, by its path or open for writing.

    Args:
        model: The model.
        filepath: A path that ends in ".keras", or an open binary file.
        weights_format, zipped: "h5" and True, the only ones there are.
    """
    if weights_format != "h5" or not zipped:
        raise NotImplementedError("saving_lib.save_model: weights are kept as 'h5' in one zip.")
    if not hasattr(filepath, "write"):
        saving.save_model(model, filepath)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        saving.save_model(model, path)
        filepath.write(path.read_bytes())


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Read a model from a file, by its path or open for reading."""
    if not hasattr(filepath, "read"):
        return saving.load_model(filepath, custom_objects, compile, safe_mode)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.keras"
        path.write_bytes(filepath.read())
        return saving.load_model(path, custom_objects, compile, safe_mode)
