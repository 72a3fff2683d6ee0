"""What a report of a problem needs, and what to do: versions, devices, caches, settings in force, effects on the process, and
what is not installed, with the line that installs it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamina import __version__ as lamina_version
from lamina import backends, config
from lamina.backends import process
from lamina.utils.download import cache_folder

EXAMPLE = "lamina doctor --json > report.json"
FAILURES: tuple[type[Exception], ...] = ()

# module -> (its package, what it is for, what pip is given), besides the frameworks of the backends
PACKAGES = {
    "h5py": ("h5py", "weights and models in HDF5", "h5py"),
    "safetensors": ("safetensors", "weights in safetensors", "safetensors"),
    "matplotlib": ("matplotlib", "history.plot()", "lamina[plot]"),
    "graphviz": ("graphviz", "pictures of models", "lamina[plot]"),
    "PIL": ("pillow", "reading and writing images", "lamina[image]"),
    "sklearn": ("scikit-learn", "lamina.wrappers", "lamina[sklearn]"),
    "tensorboardX": ("tensorboardX", "TensorBoard without its framework", "tensorboardX"),
    "orbax": ("orbax-checkpoint", "OrbaxCheckpoint", "orbax-checkpoint"),
}
# settings of others that change what Lamina does
_FOREIGN = (
    "KERAS_BACKEND", "KERAS_HOME", "CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS", "JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_X64",
    "XLA_FLAGS", "XLA_PYTHON_CLIENT_PREALLOCATE", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS", "TF_FORCE_GPU_ALLOW_GROWTH", "PYTORCH_CUDA_ALLOC_CONF",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--all", action="store_true", help="load every backend and list its devices (else the default one)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the tables")


def execute(given: argparse.Namespace) -> int:
    """Print the report; the exit status is 1 where something is wrong."""
    found = report(every_backend=given.all)
    print(json.dumps(found, indent=1)) if given.json else _show(found)
    return 1 if found["wrong"] else 0


def report(*, every_backend: bool = False) -> dict[str, Any]:
    """All that is known of this installation, as JSON can hold it.

    Args:
        every_backend: Whether to load all backends, for their devices, and not the default one alone.
    """
    wrong: list[str] = []
    return {
        "versions": versions(),
        "platform": {
            "system": platform.platform(),
            "python": sys.executable,
            "processors": os.cpu_count(),
            "virtual environment": sys.prefix != sys.base_prefix,
        },
        "backends": _backends(every_backend, wrong),
        "caches": _caches(),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith("LAMINA_") or name in _FOREIGN
        },
        "effects": {name: _effect(name) for name in process.EFFECTS},
        "missing": _missing(),
        "wrong": wrong,
    }


def versions() -> dict[str, str | None]:
    """The versions of Lamina, Python and the packages it uses; None for what is not installed."""
    found = {"lamina": lamina_version, "python": platform.python_version()}
    found |= {name: backends.version(name) for name in backends.NAMES}
    return found | {name: backends.version(name) for name in ("keras", *(p for p, _, _ in PACKAGES.values()))}


def _backends(every: bool, wrong: list[str]) -> dict[str, Any]:
    try:
        default = backends.default_name()
    except ValueError as error:
        wrong.append(str(error))
        default = None
    found: dict[str, Any] = {"default": default, "installed": list(backends.installed()), "devices": {}}
    for name in backends.installed() if every else [default] if default else []:
        try:
            found["devices"][name] = list(backends.load(name).devices(None))
        except Exception as error:  # noqa: BLE001 - a broken installation is what this looks for
            wrong.append(f"The backend {name!r} cannot be loaded: {error}")
    return found


def _caches() -> dict[str, Any]:
    compiled = config.compile_cache()
    places = {"compiled programs": compiled, "data sets and weights": cache_folder()}
    return {what: None if place is None else _folder(Path(place)) for what, place in places.items()}


def _folder(place: Path) -> dict[str, Any]:
    files = [p for p in place.rglob("*") if p.is_file()] if place.exists() else []
    free = shutil.disk_usage(next(p for p in (place, *place.parents) if p.exists())).free
    return {
        "folder": str(place),
        "files": len(files),
        "bytes": sum(p.stat().st_size for p in files),
        "free": free,
    }


def _effect(name: str) -> dict[str, Any]:
    effect = process.EFFECTS[name]
    return {"on": process.allows(name), "what": effect.what, "when": effect.when, "until": effect.undone}


def _missing() -> dict[str, dict[str, str]]:
    needed = {name: (f"the backend {name}", f"lamina[{name}]") for name in backends.TRAINED}
    needed |= {module: (what, line) for module, (_, what, line) in PACKAGES.items()}
    found = {
        name: {"for": what, "install": f"pip install {line!r}" if "[" in line else f"pip install {line}"}
        for name, (what, line) in needed.items()
        if find_spec(name) is None
    }
    if shutil.which("dot") is None:
        found["dot"] = {
            "for": "pictures of models",
            "install": "apt install graphviz, or brew install graphviz",
        }
    return found


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()

    def table(title: str, rows: dict[str, Any]) -> None:
        shown = Table(title=title, show_header=False, title_justify="left")
        shown.add_column(no_wrap=True)
        shown.add_column(overflow="fold")
        for name, value in rows.items():
            shown.add_row(escape(name), escape(str(value)))
        if rows:
            console.print(shown)

    table("versions", {name: value or "not installed" for name, value in found["versions"].items()})
    table("platform", found["platform"])
    known = found["backends"]
    devices = {f"devices of {name}": ", ".join(listed) for name, listed in known["devices"].items()}
    table("backends", {"default": known["default"], "installed": ", ".join(known["installed"]), **devices})
    table(
        "caches",
        {
            what: "off"
            if c is None
            else f"{c['folder']}: {c['files']} files, {c['bytes'] / 1e6:.1f} MB, {c['free'] / 1e9:.0f} GB free"
            for what, c in found["caches"].items()
        },
    )
    table("environment variables in force", found["environment"])
    table(
        "effects on the process (docs/backends.md)",
        {
            name: f"{'on' if e['on'] else 'off'}: {e['what'].replace('`', '')}"
            for name, e in found["effects"].items()
        },
    )
    table("not installed", {name: f"{m['for']}: {m['install']}" for name, m in found["missing"].items()})
    for text in found["wrong"]:
        console.print(f"[red]wrong[/red] {escape(text)}")
    if not found["wrong"]:
        console.print("[green]nothing is wrong[/green]")
