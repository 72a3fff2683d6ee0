"""Between tensors, NumPy and dtypes; looking at tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.sparse import is_sparse, require
from lamina.backends.sparse import sparse as as_sparse
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.kernel.symbolic import Holder, Symbolic
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.tensors import astype, count, largest, least


@op(module="core")
def convert_to_tensor(
    k: Kernel, x: Any, dtype: str | None = None, sparse: bool | None = None, ragged: bool | None = None
) -> Output:
    """A tensor of the backend from anything.

    Args:
        x: Tensor, Variable, NumPy array, number, or nested sequences of these.
        dtype: The result's dtype. None keeps that of arrays; Python numbers become int32, the default float or bool.
        sparse: Whether a sparse tensor of jax or TensorFlow is kept; False makes it dense, and None keeps it.
        ragged: Only None or False: tensors are not ragged.

    Returns:
        Tensor with the same values.

    Raises:
        ValueError: if a ragged tensor is wanted, or a sparse one of a backend that has none.

    Example:
        >>> lamina.ops.shape(lamina.ops.convert_to_tensor([[1.0, 2.0]]))
        (1, 2)
    """
    if ragged:
        raise ValueError(
            "convert_to_tensor: ragged tensors are not supported. Use ragged=False, and pad the rows."
        )
    if sparse:
        require(k, "convert_to_tensor")
    if isinstance(x, Symbolic):  # it is a tensor already
        symbolic: Any = x
        return symbolic if dtype is None or dtypes.standardize(dtype) == x.dtype else cast(x, dtype)
    if sparse is not False and is_sparse(k, x):
        same = dtype is None or dtypes.standardize(dtype) == dtypes.standardize(x.dtype)
        return x if same else as_sparse(k, convert(k, x, dtypes.standardize(dtype)), "convert_to_tensor")
    return convert(k, x, None if dtype is None else dtypes.standardize(dtype))


@op()
def array(k: Kernel, x: Any, dtype: str | None = None) -> Output:
    """A tensor of the backend from anything: `convert_to_tensor` under NumPy's name.

    Args:
        x: Tensor, Variable, NumPy array, number, or nested sequences of these.
        dtype: The result's dtype; None keeps that of arrays.

    Returns:
        Tensor with the same values.

    Example:
        >>> lamina.ops.shape(lamina.ops.array([[1.0, 2.0]]))
        (1, 2)
    """
    return convert(k, x, None if dtype is None else dtypes.standardize(dtype))


@op("x")
def copy(k: Kernel, x: Tensor) -> Output:
    """The same values in memory of their own.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.copy([1, 2])).tolist()
        [1, 2]
    """
    return k.copy(x)


def convert_to_numpy(x: Any) -> Any:
    """A NumPy array with the values of a tensor. Waits until they are computed.

    Args:
        x: Tensor, Variable, or anything `convert_to_tensor` takes. What no tensor can hold, such as text, is taken too.

    Returns:
        `numpy.ndarray`, of the same shape and dtype, that can be written to; of a NumPy array a copy.

    Raises:
        TypeError: if `x` is symbolic.

    Example:
        >>> lamina.ops.convert_to_numpy([1, 2])
        array([1, 2], dtype=int32)
    """
    if isinstance(x, np.ndarray):
        return np.array(x)
    k = current()
    if not isinstance(x, (*_kinds(k), Holder, Symbolic)) and _is_text(x):
        return np.array(x)
    found = k.to_numpy(convert(k, x))
    # jax shows its own memory, which nobody may write to
    return found if found.flags.writeable else found.copy()


def _kinds(k: Kernel) -> tuple[type, ...]:
    return k.Tensor if isinstance(k.Tensor, tuple) else (k.Tensor,)


def _is_text(x: Any) -> bool:
    """Whether the first element is text or no number at all; arrays of other frameworks say it by their dtype."""
    while isinstance(x, list | tuple) and x:
        x = x[0]
    return x is None or isinstance(x, str | bytes) or "string" in str(getattr(x, "dtype", ""))


@op("x", module="core")
def cast(k: Kernel, x: Tensor, dtype: Any) -> Output:
    """The same values in another dtype. Floats lose their fraction when they become integers.

    Args:
        x: Tensor of any shape.
        dtype: Name of the dtype.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: if there is no such dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.cast([1.7, -1.7], "int32")).tolist()
        [1, -1]
    """
    return astype(k, x, dtypes.standardize(dtype))


@op("x", module="core")
def saturate_cast(k: Kernel, x: Tensor, dtype: Any) -> Output:
    """The same values in another dtype, limited to what that can hold.

    Args:
        x: Tensor of any shape.
        dtype: Name of the dtype.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: if there is no such dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.saturate_cast([-5, 300], "uint8")).tolist()
        [0, 255]
    """
    target, dtype = dtypes.standardize(dtype), k.dtype(x)
    real = dtypes.FLOATS + dtypes.INTEGERS
    if target not in real or dtype not in real:
        return astype(k, x, target)
    low, high = max(least(target), least(dtype)), min(largest(target), largest(dtype))
    if dtype in dtypes.FLOATS and target in dtypes.INTEGERS:
        return k.where(
            k.greater_equal(x, k.full((), float(high), dtype)),
            k.full((), int(high), target),
            k.astype(k.clip(x, float(low), None), target),
        )
    return astype(k, k.clip(x, low, high), target)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of a tensor.

    Args:
        x: Tensor, symbolic tensor, or anything `convert_to_tensor` takes.

    Returns:
        Tuple of integers. Sizes that are not known are None for symbolic tensors; while TensorFlow traces a
        program they are scalar tensors.

    Example:
        >>> lamina.ops.shape([[1, 2, 3]])
        (1, 3)
    """
    if isinstance(x, Symbolic):
        return tuple(x.shape)
    k = current()
    return tuple(k.shape(convert(k, x)))


def ndim(x: Any) -> Any:
    """The rank of a tensor: its number of axes.

    Args:
        x: Tensor, symbolic tensor, or anything `convert_to_tensor` takes.

    Returns:
        Integer.

    Example:
        >>> lamina.ops.ndim([[1, 2, 3]])
        2
    """
    return len(shape(x))


def size(x: Any) -> Any:
    """The number of entries of a tensor.

    Args:
        x: Tensor, or anything `convert_to_tensor` takes.

    Returns:
        Integer (a scalar tensor where TensorFlow traces unknown sizes; None for a symbolic tensor of unknown size).

    Example:
        >>> lamina.ops.size([[1, 2, 3]])
        3
    """
    sizes = shape(x)
    return None if None in sizes else count(sizes)


def dtype(x: Any) -> str:
    """The dtype of a tensor, as a name.

    Args:
        x: Tensor, symbolic tensor, Variable, or anything `convert_to_tensor` takes.

    Returns:
        Name such as "float32".

    Example:
        >>> lamina.ops.dtype([1.0])
        'float32'
    """
    k = current()
    if isinstance(x, k.Tensor):
        return k.dtype(x)
    if isinstance(x, Symbolic | Holder):
        return dtypes.standardize(x.dtype)
    return k.dtype(convert(k, x))


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor of the backend in force (or a symbolic one).

    Args:
        x: Anything.

    Returns:
        Bool.

    Example:
        >>> lamina.ops.is_tensor(lamina.ops.zeros(2)), lamina.ops.is_tensor([0.0, 0.0])
        (True, False)
    """
    k = current()
    return isinstance(x, Symbolic) or k.is_tensor(x) or is_sparse(k, x)
