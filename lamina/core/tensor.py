"""KerasTensor: a tensor of a graph under construction."""

from __future__ import annotations

from typing import Any

from lamina.core import names
from lamina.core.arithmetic import Arithmetic
from lamina.errors import NoValue
from lamina.kernel import dtypes
from lamina.kernel.namespaces import public_in
from lamina.kernel.symbolic import Symbolic
from lamina.kernel.tracebacks import folds_frames


@public_in("lamina")
class KerasTensor(Arithmetic, Symbolic):
    """A symbolic tensor: a shape and a dtype, and the operation that gives it.

    Args:
        shape: The sizes; None where unknown.
        dtype: A dtype name.
        sparse, ragged: Whether it stands for a tensor of that kind: a note, since Lamina computes with dense ones.
        record_history: Whether operations on it add nodes to a graph.
        name: A name; automatic when None.

    Example:
        >>> import lamina
        >>> x = lamina.KerasTensor((None, 3))
        >>> (x + 1).shape
        (None, 3)
    """

    shape: tuple[int | None, ...] = ()
    dtype = "float32"
    sparse = ragged = False
    ragged_rank = row_splits_dtype = None

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        ragged_rank, row_splits_dtype = kwargs.pop("ragged_rank", None), kwargs.pop("row_splits_dtype", None)
        if kwargs:
            raise TypeError(f"KerasTensor got unknown arguments: {', '.join(kwargs)}.")
        if sparse and ragged:
            raise ValueError(
                "A KerasTensor cannot be sparse and ragged at once: got sparse=True and ragged=True."
            )
        if sparse or ragged:
            self.sparse, self.ragged = bool(sparse), bool(ragged)
        self.shape = standardize_shape(shape)
        self.dtype = dtypes.standardize(dtype)
        self.ragged_rank, self.row_splits_dtype = ragged_rank, row_splits_dtype
        self.record_history = record_history
        self._name = name
        self._keras_history: Any = None
        self._keras_mask: Any = None

    @property
    def name(self) -> str:
        """The name; made when first asked for."""
        if self._name is None:
            self._name = names.unique("keras_tensor")
        return self._name

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _has_no_value(self, what: str) -> NoValue:
        return NoValue(
            f"A symbolic tensor (shape {self.shape}) has no value, so it cannot be used as {what}. Use lamina.ops on "
            "it, put native framework calls inside a layer's `call`, or get numbers with `Model(inputs, x).predict`. A layer of "
            "another library (`from keras.layers import ...`) cannot be called on it: import it from lamina.layers."
        )

    @folds_frames
    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._has_no_value("a NumPy array")

    # the protocols by which frameworks ask for a tensor
    __jax_array__ = __tf_tensor__ = __array__

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        x = next(x for x in args if isinstance(x, KerasTensor))
        raise x._has_no_value(f"an argument of `{getattr(function, '__name__', function)}`")

    @folds_frames
    def __bool__(self) -> bool:
        raise self._has_no_value("a condition of `if` or `while`")

    @folds_frames
    def __iter__(self) -> Any:
        if self.shape and self.shape[0] is not None:
            return iter([self[i] for i in range(self.shape[0])])
        raise self._has_no_value("the range of a loop (its length is not known)")

    @folds_frames
    def __int__(self) -> int:
        raise self._has_no_value("an int")

    @folds_frames
    def __float__(self) -> float:
        raise self._has_no_value("a float")


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """A tuple of sizes, None where unknown.

    Raises:
        ValueError: if it is no shape, or a size is negative.
    """
    if shape is None:
        raise ValueError(
            "A shape must be given; use None for single sizes that are not known, as in (None, 3)."
        )
    if isinstance(shape, int) or not hasattr(shape, "__iter__"):
        raise ValueError(
            f"A shape must be a sequence of sizes, got {shape!r}. Write ({shape},) for one axis."
        )
    sizes: list[int | None] = []
    for n in shape:
        if n is not None and (not hasattr(n, "__index__") or n.__index__() < 0):
            raise ValueError(
                f"Cannot use {n!r} as a size in shape {tuple(shape)}: sizes are integers >= 0, or None."
            )
        sizes.append(None if n is None else n.__index__())
    return tuple(sizes)


@public_in("lamina.utils")
def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    Args:
        x: Anything.

    Returns:
        True or False.

    Example:
        >>> import lamina
        >>> lamina.backend.is_keras_tensor(lamina.Input((2,))), lamina.backend.is_keras_tensor([1.0])
        (True, False)
    """
    return isinstance(x, KerasTensor)
