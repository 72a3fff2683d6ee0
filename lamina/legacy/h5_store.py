"""`keras.src.saving.saving_lib.H5IOStore`: arrays by the path of an object, as packages write beside whole models."""

from __future__ import annotations

import contextlib
from typing import Any

import h5py
import numpy as np

from lamina import ops
from lamina.saving import hdf5


class H5IOStore:
    """An HDF5 file in the layout of weights: the entry "a" of the object "inner/dense" lies at "inner/dense/vars/a".

    Args:
        path_or_io: A path or an open binary file.
        mode: "w" or "r".

    Raises:
        ValueError: for another mode.
    """

    def __init__(self, path_or_io: Any, archive: Any = None, mode: str = "r") -> None:
        if mode not in ("r", "w"):
            raise ValueError(f"H5IOStore: mode must be 'r' or 'w', got {mode!r}.")
        if archive is not None:
            raise ValueError(
                "H5IOStore: give a path or an open file; members of archives are not written singly."
            )
        self.mode = mode
        self._stack = contextlib.ExitStack()
        if mode == "r":
            file = self._stack.enter_context(hdf5.opened(path_or_io))
            self._tensors: Any = hdf5.TensorFile(file, str(path_or_io))
        else:
            self.h5_file = self._stack.enter_context(h5py.File(path_or_io, "w"))

    def make(self, path: str, metadata: dict[str, Any] | None = None) -> Any:
        """A place to write the entries of one object: `place[name] = array`."""
        if self.mode != "w":
            raise ValueError("H5IOStore.make writes: open the file with mode='w'.")
        group = self.h5_file.require_group(f"{path}/vars" if path else "vars")
        group.attrs.update(metadata or {})
        return _Entries(group)

    def get(self, path: str) -> dict[str, Any]:
        """The entries of one object by name; none if the file has no such object."""
        if self.mode != "r":
            raise ValueError("H5IOStore.get reads: open the file with mode='r'.")
        start = f"{path}/vars" if path else "vars"
        names = [p for p in self._tensors.below(start) if "/" not in p[len(start) + 1 :]]
        return {
            p[len(start) + 1 :]: self._tensors.read(p, tuple(self._tensors.tensors[p].shape)) for p in names
        }

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def __enter__(self) -> H5IOStore:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Entries:
    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def __setitem__(self, name: str, value: Any) -> None:
        hdf5.write_tensor(self._group, name, np.asarray(ops.convert_to_numpy(value)))


__all__ = ["H5IOStore"]
