"""The names of `lamina.backend`."""

from __future__ import annotations

from typing import Any

from lamina.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from lamina.core import names, seeds
from lamina.core.tensor import is_keras_tensor
from lamina.kernel import dtypes
from lamina.kernel.dtypes import result_type

__all__ = [
    "backend", "clear_session", "epsilon", "floatx", "get_uid", "image_data_format", "is_float_dtype", "is_int_dtype",
    "is_keras_tensor", "result_type", "set_epsilon", "set_floatx", "set_image_data_format", "standardize_dtype",
]  # fmt: skip


def clear_session(free_memory: bool = True) -> None:
    """Forget automatic names and the global random stream, so that a new model begins as in a new process.

    Args:
        free_memory: Whether to collect garbage at once.

    Example:
        >>> import lamina
        >>> lamina.backend.clear_session()
        >>> lamina.layers.Dense(2).name
        'dense'
    """
    names.reset()
    seeds._global = None
    if free_memory:
        import gc

        gc.collect()


def get_uid(prefix: str = "") -> int:
    """A number that grows by one with every call for this prefix, from 1.

    Args:
        prefix: What is counted.

    Returns:
        The number.

    Example:
        >>> import lamina
        >>> first = lamina.backend.get_uid("a name for this example")
        >>> lamina.backend.get_uid("a name for this example") == first + 1
        True
    """
    return names.uid(prefix)


def is_float_dtype(dtype: Any) -> bool:
    """Whether `dtype` is a floating dtype.

    Args:
        dtype: A dtype name or object.

    Returns:
        True or False.

    Example:
        >>> import lamina
        >>> lamina.backend.is_float_dtype("bfloat16"), lamina.backend.is_float_dtype("int8")
        (True, False)
    """
    return dtypes.is_float(dtype)


def is_int_dtype(dtype: Any) -> bool:
    """Whether `dtype` is an integer dtype.

    Args:
        dtype: A dtype name or object.

    Returns:
        True or False.

    Example:
        >>> import lamina
        >>> lamina.backend.is_int_dtype("uint8"), lamina.backend.is_int_dtype("float32")
        (True, False)
    """
    return dtypes.is_integer(dtype)


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype.

    Args:
        dtype: A name, a Python type or any framework's dtype; None is the default float.

    Returns:
        Such as "float32".

    Raises:
        ValueError: if it is unknown.

    Example:
        >>> import lamina, numpy as np
        >>> lamina.backend.standardize_dtype(np.float64), lamina.backend.standardize_dtype(None)
        ('float64', 'float32')
    """
    return dtypes.standardize(dtype)
