"""Models to and from files and JSON."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

from lamina.core.codec import deserialize
from lamina.errors import SerializationError
from lamina.saving import archive
from lamina.saving.weights import load_weights as load_weights
from lamina.saving.weights import save_weights as save_weights


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Write a model into a `.keras` file: architecture, weights, compile arguments, optimizer state.

    The file is written beside and renamed, so that a good one that was there survives a crash.

    Args:
        model: The model.
        filepath: Where; the name ends in ".keras".
        overwrite: False asks before replacing a file (an error without a terminal).
        zipped: None or True; folders are not supported.

    Raises:
        ValueError: if the name has another ending.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_model(model, "model.keras")
    """
    if kwargs:
        raise TypeError(f"save_model got unknown arguments: {', '.join(kwargs)}.")
    path = pathlib.Path(filepath)
    if path.suffix != ".keras":
        hint = (
            f" For weights alone: model.save_weights('{path.stem}.weights.h5')."
            if path.suffix == ".h5"
            else ""
        )
        raise ValueError(f"The file name must end in '.keras', got {path.name!r}.{hint}")
    if zipped is False:
        raise NotImplementedError(
            "Saving into a folder (`zipped=False`) is not supported: a `.keras` file is one zip."
        )
    if path.exists() and not overwrite:
        answer = input(f"{path} exists. Replace it? [y/n] ") if sys.stdin and sys.stdin.isatty() else "n"
        if answer.strip().lower() not in ("y", "yes"):
            raise FileExistsError(f"{path} exists already. Pass overwrite=True to replace it.")
    archive.save(model, path)


def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """Read a model from a `.keras` file, without running anything from it.

    Args:
        filepath: The file.
        custom_objects: Name -> class or function that the file may name, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.
        safe_mode: Kept for Keras: loading is always safe here; False raises an error.

    Returns:
        The model.

    Raises:
        SerializationError: if the file breaks a rule of the loader.
        FileNotFoundError: if there is no such file.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.save("model.keras")
        >>> lamina.saving.load_model("model.keras").output_shape
        (None, 1)
    """
    if not safe_mode:
        raise ValueError(
            "`safe_mode=False` would run code from the file, which Lamina never does. Pass the functions that the "
            "model needs with `custom_objects`."
        )
    path = pathlib.Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.suffix in (".h5", ".hdf5"):
        raise SerializationError(
            f"{path.name}: whole models in the old HDF5 format are not supported yet. Save it as '.keras' with Keras 3, "
            "or load its weights into a model with `load_weights`."
        )
    return archive.load(path, custom_objects, compile)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model from the text that `to_json` gave, with newly drawn weights.

    Args:
        json_string: The text.
        custom_objects: Name -> class or function, for this call.

    Returns:
        The model.

    Raises:
        SerializationError: if the text does not describe a model.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.models.model_from_json(model.to_json()).output_shape
        (None, 1)
    """
    try:
        config = json.loads(json_string)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"Not valid JSON: {error}.") from None
    if not isinstance(config, dict) or "class_name" not in config:
        raise SerializationError("The JSON text does not describe a model.")
    return deserialize(config, custom_objects, where="json")
