"""Ray itself, which is imported by who trains in its workers."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def imported(name: str) -> Any:
    """A module of Ray.

    Args:
        name: Such as "ray.train".

    Raises:
        ImportError: if Ray is not installed, or has no such module.
    """
    try:
        return import_module(name)
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing and missing != "ray":
            raise  # something that Ray or a framework needs
        raise ImportError(
            "lamina.distribution.ray needs Ray 2.60 or later with Ray Train: `pip install lamina[ray]`."
        ) from error
