"""Where data sets come from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lamina.utils.download import get_file

BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def fetch(name: str, file_hash: str | None = None, base: str = BASE, **more: Any) -> str:
    """The path of a data set's file: a path that exists is taken as it is; `$LAMINA_DATASETS` names another address.

    Args:
        name: The file's name, or a path.
        file_hash: What its hash must be, when it comes from the usual address.
        base: The usual address.
        **more: For `get_file`.
    """
    if Path(name).is_absolute() and Path(name).is_file():
        return name
    other = os.environ.get("LAMINA_DATASETS")
    if other:
        base, file_hash = other.rstrip("/") + "/", None
    return get_file(name, origin=base + name, file_hash=file_hash, **more)
