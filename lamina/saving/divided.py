"""Arrays of which no process holds all: a file of each process with its parts, in a folder; read by slices from anywhere.

The format is Lamina's own, so that to resume needs no package beside: safetensors files `0.safetensors`, `1.safetensors`,
... with parts "NAME.NUMBER", and in the metadata where each begins and a checksum of its bytes.
"""

from __future__ import annotations

import json
import os
import pathlib
import zlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from lamina.errors import SerializationError
from lamina.saving.parts import Part


def write(
    folder: pathlib.Path, rank: int, arrays: Iterable[tuple[str, list[tuple[Any, np.ndarray]]]]
) -> None:
    """Write what a process holds of some arrays.

    Args:
        folder: Where; it is made when missing.
        rank: The number of the process.
        arrays: For each its name, and (offsets, numbers) of the parts.
    """
    from safetensors.numpy import save_file

    folder.mkdir(exist_ok=True)
    tensors: dict[str, np.ndarray] = {}
    begins: dict[str, list[Any]] = {}
    for name, parts in arrays:
        for number, (offsets, part) in enumerate(parts):
            key = f"{name}.{number}"
            tensors[key] = plain(part)
            begins[key] = [list(offsets), checksum(tensors[key])]
    path = folder / f"{rank}.safetensors"
    save_file(tensors, path, {"lamina": json.dumps(begins)})
    with open(path, "rb") as file:
        os.fsync(file.fileno())


class Files:
    """The files of a folder that some processes wrote together.

    Args:
        folder: Where.
        count: How many processes wrote.

    Raises:
        SerializationError: if one is missing or not readable.
    """

    def __init__(self, folder: pathlib.Path, count: int) -> None:
        from safetensors import SafetensorError, safe_open

        self.folder = folder
        self._files: list[tuple[Any, dict[str, list[Any]]]] = []
        for rank in range(count):
            path = folder / f"{rank}.safetensors"
            try:
                file = safe_open(path, framework="numpy")
                begins = json.loads(file.metadata()["lamina"])
                if set(begins) != set(file.keys()):
                    raise ValueError("parts are missing")
            except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
                raise SerializationError(f"{path}: not readable ({error!s:.200}).") from None
            self._files.append((file, begins))

    def check(self, rank: int, count: int) -> None:
        """Compare the checksums of a share of the files: that of one process among several.

        Raises:
            SerializationError: if one does not fit.
        """
        for number in range(rank, len(self._files), count):
            file, begins = self._files[number]
            for key, (_, found) in begins.items():
                if checksum(file.get_tensor(key)) != found:
                    raise SerializationError(
                        f"{self.folder / str(number)}.safetensors: damaged, a checksum does not fit."
                    )

    def parts(self, dtypes: Mapping[str, Any]) -> dict[str, list[Part]]:
        """The parts of each array.

        Args:
            dtypes: Their dtypes by name.
        """
        found: dict[str, list[Part]] = {name: [] for name in dtypes}
        for file, begins in self._files:
            for key, (offsets, _) in begins.items():
                name = key.rpartition(".")[0]
                sizes = tuple(file.get_slice(key).get_shape())
                found[name].append(Part(tuple(offsets), sizes, partial(_read, file, key, dtypes[name])))
        return found


def _read(file: Any, key: str, dtype: Any) -> np.ndarray:
    return file.get_tensor(key).view(dtype)


def remove(folder: pathlib.Path) -> None:
    """Remove the files of such a folder, and the folder if nobody else has put anything there."""
    for path in folder.glob("*.safetensors"):
        if path.stem.isdecimal():
            path.unlink()
    if not any(folder.iterdir()):
        folder.rmdir()


def plain(array: np.ndarray) -> np.ndarray:
    """An array of a dtype that NumPy itself knows: those of ml_dtypes as integers of their width."""
    array = np.ascontiguousarray(array) if array.ndim else array
    return (
        array.view(f"u{array.dtype.itemsize}")
        if array.dtype.kind in "Vf" and array.dtype.isbuiltin != 1
        else array
    )


def checksum(array: np.ndarray, before: int = 0) -> int:
    """The CRC of an array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, before)
