"""The records of a run: a file of lines of JSON, which grows while training goes on."""

from __future__ import annotations

import json
import math
import pathlib
import re
from typing import Any

import numpy as np

ENDING = ".live.jsonl"


def begin(folder: Any, name: str) -> pathlib.Path:
    """An empty file for a new run in a folder, which is made when missing.

    Args:
        folder: The folder.
        name: What the run is called; a number makes it one that is not there yet.

    Returns:
        Its path.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"[^\w.-]+", "_", name).strip("._") or "model"
    number = 1 + max((_number(path) for path in folder.glob(f"*{ENDING}")), default=0)
    while True:
        path = folder / f"{number:04d}-{plain}{ENDING}"
        try:
            path.touch(exist_ok=False)  # of two processes that begin at once one takes the next number
            return path
        except FileExistsError:
            number += 1


def _number(path: pathlib.Path) -> int:
    digits = path.name.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def runs(folder: Any) -> list[str]:
    """The files of the runs in a folder, the first begun first."""
    found = [path for path in pathlib.Path(folder).glob(f"*{ENDING}") if path.is_file()]
    return [path.name for path in sorted(found, key=lambda path: (_number(path), path.name))]


def line(record: dict[str, Any]) -> str:
    """A record as a line that every reader of JSON takes: numbers that are not finite are texts."""
    return json.dumps(_plain(record), separators=(",", ":"), allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def read(path: Any, start: int = 0, most: int = 1 << 20) -> bytes:
    """Whole lines of a file from a place on, a megabyte at most; nothing where there is no whole line yet."""
    with open(path, "rb") as file:
        file.seek(start)
        text = file.read(most)
    return text[: text.rfind(b"\n") + 1]
