"""What layers keep in a model's file beside config and weights: vocabularies, and whatever a user's layer writes.

Members lie under `assets/`, at the path of their layer. Lamina's own layers hand over bytes; a user's layer that has
`save_assets(dir_path)` and `load_assets(dir_path)` is given a fresh, private folder.
"""

from __future__ import annotations

import pathlib
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.saving.tree import places

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,200}")  # of a file: no folder, nothing hidden


def _folder(path: str) -> str:
    return f"assets/{path}/" if path else "assets/"


def _owners(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers that have files of their own, with their folders in the archive."""
    for place in places(model):
        if hasattr(place.owner, "_assets") or hasattr(place.owner, "save_assets"):
            yield _folder(place.path), place.owner


def write(model: Any, archive: zipfile.ZipFile) -> None:
    """Write the files of all layers into an archive."""
    for folder, owner in _owners(model):
        files = owner._assets() if hasattr(owner, "_assets") else _saved_by(owner)
        for name, data in files.items():
            archive.writestr(folder + name, data)


def _saved_by(owner: Any) -> dict[str, bytes]:
    """What `save_assets` of a user's layer writes."""
    with tempfile.TemporaryDirectory(prefix="lamina-assets-") as folder:
        owner.save_assets(folder)
        found = sorted(pathlib.Path(folder).iterdir())
        for path in found:
            if path.is_symlink() or not path.is_file() or not _NAME.fullmatch(path.name):
                raise SerializationError(
                    f"Layer {owner.name!r}: `save_assets` made {path.name!r}. It may make plain files with plain names only."
                )
        return {path.name: path.read_bytes() for path in found}


def read(model: Any, archive: zipfile.ZipFile, member: Callable[[str], bytes], label: str) -> None:
    """Hand its files to each layer.

    Args:
        model: The model.
        archive: The open archive.
        member: Reads a member by its name, within the loader's limits.
        label: The file, for errors.

    Raises:
        SerializationError: if a file belongs to no layer, or its name is none of a plain file.
    """
    names = [n for n in archive.namelist() if n.startswith("assets/") and not n.endswith("/")]
    if len(names) > in_force().members:
        raise SerializationError(
            f"{label}: the archive holds {len(names)} assets, more than {in_force().members}."
        )
    left = set(names)
    for folder, owner in _owners(model):
        own = [n for n in names if n.startswith(folder) and "/" not in n[len(folder) :]]
        left -= set(own)
        if own:
            _hand_over(owner, {n[len(folder) :]: n for n in own}, member, label)
    if left:
        raise SerializationError(
            f"{label}: these assets belong to no layer of the model: {sorted(left)[:5]}."
        )


def _hand_over(owner: Any, own: dict[str, str], member: Callable[[str], bytes], label: str) -> None:
    for name in own:
        if not _NAME.fullmatch(name):
            raise SerializationError(f"{label}: {own[name]!r} is not the name of a plain file.")
    files = {name: member(full) for name, full in own.items()}
    if hasattr(owner, "_set_assets"):
        owner._set_assets(files)
        return
    with tempfile.TemporaryDirectory(prefix="lamina-assets-") as folder:
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        owner.load_assets(folder)
