"""Small numeric helpers on NumPy arrays and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.errors import PlaceError
from lamina.kernel.tracebacks import folds_frames


@folds_frames
def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot rows.

    Args:
        x: Integers (any shape); a last axis of size 1 is dropped.
        num_classes: The number of classes; the largest number plus one when None.

    Returns:
        A NumPy array (or a tensor, for a tensor) of shape (*x.shape, num_classes).

    Raises:
        ValueError: if a number does not fit.

    Example:
        >>> import lamina
        >>> lamina.utils.to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if ops.is_tensor(x):
        count = num_classes if num_classes is not None else int(ops.max(x)) + 1
        x = ops.squeeze(x, axis=-1) if len(x.shape) > 1 and x.shape[-1] == 1 else x
        return ops.one_hot(x, count)
    labels = np.asarray(x, "int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = num_classes if num_classes is not None else int(labels.max(initial=-1)) + 1
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        raise PlaceError(
            f"to_categorical: numbers run from {labels.min()} to {labels.max()}, which does not fit {count} classes."
        )
    return np.eye(count, dtype="float32")[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    r"""Scale vectors to norm 1: `x / ||x||`.

    Args:
        x: A NumPy array or tensor.
        axis: The axis of the vectors.
        order: The order of the norm.

    Returns:
        The same kind of thing, of the same shape; zero vectors stay zero.

    Example:
        >>> import lamina, numpy as np
        >>> lamina.utils.normalize(np.array([[3.0, 4.0]])).tolist()
        [[0.6, 0.8]]
    """
    if ops.is_tensor(x):
        return ops.normalize(x, axis=axis, order=order)
    size = np.atleast_1d(np.linalg.norm(x, order, axis))
    return x / np.expand_dims(np.where(size == 0, 1, size), axis)


@folds_frames
def pad_sequences(
    sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre", truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:  # fmt: skip
    """Sequences of different lengths as one array.

    Args:
        sequences: Sequences of numbers (or of equal vectors).
        maxlen: The length; the longest's when None.
        dtype: The array's dtype.
        padding: Where short ones are filled: "pre" or "post".
        truncating: Where long ones are cut: "pre" or "post".
        value: What fills.

    Returns:
        An array (len(sequences), maxlen, ...).

    Raises:
        ValueError: if an entry is no sequence, or a mode is unknown.

    Example:
        >>> import lamina
        >>> lamina.utils.pad_sequences([[1], [2, 3, 4]], maxlen=2).tolist()
        [[0, 1], [3, 4]]
    """
    for name, mode in (("padding", padding), ("truncating", truncating)):
        if mode not in ("pre", "post"):
            raise ValueError(f"pad_sequences: `{name}` must be 'pre' or 'post', got {mode!r}.")
    rows = list(sequences)
    if not all(hasattr(r, "__len__") for r in rows):
        raise ValueError("pad_sequences: `sequences` must be a list of sequences.")
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    inner = next((np.asarray(r).shape[1:] for r in rows if len(r)), ())
    if np.dtype(dtype).kind in "iu" and isinstance(value, float) and not value.is_integer():
        raise ValueError(f"pad_sequences: `value` {value} does not fit dtype {dtype}.")
    out = np.full((len(rows), length, *inner), value, dtype)
    for target, row in zip(out, rows, strict=True):
        if not len(row) or not length:
            continue
        kept = np.asarray(row[-length:] if truncating == "pre" else row[:length], dtype)
        if kept.shape[1:] != inner:
            raise ValueError(f"pad_sequences: entries of shapes {inner} and {kept.shape[1:]} in one list.")
        target[slice(-len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return out
