"""Sparse tensors: those of any library are taken as dense ones, and made where a framework has a kind of its own."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import numpy as np

from lamina.kernel.context import real_kernel

KINDS = ("jax", "tensorflow")  # the backends that have sparse tensors, as in Keras


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
    if hasattr(kind, "todense"):  # jax
        return x.todense() if k.name == "jax" else np.asarray(x.todense())
    if hasattr(kind, "dense_shape"):  # TensorFlow; of gradients, the rows that are not zero
        tf = sys.modules["tensorflow"]
        dense = (
            tf.sparse.to_dense(tf.sparse.reorder(x))
            if hasattr(kind, "from_value")
            else tf.convert_to_tensor(x)
        )
        return dense if k.name == "tensorflow" else dense.numpy()
    if hasattr(kind, "row_splits"):
        raise ValueError(
            f"Ragged tensors are not supported, got one of shape {tuple(x.shape)}. Pad the rows with `x.to_tensor()`, and mask "
            "what was added (layers.Masking, Embedding(mask_zero=True))."
        )
    return x


def is_sparse(k: Any, x: Any) -> bool:
    """Whether x is a sparse tensor of the backend."""
    module, kind = type(x).__module__, type(x)
    return (
        k.name in KINDS
        and module.startswith(k.name)
        and (hasattr(kind, "todense") or (hasattr(kind, "dense_shape") and hasattr(kind, "from_value")))
    )


def require(k: Any, what: str) -> None:
    """That the backend has sparse tensors.

    Raises:
        ValueError: if it has none.
    """
    k = real_kernel() if k.abstract else k
    if k.name not in KINDS:
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
    return import_module(f"lamina.backends.{k.name}.sparse").from_dense(x)
