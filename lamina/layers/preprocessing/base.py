"""What all preprocessing layers share: they also run beside the model, in data pipelines and worker processes."""

from __future__ import annotations

import threading
from typing import Any

from lamina.backends.beside import kernel_beside
from lamina.backends.sparse import require
from lamina.core.layer import Layer
from lamina.core.tensor import KerasTensor
from lamina.errors import suggestion
from lamina.kernel.context import current, interpreter
from lamina.kernel.shapes.spec import Spec, Unknown
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.op import convert

_UNKNOWN = 1009  # the stand-in of a size that only the data can tell
_thread = threading.local()


class Preprocessing(Layer):
    """A layer that is called inside a model, and beside it: in `tf.data.map`, in the workers of loaders."""

    @folds_frames
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        beside = kernel_beside((args, list(kwargs.values())))
        if beside is None:
            return super().__call__(*args, **kwargs)
        before, _thread.beside = getattr(_thread, "beside", False), True
        try:
            with interpreter(beside):
                return super().__call__(*args, **kwargs)
        finally:
            _thread.beside = before

    def convert_weight(self, weight: Any) -> Any:
        """A weight as a tensor of the interpreter in force, which in a data pipeline is not that of the model.

        Args:
            weight: A Variable, tensor or array.
        """
        return convert(current(), weight)


def is_beside() -> bool:
    """Whether this call runs in a data pipeline or a worker, where variables of the model must not be touched."""
    return getattr(_thread, "beside", False)


def only_shapes(shape: Any, dtype: str) -> Any:
    """A tensor without numbers, of this shape (None where unknown)."""
    return Spec([Unknown(_UNKNOWN) if n is None else n for n in shape], dtype)


def symbolic(shape: Any, dtype: str) -> KerasTensor:
    """A symbolic tensor; sizes that are not plain integers are unknown."""
    return KerasTensor([n if type(n) is int else None for n in shape], dtype)


def is_abstract(x: Any) -> bool:
    """Whether x is a tensor without numbers of the interpreter in force."""
    return isinstance(x, Spec) and current().abstract


def sparse_output(layer: Layer, sparse: bool, output_mode: str) -> bool:
    """Whether outputs are sparse tensors.

    Raises:
        ValueError: if they cannot be: class numbers have no zeros, and not every backend has sparse tensors.
    """
    if sparse and output_mode == "int":
        raise ValueError(
            f"{type(layer).__name__}: `sparse=True` is for vectors, such as output_mode='multi_hot'; the mode is 'int'."
        )
    if sparse:
        require(current(), type(layer).__name__)
    return bool(sparse)


def one_of(layer: Any, name: str, value: Any, allowed: tuple[Any, ...]) -> Any:
    """`value`, if it is allowed.

    Raises:
        ValueError: if it is not.
    """
    if value not in allowed:
        listed = ", ".join(map(repr, allowed))
        raise ValueError(
            f"{type(layer).__name__}: `{name}` must be one of {listed}; got {value!r}."
            f"{suggestion(value, [a for a in allowed if isinstance(a, str)])}"
        )
    return value
