"""The two historic formats that hold pickles, read without running anything of theirs.

A pickle is a program. Of its words only those are followed that build plain values: containers, numbers, bytes, text
and arrays of NumPy; any other name in it is an error, before anything is called.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, BinaryIO

import numpy as np

from lamina.errors import LaminaError


class UnsafeDataError(LaminaError, ValueError):
    """A data file that names anything but plain values."""


def _array(subtype: Any, shape: Any, dtype: Any) -> Any:
    """What NumPy's pickles begin an array with; its shape and bytes follow as its state."""
    if subtype is not np.ndarray:
        raise UnsafeDataError("The file holds an array of an unknown kind.")
    return np.ndarray.__new__(np.ndarray, (0,), "b")


def _bytes_of(text: Any, encoding: Any) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise UnsafeDataError("The file holds bytes in an unknown encoding.")
    return text.encode("latin1")


_NAMES = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _bytes_of,
}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _NAMES[_module, "_reconstruct"] = _array


class _Plain(pickle.Unpickler):
    """Finds the names of plain values only."""

    def find_class(self, module: str, name: str) -> Any:
        found = _NAMES.get((module, name))
        if found is None:
            raise UnsafeDataError(
                f"The file names {module}.{name}, but only plain values and arrays may stand in it. It is not the data "
                "set that it should be: remove it, and load it anew."
            )
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise UnsafeDataError("The file refers to something outside of it.")


def plain(file: BinaryIO, encoding: str = "bytes") -> Any:
    """The value in a pickle of plain values.

    Args:
        file: The pickle.
        encoding: How text of Python 2 is read.

    Raises:
        UnsafeDataError: if it names anything else, or is damaged.
    """
    try:
        return _Plain(file, encoding=encoding).load()
    except UnsafeDataError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file may raise anything
        raise UnsafeDataError(f"The file is damaged: {type(error).__name__}: {error}") from error


def arrays_of(path: Any) -> dict[str, np.ndarray]:
    """The arrays of an .npz file; those of objects (lists of numbers) are read as plain values.

    Raises:
        UnsafeDataError: if the file is damaged or holds anything else.
    """
    import zipfile

    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith(".npy"):
                    raise UnsafeDataError(f"{str(path)!r} holds {name!r}, which is no array.")
                with archive.open(name) as member:
                    found[name.removesuffix(".npy")] = _read_npy(io.BytesIO(member.read()))
    except (zipfile.BadZipFile, OSError) as error:
        raise UnsafeDataError(f"{str(path)!r} is damaged: {error}") from error
    return found


def _read_npy(file: io.BytesIO) -> np.ndarray:
    start = file.tell()
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
        if not dtype.hasobject:
            file.seek(start)
            return np.lib.format.read_array(file, allow_pickle=False)
    except ValueError as error:
        raise UnsafeDataError(f"An array in the file is damaged: {error}") from error
    values = plain(file, "latin1")
    if not isinstance(values, np.ndarray) or values.shape != shape:
        raise UnsafeDataError("An array in the file is none.")
    return values
