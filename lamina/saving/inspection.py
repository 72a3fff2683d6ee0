"""What a file holds, and what of it the loader refuses, without making an object of it."""

from __future__ import annotations

import json
import math
import pathlib
from collections import Counter
from contextlib import contextmanager
from typing import Any

from lamina.core import codec
from lamina.core.limits import in_force
from lamina.core.registry import CustomObjectScope
from lamina.errors import SerializationError
from lamina.saving import attributes, hdf5, members
from lamina.saving.checksum import sha256
from lamina.saving.legacy import configs
from lamina.saving.legacy import weights as by_layer
from lamina.saving.weight_files import opened_source


def scan(path: Any, custom_objects: Any = None) -> dict[str, Any]:
    """What a file holds, and why the loader would refuse it; nothing is built and no number is read.

    Args:
        path: A file or folder that `load_model` or `load_weights` takes.
        custom_objects: Names that the file may use, as for `load_model`.

    Returns:
        `path`, `kind`, `bytes`, `sha256`, `version` (of Keras), `classes` (name -> count), `layers` (name and class),
        `compiled`, `assets`, `tensors` (path, shape, dtype), `parameters`, and `refused`: a list of reasons, empty for a
        file that breaks no rule.

    Raises:
        FileNotFoundError: if there is no such file.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.save("model.keras")
        >>> found = lamina.saving.scan("model.keras")
        >>> found["parameters"], found["refused"]
        (3, [])
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    found: dict[str, Any] = {
        "path": str(path), "kind": "folder" if path.is_dir() else path.suffix.lstrip(".") or "unknown",
        "bytes": sum(p.lstat().st_size for p in path.rglob("*")) if path.is_dir() else path.stat().st_size,
        "sha256": None if path.is_dir() else sha256(path), "version": None, "classes": {}, "layers": [], "compiled": False,
        "assets": [], "tensors": [], "parameters": 0, "refused": [],
    }  # fmt: skip
    with CustomObjectScope(custom_objects or {}):
        if path.is_dir() or path.suffix == ".keras":
            with _noted(found), members.opened(path, path.name) as parts:
                _scan_parts(parts, found)
        elif path.suffix in (".h5", ".hdf5") and _scan_old(path, found):
            return _counted(found)
        with _noted(found), opened_source(path) as source:
            _note_tensors(source.tensors, found)
    return _counted(found)


def info(path: Any, custom_objects: Any = None) -> dict[str, Any]:
    """The short form of `scan`: kind, size, version, layers and parameters, without tensors and checksum.

    Args:
        path: A file or folder.
        custom_objects: Names that the file may use.

    Returns:
        The entries of `scan` but `tensors`, `sha256` and `classes`.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> model.save("model.keras")
        >>> lamina.saving.info("model.keras")["kind"]
        'keras'
    """
    return {k: v for k, v in scan(path, custom_objects).items() if k not in ("tensors", "sha256", "classes")}


@contextmanager
def _noted(found: dict[str, Any]) -> Any:
    """A block whose refusal is noted, not raised."""
    try:
        yield
    except (SerializationError, ValueError) as error:
        if (text := str(error)) not in found["refused"]:
            found["refused"].append(text)


def _counted(found: dict[str, Any]) -> dict[str, Any]:
    found["parameters"] = sum(
        math.prod(t["shape"]) for t in found["tensors"] if not t["path"].startswith("optimizer")
    )
    return found


def _scan_parts(parts: members.Members, found: dict[str, Any]) -> None:
    found["assets"] = [n for n in parts.namelist() if n.startswith("assets/") and not n.endswith("/")]
    if "metadata.json" in parts.namelist():
        metadata = parts.json("metadata.json")
        found["version"] = str(metadata.get("keras_version")) if isinstance(metadata, dict) else None
    _scan_config(parts.json("config.json"), found)


def _scan_old(path: pathlib.Path, found: dict[str, Any]) -> bool:
    """Note what an old HDF5 file holds; whether it is one."""
    with _noted(found), hdf5.opened(path, path.name) as file:
        if not by_layer.is_legacy(file):
            return False
        found["kind"] = "old weights"
        found["version"] = attributes.text(file, "keras_version", path.name)
        text = attributes.text(file, "model_config", path.name)
        if text is not None:
            found["kind"] = "old model"
            config = configs.read_json(text, path.name, "model_config")
            found["compiled"] = "training_config" in file.attrs
            _scan_config(configs.upgraded(config, path.name), found)
        tensors, entries = by_layer.entries(file, path.name)
        listed = {p for e in entries for p in e.paths}
        _note_tensors({p: t for p, t in tensors.tensors.items() if p in listed}, found)
    return True


def _scan_config(config: Any, found: dict[str, Any]) -> None:
    if not isinstance(config, dict):
        raise SerializationError("The configuration does not describe a model.")
    classes: Counter[str] = Counter()
    waiting: list[tuple[Any, int]] = [(config, 0)]
    while waiting:
        value, depth = waiting.pop()
        if depth > in_force().config_depth:
            raise SerializationError(
                f"The configuration is nested more than {in_force().config_depth} levels deep."
            )
        if isinstance(value, dict):
            name = value.get("class_name")
            if isinstance(name, str) and not name.startswith("__") and "config" in value:
                classes[name] += 1
            if name == "__lambda__":
                found["refused"].append("The file holds a lambda as Python bytecode.")
            value = list(value.values())
        if isinstance(value, list):
            waiting += [(v, depth + 1) for v in reversed(value)]
    found["classes"] = dict(sorted(classes.items()))
    found["compiled"] = found["compiled"] or bool(config.get("compile_config"))
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and isinstance(layer.get("config"), dict):
            found["layers"].append(
                {"name": str(layer["config"].get("name")), "class": str(layer.get("class_name"))}
            )
    found["refused"] += [
        f"{name!r} is not a class or function that a file may name." for name in codec.names_missing(config)
    ]


def _note_tensors(tensors: Any, found: dict[str, Any]) -> None:
    found["tensors"] = [
        {"path": path, "shape": list(t.shape), "dtype": str(t.dtype)} for path, t in sorted(tensors.items())
    ]


# -- for the command line ----------------------------------------------------------------------------------------------


def scan_command(argv: list[str]) -> int:
    """`lamina scan FILE... [--json]`: the exit status is 1 if a file is refused, 2 if one is missing."""
    return _command(argv, scan, "scan")


def info_command(argv: list[str]) -> int:
    """`lamina info FILE... [--json]`: the exit status is 1 if a file is refused, 2 if one is missing."""
    return _command(argv, info, "info")


def _command(argv: list[str], what: Any, name: str) -> int:
    import argparse

    parser = argparse.ArgumentParser(prog=f"lamina {name}", description=(what.__doc__ or "").split("\n")[0])
    parser.add_argument("file", nargs="+", help="a file or folder of Keras or Lamina")
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")
    given = parser.parse_args(argv)
    status = 0
    for path in given.file:
        try:
            found = what(path)
        except OSError as error:
            found = {"path": path, "refused": [str(error)]}
            status = 2
        if found["refused"]:
            status = max(status, 1)
        if given.json:
            print(json.dumps(found))
        else:
            _show(found)
    return status


def _show(found: dict[str, Any]) -> None:
    """Tables; control characters in names of the file are shown as escapes."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()

    def clean(value: Any) -> str:
        return escape("".join(c if c.isprintable() else repr(c)[1:-1] for c in str(value)))

    table = Table(title=clean(found["path"]), show_header=False, title_justify="left")
    for key in ("kind", "version", "bytes", "sha256", "parameters", "compiled"):
        if key in found:
            table.add_row(key, clean(found[key]))
    console.print(table)
    for key, columns in (("layers", ("name", "class")), ("tensors", ("path", "shape", "dtype"))):
        if found.get(key):
            rows = Table(*columns, title=key, title_justify="left")
            for entry in found[key]:
                rows.add_row(*(clean(entry[c]) for c in columns))
            console.print(rows)
    for reason in found["refused"]:
        console.print(f"[red]refused[/red] {clean(reason)}")
    if not found["refused"]:
        console.print("[green]no rule of the loader is broken[/green]")
