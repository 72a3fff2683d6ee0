"""Strings from anything that holds some: lists, arrays, columns of tables, tensors of strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.layers.preprocessing.packed import PIECE, Packed, joined, pack, pack_array


class Strings:
    """Strings in the order of an array, and its shape.

    Args:
        flat: A list of `str` or `bytes`, or a NumPy array of them (`U`, `S`, or objects in one axis), of which no list is
            made unless somebody asks for one.
        shape: Of the array that they stand in.
        plain: Whether all are `str`, if that is known.
        together: What `joined` makes of them, if that was made already.
    """

    __slots__ = ("_flat", "array", "plain", "shape", "together")
    dtype = "string"

    def __init__(
        self, flat: Any, shape: tuple[int, ...], plain: bool | None = None, together: list[str] | None = None
    ) -> None:
        fixed = isinstance(flat, np.ndarray) and flat.dtype.kind != "O"
        self.array: np.ndarray | None = flat if fixed else None  # of `U` or `S`
        self._flat: Any = None if fixed else flat
        self.shape, self.plain, self.together = shape, plain, together

    def __len__(self) -> int:
        return len(self._flat) if self.array is None else self.array.size

    @property
    def flat(self) -> list[Any]:
        """All of them, as `str` or `bytes`."""
        if not isinstance(self._flat, list):
            line: np.ndarray = self._flat if self.array is None else self.array.ravel()
            self._flat = line.tolist()
        return self._flat

    def mapped(self, encoding: str, function: Callable[[Packed], np.ndarray]) -> np.ndarray:
        """A number for each string, from a function of some of them at a time: as many as stay in the cache.

        Args:
            encoding: How text becomes bytes.
            function: Of the bytes of some strings in one buffer.
        """
        found = [function(self._piece(i, encoding)) for i in range(0, max(len(self), 1), PIECE)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _piece(self, start: int, encoding: str) -> Packed:
        some = slice(start, start + PIECE)
        texts = self._flat[some] if self.array is None else self.array.reshape(-1)[some]
        if self.array is not None and (packed := pack_array(texts)) is not None:
            return packed
        return pack(texts, encoding, self.together[start // PIECE] if self.together else None)

    def text(self, encoding: str) -> list[str]:
        """All of them as `str`; bytes that are no text in this encoding survive the way there and back."""
        flat = self.flat
        if self.plain is None:
            self.plain = bytes not in set(map(type, flat))
        if self.plain:
            return flat
        return [t.decode(encoding, "surrogateescape") if isinstance(t, bytes) else t for t in flat]

    def reshaped(self, shape: tuple[int, ...]) -> Strings:
        """The same strings in an array of another shape."""
        return Strings(self._flat if self.array is None else self.array, shape, self.plain, self.together)

    def take(self, places: Any, axis: int = 0) -> Strings:
        """Some of the rows."""
        if self.array is not None:
            chosen = self.array.reshape(self.shape)[places]
            return Strings(chosen, chosen.shape, self.plain)
        width = int(np.prod(self.shape[1:], dtype=np.int64))
        flat = self.flat
        chosen = [t for p in places.tolist() for t in flat[p * width : (p + 1) * width]]
        return Strings(chosen, (len(places), *self.shape[1:]))

    def numpy(self, encoding: str) -> np.ndarray:
        """An array of Python strings."""
        out = np.empty(len(self.flat), object)
        out[:] = self.text(encoding)
        return out.reshape(self.shape)

    def __repr__(self) -> str:
        return f"Strings of shape {self.shape}: {self.flat[:3]!r:.80}"


def is_strings(x: Any) -> bool:
    """Whether x holds strings, as far as its kind or its first element says."""
    if isinstance(x, str | bytes | Strings):
        return True
    if isinstance(x, list | tuple):
        return bool(x) and is_strings(x[0])
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    if kind in ("U", "S", "T"):
        return True
    if kind == "O":  # also categories and texts of pandas
        first = (
            next(iter(np.asarray(x[:1]).flat), None) if len(getattr(x, "shape", ())) else np.asarray(x).item()
        )
        return isinstance(first, str | bytes)
    if kind is not None:
        return False
    name = str(getattr(x, "type", getattr(x, "dtype", ""))).lower()  # of Arrow, of polars, of tensors
    return any(word in name for word in ("string", "utf8", "str", "categorical", "enum"))


def strings(x: Any, where: str) -> Strings:
    """The strings in x.

    Args:
        x: A string, nested lists of one shape, an array, a column (pandas, polars, Arrow), a tensor of strings.
        where: Who asks, for errors.

    Raises:
        TypeError: if there is anything else in it.
        ValueError: if rows have different lengths.
    """
    if isinstance(x, Strings):
        return x
    if isinstance(x, str | bytes):
        return Strings([x], ())
    if isinstance(x, list) and x and (together := joined(x)) is not None:
        return Strings(x, (len(x),), True, together)
    array = _array(x, where)
    if array.dtype.kind in "US":  # nothing else is in them
        return Strings(array, array.shape, array.dtype.kind == "U")
    line = array.reshape(-1)
    together = joined(line)
    if together is None:
        _check(line.tolist(), where, x)
    return Strings(line, array.shape, None if together is None else True, together)


def _array(x: Any, where: str) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return x
    if hasattr(x, "to_pylist"):  # Arrow, whose own arrays of strings are slower to make
        x = x.to_pylist()
    elif hasattr(x, "__array__"):  # pandas, polars, tensors
        return np.asarray(x)
    if not isinstance(x, list | tuple):
        if not hasattr(x, "__iter__"):
            raise TypeError(f"{where} takes strings, got {type(x).__name__}.")
        x = list(x)
    try:
        made = np.asarray([_plain(item) for item in x], object)
    except ValueError:
        made = None
    if made is None or any(isinstance(item, list | tuple | np.ndarray) for item in made.ravel()[:1000]):
        raise ValueError(
            f"{where}: the rows have different numbers of strings. Pad them to one length, as with the mask token."
        )
    return made


def _plain(item: Any) -> Any:
    return np.asarray(item).tolist() if hasattr(item, "__array__") else item


def _check(flat: list[Any], where: str, given: Any) -> None:
    kinds = set(map(type, flat)) - {str, bytes}
    strange = [k for k in kinds if not issubclass(k, str | bytes)]
    if not strange:
        return
    place = next(i for i, t in enumerate(flat) if isinstance(t, strange[0]))
    value = flat[place]
    if value is None or value != value or type(value).__name__ == "NAType":
        raise TypeError(
            f"{where} takes strings, but value {place} is missing ({value!r}). Fill it first, as with an empty string."
        )
    dtype = getattr(given, "dtype", None)
    raise TypeError(
        f"{where} takes strings, got {'dtype ' + str(dtype) if dtype is not None else type(value).__name__} "
        f"(value {place} is {value!r:.40}). Convert numbers with `.astype(str)`, or use the layer for integers."
    )
