"""Arrays from anything that holds rows: tables, sparse matrices, files that are larger than memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.sparse import densified
from lamina.kernel import dtypes
from lamina.kernel.context import current, processes
from lamina.kernel.trees import leaves, map_leaves

# bytes above which data is not converted or moved to the device as a whole, but in chunks
MEMORY_BUDGET = 2 << 30
HOST_BUDGET = 64 << 20  # the same where the device's memory is the host's, so that a copy gains nothing
FILE_BUDGET = 256 << 20  # of one array that lies in a file


class Rows:
    """An array of which rows are read and converted when they are needed.

    Args:
        source: Anything with a shape, a dtype and rows that can be taken by a slice or by sorted numbers.
        start, stop: The part of it.
    """

    def __init__(self, source: Any, start: int = 0, stop: int | None = None) -> None:
        self.source, self.start = source, start
        self.stop = source.shape[0] if stop is None else stop
        self.shape = (self.stop - start, *source.shape[1:])
        kind = np.dtype(source.dtype)
        self.dtype = np.dtype(dtypes.standardize(None)) if kind.kind == "f" else kind.newbyteorder("=")

    def __getitem__(self, rows: slice) -> Rows:
        first, last, step = rows.indices(self.shape[0])
        if step != 1:
            raise ValueError("Rows can be cut, but not in steps.")
        return Rows(self.source, self.start + first, self.start + max(first, last))

    def take(self, places: np.ndarray) -> np.ndarray:
        """The rows at these places, in that order, converted."""
        if len(places) and places[-1] - places[0] == len(places) - 1 and np.all(np.diff(places) == 1):
            found = self.source[self.start + int(places[0]) : self.start + int(places[-1]) + 1]
        else:  # files are read in their own order, which is faster, and what HDF5 asks for
            order = np.argsort(places, kind="stable")
            found = np.empty((len(places), *self.shape[1:]), self.dtype)
            found[order] = _dense(self.source[self.start + places[order].astype(np.int64)])
        return _dense(found).astype(self.dtype, copy=False)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        found = self.take(np.arange(self.shape[0]))
        return found if dtype is None else found.astype(dtype)


def _dense(x: Any) -> np.ndarray:
    return x.toarray() if hasattr(x, "toarray") else np.asarray(x)


def take_rows(leaf: Any, places: np.ndarray) -> Any:
    """Rows of an array, a tensor or `Rows`, on the host; None stays."""
    if leaf is None:
        return None
    return leaf.take(places) if isinstance(leaf, Rows) else np.asarray(leaf).take(places, 0)


def size_of(leaf: Any) -> int:
    """The bytes of an array as it will be on the device."""
    if leaf is None:
        return 0
    return int(np.prod(leaf.shape, dtype=np.int64)) * np.dtype(_name(leaf.dtype)).itemsize


def _name(dtype: Any) -> Any:
    try:
        return np.dtype(dtype)
    except TypeError:  # a framework's own dtype
        return np.dtype("float32")


# -- from anything -----------------------------------------------------------------------------------------------------


def _is_numbers(x: Any) -> bool:
    """Whether a list is an array written out (numbers at the bottom), not a structure of arrays."""
    while isinstance(x, list | tuple) and x:
        x = x[0]
    return isinstance(x, bool | int | float | str | np.generic)


def _is_sparse(x: Any) -> bool:
    return hasattr(x, "toarray") and hasattr(x, "nnz")


def _is_frame(x: Any) -> bool:
    """Whether `x` is a table of columns without a way to NumPy of its own (Arrow)."""
    return hasattr(x, "column_names") and hasattr(x, "columns") and not hasattr(x, "to_numpy")


def as_array(x: Any, what: str, *, texts: bool = False) -> Any:
    """A NumPy array (or a tensor of the backend, as it is) from any table or tensor; floats in the default width.

    What is too large to be converted at once becomes `Rows`.
    """
    if x is None or isinstance(x, Rows):
        return x
    if _is_sparse(x):
        x = x.tocsr() if size_of(x) > MEMORY_BUDGET else x.toarray()
    elif _is_frame(x):
        x = np.column_stack([np.asarray(column) for column in x.columns])
    elif isinstance(x, np.memmap) or _in_file(x):
        # of several processes each reads its own rows, however small the file is
        apart = processes()[1] > 1 and np.dtype(x.dtype).kind in "biuf"
        return (
            Rows(x) if apart or size_of(x) > FILE_BUDGET else as_array(np.asarray(x[...]), what, texts=texts)
        )
    elif not isinstance(x, np.ndarray):
        x = densified(current(), x)
        if isinstance(x, current().Tensor):
            return x
        x = (
            x.to_numpy()
            if hasattr(x, "to_numpy")
            else np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        )
    return x if texts and _holds_texts(x) else _standard(x, what)


def _in_file(x: Any) -> bool:
    """Whether `x` is an array of HDF5, Zarr or the like: rows are read by slices."""
    return (
        hasattr(x, "chunks") and hasattr(x, "shape") and hasattr(x, "dtype") and not isinstance(x, np.ndarray)
    )


def _holds_texts(x: Any) -> bool:
    return x.dtype.kind in "SU" or bool(x.dtype == object and x.size and isinstance(x.flat[0], str))


def _standard(x: Any, what: str) -> Any:
    texts = _holds_texts(x)
    if texts and what == "`x`":
        raise ValueError(
            f"`x` holds texts ({str(x.flat[0]) if x.size else ''!r:.40}, ...), which the model cannot compute with. Encode "
            "them first: categories with layers.StringLookup(vocabulary=...) (in the model, behind "
            "Input(shape, dtype='string'), or before it), texts with layers.TextVectorization."
        )
    if texts:
        raise ValueError(
            f"{what} holds texts ({str(x.flat[0]) if x.size else ''!r:.40}, ...): encode them as numbers, for classes from 0 on: "
            "classes, y = numpy.unique(y, return_inverse=True)."
        )
    if x.dtype == object:
        try:
            x = x.astype(dtypes.standardize(None))
        except (TypeError, ValueError):
            raise ValueError(
                f"{what} is an array of Python objects (dtype object), which cannot be trained on. Rows of different "
                "lengths must be padded; texts and categories must be encoded as numbers."
            ) from None
    if _is_sparse(x):
        return Rows(x)
    if x.dtype.kind == "f" and x.dtype.name != dtypes.standardize(None):
        return Rows(x) if size_of(x) > MEMORY_BUDGET else x.astype(dtypes.standardize(None))
    return (
        x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))
    )  # from a file of another kind of machine


def arrays(structure: Any, what: str, *, texts: bool = False) -> Any:
    """The structure with every leaf an array; texts are refused unless the model's part on the host takes them."""
    whole = _is_frame(structure) or (hasattr(structure, "to_numpy") and not isinstance(structure, dict))
    if whole or (isinstance(structure, list | tuple) and _is_numbers(structure)):
        return as_array(structure, what, texts=texts)
    return map_leaves(lambda leaf: as_array(leaf, what, texts=texts), structure)


def is_array_like(x: Any) -> bool:
    """Whether `x` is data in memory (not a source of batches)."""
    if x is None:
        return False
    if isinstance(x, dict):
        return all(v is None or is_array_like(v) for v in x.values())  # None: an optional input
    if isinstance(x, list | tuple):
        return _is_numbers(x) or all(v is None or is_array_like(v) for v in x)
    if hasattr(x, "to_numpy") or _is_frame(x):
        return True
    return hasattr(x, "shape") and (hasattr(x, "dtype") or hasattr(x, "dtypes"))


def is_table(x: Any) -> bool:
    """Whether `x` is a data set of named columns whose rows can be taken by number (Hugging Face)."""
    return hasattr(x, "column_names") and hasattr(x, "with_format") and hasattr(x, "__len__")


def table_parts(x: Any, y: Any) -> tuple[Any, Any]:
    """The columns of a table as inputs and targets.

    Args:
        x: The table.
        y: The name of the target's column, or several.

    Raises:
        ValueError: if a name is no column, or none is given.
    """
    names = list(x.column_names)
    targets = [y] if isinstance(y, str) else y
    if not isinstance(targets, list | tuple) or not all(isinstance(n, str) for n in targets):
        raise ValueError(
            f"A data set of columns ({type(x).__name__}) needs the name of the target: fit(data, y='label'). Its columns: "
            f"{', '.join(names)}."
        )
    unknown = [n for n in targets if n not in names]
    if unknown:
        raise ValueError(f"There is no column {unknown[0]!r}. Columns: {', '.join(names)}.")
    columns = x.with_format("numpy")[:]
    inputs = {n: np.asarray(columns[n]) for n in names if n not in targets}
    found = {n: np.asarray(columns[n]) for n in targets}
    plain = next(iter(inputs.values())) if len(inputs) == 1 else inputs
    return plain, next(iter(found.values())) if isinstance(y, str) else found


def count_rows(parts: dict[str, Any]) -> int:
    """The number of rows that all parts share.

    Raises:
        ValueError: if they differ, or an array has no rows axis; all are listed.
    """
    sizes = {}
    for name, structure in parts.items():
        flat = [leaf for leaf in leaves(structure) if leaf is not None]
        for i, leaf in enumerate(flat):
            label = name if len(flat) == 1 else f"{name}[{i}]"
            if not leaf.shape:
                raise ValueError(f"{label} is a single number: data needs a first axis that counts the rows.")
            sizes[label] = int(leaf.shape[0])
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{label} has {n}" for label, n in sizes.items())
        count = len(list(leaves(parts.get("x"))))
        rows = count > 1 and isinstance(parts["x"], list) and sizes.get("y") == count
        hint = (
            f" A list of {count} arrays is {count} inputs: if they are rows, make one array, numpy.stack(x)."
            if rows
            else ""
        )
        raise ValueError(f"All data must have the same number of rows: {listed}.{hint}")
    if not sizes:
        raise ValueError("There is no data: `x` is empty or None.")
    return next(iter(sizes.values()))
