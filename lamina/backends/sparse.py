"""Sparse tensors: those of any library are taken as dense ones, and made where a framework has a kind of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.beside import backend_of
from lamina.kernel.context import real_kernel
from lamina.kernel.contract import Unfit

_MARKS = (
    "todense",
    "dense_shape",
    "row_splits",
)  # what tensors that are kept in parts have, and others have not


def densified(k: Any, x: Any) -> Any:
    """A dense tensor or array in place of a sparse one of jax, TensorFlow or SciPy; anything else as it is.

    Args:
        k: The interpreter that computes with it.
        x: Anything.

    Raises:
        ValueError: for a ragged tensor.
    """
    kind = type(x)
    if kind is np.ndarray or not hasattr(x, "dtype"):
        return x
    if hasattr(kind, "toarray"):  # SciPy
        return x.toarray()
    if not any(hasattr(kind, mark) for mark in _MARKS):
        return x
    if not isinstance(dense := k.sparse.to_dense(x), Unfit):
        return dense
    other = backend_of(x)
    if other is not None and not isinstance(dense := other.sparse.to_dense(x), Unfit):
        return other.to_numpy(dense)
    if hasattr(kind, "todense"):  # of a library that computes nothing else
        return np.asarray(x.todense())
    if hasattr(kind, "row_splits"):
        raise ValueError(
            f"Ragged tensors are not supported, got one of shape {tuple(x.shape)}. Pad the rows with `x.to_tensor()`, and mask "
            "what was added (layers.Masking, Embedding(mask_zero=True))."
        )
    return x


def is_sparse(k: Any, x: Any) -> bool:
    """Whether x is a sparse tensor of the backend."""
    return k.sparse.holds(x)


def require(k: Any, what: str) -> None:
    """That the backend has sparse tensors.

    Raises:
        ValueError: if it has none.
    """
    k = real_kernel() if k.abstract else k
    if not k.sparse.offered():
        raise ValueError(
            f"{what}: `sparse=True` is not supported with the {k.name} backend, which has no sparse tensors. Leave it out; a "
            "dense result has the same numbers."
        )


def sparse(k: Any, x: Any, what: str) -> Any:
    """A tensor as the backend's own kind of sparse tensor. Inside a compiled program it stays as it is.

    Args:
        k: The interpreter of x.
        x: A tensor.
        what: Who asks for it, for the error.

    Raises:
        ValueError: if the backend has no sparse tensors.
    """
    if k.abstract:
        return x
    require(k, what)
    return k.sparse.from_dense(x)
