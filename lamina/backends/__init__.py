"""The frameworks that Lamina runs on: one subpackage each, imported when it is first asked for.

A backend is a module that has the functions of `lamina.kernel.contract`. All have the same files: `array.py`,
`elementwise.py`, `reduction.py`, `shaping.py`, `linear.py`, `neural.py`, `control.py`, `random.py`, `device.py`.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from lamina.backends import cache, process
from lamina.errors import BackendError, suggestion
from lamina.kernel.contract import Kernel
from lamina.kernel.interpreter import Interpreter


class Known(NamedTuple):
    """What is known of a framework before its backend is loaded, which may never be: a program may only have imported it.

    Attributes:
        seed: Its function that seeds its generators, if it has any.
        guests: Whether layers are made objects of it (`kernel.guests`).
        pipelines: Whether it has data sets of its own, which trace what they call into graphs.
        scopes: Whether it has scopes of its own in which models are made to be spread over devices.
    """

    seed: str | None = None
    guests: bool = False
    pipelines: bool = False
    scopes: bool = False


KNOWN = {  # in order of preference
    "jax": Known(),
    "torch": Known(seed="manual_seed", guests=True),
    "tensorflow": Known(seed="random.set_seed", guests=True, pipelines=True, scopes=True),
    "numpy": Known(seed="random.seed"),
}
NAMES = tuple(KNOWN)
TRAINED = NAMES[:3]  # those that have gradients


@functools.cache
def load(name: str) -> Kernel:
    """The interpreter of a backend.

    Args:
        name: One of `NAMES`.

    Returns:
        An `Interpreter` of the backend's module; the same one each time.

    Raises:
        ValueError: if no backend has this name.
        BackendError: if its framework is not installed.

    Example:
        >>> from lamina import backends
        >>> backends.load("numpy").name
        'numpy'
    """
    _check(name, "load")
    if not _is_installed(name):
        raise BackendError(
            f"The backend {name!r} needs the package {name!r}, which is not installed. Install it with "
            f"`pip install lamina[{name}]`, or choose one of those installed: {', '.join(installed())}."
        )
    process.keep_memory_if_asked()
    with process.collector_paused():
        kernel = Interpreter(import_module(f"{__name__}.{name}"))
    kernel.compile_cache(cache.folder())
    return kernel


def installed() -> tuple[str, ...]:
    """The names of the backends whose framework is installed, in order of preference."""
    return tuple([name for name in NAMES if _is_installed(name)])


def version(name: str) -> str | None:
    """The version of a backend's framework that is installed, also as a build for processors alone; None without one."""
    for distribution in (name, f"{name}-cpu"):
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return None


def loaded() -> tuple[str, ...]:
    """The names of the backends that are in use in this process."""
    return tuple([name for name in NAMES if f"{__name__}.{name}" in sys.modules])


def default_name() -> str:
    """The backend to use when a program names none.

    The first of: `LAMINA_BACKEND`, `KERAS_BACKEND`, "backend" in `~/.lamina/lamina.json`, the first one installed of
    `NAMES`. The file of Keras is not read: Keras writes it unasked, so it is nobody's choice.

    Raises:
        ValueError: if one of these names a backend that does not exist.
    """
    for variable in ("LAMINA_BACKEND", "KERAS_BACKEND"):
        if name := os.environ.get(variable):
            return _check(name.lower(), f"the environment variable {variable}")
    if own := _read_config(Path.home() / ".lamina/lamina.json"):
        return _check(own, "~/.lamina/lamina.json")
    return installed()[0]


def with_offers() -> list[str]:
    """The default backend, if layers are to be objects of its framework (`kernel.guests`)."""
    try:
        name = default_name()
    except ValueError:  # said when a backend is needed
        return []
    return [name] if KNOWN[name].guests else []


def _is_installed(name: str) -> bool:
    return find_spec(name) is not None


def host() -> Any:
    """The interpreter that needs no framework: for work on the host, beside a model."""
    return load("numpy")


WITH_PIPELINES = next(name for name, known in KNOWN.items() if known.pipelines)
PIPELINES = f"{__name__}.{WITH_PIPELINES}.datasets"  # the module that makes data sets of a framework's own


def has_pipelines() -> bool:
    """Whether the framework of `PIPELINES` is installed."""
    return _is_installed(WITH_PIPELINES)


def _check(name: str, source: str) -> str:
    if name not in NAMES:
        raise ValueError(
            f"Unknown backend {name!r} (from {source}).{suggestion(name, NAMES)} "
            f"Backends: {', '.join(NAMES)}."
        )
    return name


def _read_config(path: Path) -> str | None:
    """The backend that a config file names; a file that is absent or names none says nothing."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"The config file {path} cannot be read: {error}. Mend or remove it.") from error
    return config.get("backend") if isinstance(config, dict) else None
