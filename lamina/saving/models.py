"""Models to and from files and JSON."""

from __future__ import annotations

import json
import pathlib
from typing import Any

from lamina.core.codec import check_depth, deserialize
from lamina.core.limits import limited
from lamina.core.registry import CustomObjectScope
from lamina.errors import NoSuchFile, SerializationError, suggestion
from lamina.kernel.namespaces import public_in
from lamina.kernel.tracebacks import folds_frames
from lamina.saving import archive, checkpoints
from lamina.saving.atomic import may_replace
from lamina.saving.checksum import check_sha256
from lamina.saving.legacy import files as legacy
from lamina.saving.legacy.configs import upgraded
from lamina.saving.members import kind_of
from lamina.saving.weight_files import load_weights as load_weights
from lamina.saving.weight_files import save_weights as save_weights

_HDF5 = b"\x89HDF\r\n\x1a\n"


@folds_frames
def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Write a model: architecture, weights, compile arguments, optimizer state.

    The file is written beside and renamed, so that a good one that was there survives a crash.

    Args:
        model: The model.
        filepath: Where: a name that ends in ".keras"; in ".h5" or ".hdf5" for the format of the past; a folder's name with
            `zipped=False`; or a file-like object that is open for writing bytes.
        overwrite: False asks before replacing a file (an error without a terminal).
        zipped: Whether to write one file (None: where the name ends in ".keras") or a folder.
        **kwargs: `include_optimizer` (whether to write the optimizer's state; True by default).

    Raises:
        ValueError: if the name has another ending.
        FileExistsError: if a file is there and stays.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_model(model, "model.keras")
    """
    with_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs:
        raise TypeError(f"save_model got unknown arguments: {', '.join(kwargs)}.")
    if hasattr(filepath, "write"):
        if zipped is False:
            raise ValueError("`zipped=False` writes a folder: give its name, not a file-like object.")
        archive.save(model, filepath, include_optimizer=with_optimizer)
        return
    path = pathlib.Path(filepath)
    if path.suffix in (".h5", ".hdf5"):
        if zipped:
            raise ValueError(f"`zipped=True` is for '.keras' files, got {path.name!r}.")
        may_replace(path, overwrite)
        legacy.save(model, path, archive.FORMAT, include_optimizer=with_optimizer)
        return
    if zipped is False:
        if path.suffix == ".keras":
            raise ValueError(
                f"`zipped=False` writes a folder, whose name does not end in '.keras'; got {path.name!r}."
            )
    elif path.suffix != ".keras":
        raise ValueError(
            f"The file name must end in '.keras' (or '.h5' for the format of the past), got {path.name!r}. "
            "For a folder, pass zipped=False."
        )
    may_replace(path, overwrite)
    archive.save(model, path, zipped=zipped is not False, include_optimizer=with_optimizer)


@folds_frames
def load_model(
    filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Read a model from a file of any age, without running anything from it.

    Args:
        filepath: A `.keras` file, a folder that `zipped=False` or `OrbaxCheckpoint` made, an old `.h5` or `.hdf5` file of Keras 1 to 3, or a
            file-like object that is open for reading bytes.
        custom_objects: Name -> class or function that the file may name, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.
        safe_mode: Kept for Keras: loading is always safe here; False raises an error.
        **kwargs: `sha256` (the checksum that the file must have, compared before anything is read), `limits` (the budgets
            of the loader, see `Limits`).

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
    expected, limits = kwargs.pop("sha256", None), kwargs.pop("limits", None)
    if kwargs:
        raise TypeError(f"load_model got unknown arguments: {', '.join(kwargs)}.")
    if safe_mode is False:
        raise ValueError(
            "`safe_mode=False` would run code from the file, which Lamina never does. Pass the functions that the "
            "model needs with `custom_objects`."
        )
    with limited(limits):
        if hasattr(filepath, "read"):
            return _load_object(filepath, custom_objects, compile, expected)
        return _load_path(pathlib.Path(filepath), custom_objects, compile, expected)


def _load_path(path: pathlib.Path, custom_objects: Any, compile: bool, expected: str | None) -> Any:
    if not path.exists():
        raise NoSuchFile(f"There is no file {path}.{_neighbor(path)}")
    check_sha256(path, expected)
    if checkpoints.is_checkpoint(path):
        return checkpoints.load(path, custom_objects, compile)
    if path.is_dir():
        _refuse_saved_model(path)
        return archive.load(path, path.name, custom_objects, compile)
    if path.name.endswith((".weights.h5", ".safetensors", ".npz", ".weights.json")):
        raise SerializationError(
            f"{path.name} holds weights alone: build the model and call `model.load_weights`."
        )
    if path.suffix in (".h5", ".hdf5"):
        return legacy.load(path, path.name, custom_objects, compile)
    if path.suffix != ".keras":
        with open(path, "rb") as file:
            kind = kind_of(file.read(32))
        raise SerializationError(
            f"{path.name}: models lie in files that end in '.keras' or '.h5'; this is {kind}."
        )
    with open(path, "rb") as file:
        if file.read(8) == _HDF5:
            raise SerializationError(f"{path.name} is an HDF5 file: rename it to end in '.h5'.")
    return archive.load(path, path.name, custom_objects, compile)


def _load_object(file: Any, custom_objects: Any, compile: bool, expected: str | None) -> Any:
    label = str(getattr(file, "name", "the file"))
    if not hasattr(file, "seek"):
        raise ValueError(f"{label}: a file-like object must be one that can be read at any place (`seek`).")
    check_sha256(file, expected)
    file.seek(0)
    old = file.read(8) == _HDF5
    file.seek(0)
    return (legacy if old else archive).load(file, label, custom_objects, compile)


def _neighbor(path: pathlib.Path) -> str:
    """A file beside with nearly that name."""
    if not path.parent.is_dir():
        return f" Nor is there a folder {path.parent}."
    return suggestion(path.name, [p.name for p in path.parent.iterdir()])


def _refuse_saved_model(path: pathlib.Path) -> None:
    if (path / "saved_model.pb").exists() or (path / "keras_metadata.pb").exists():
        raise SerializationError(
            f"{path.name} is a TensorFlow SavedModel, which is a program: Lamina does not run programs from files. Load it "
            "with the Keras that wrote it and save it as '.keras'."
        )


@public_in("lamina.models")
@folds_frames
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
    check_depth(config, "json")
    if config.get("module") is None:
        with CustomObjectScope(custom_objects or {}):
            config = upgraded(config, "json")
    return deserialize(config, custom_objects, where="json")
