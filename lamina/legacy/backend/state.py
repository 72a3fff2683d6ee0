"""`K`: variables, placeholders and the state of the session."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

import lamina
from lamina import ops
from lamina.backend import clear_session as _clear_session
from lamina.core import names
from lamina.core.tensor import KerasTensor
from lamina.core.variable import Variable
from lamina.kernel.context import state
from lamina.kernel.shapes.spec import Unknown

_learning_phase: int | None = None


def _float(dtype: Any) -> Any:
    return dtype or lamina.config.floatx()


def _holder(value: Any, name: str | None) -> Any:
    """A variable, as Keras 1 and 2 gave; a tensor inside a layer, where variables cannot be made."""
    return value if state.frame.inside or state.scope is not None else Variable(value, name=name)


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable with this first value, in the default float unless a dtype is given."""
    made = Variable(np.asarray(eval(value) if is_tensor(value) else value), dtype=_float(dtype), name=name)
    made.constraint = constraint
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A tensor of this value, filled up to `shape`."""
    found = np.asarray(value)
    if shape is not None:
        flat = found.ravel()
        count = int(np.prod(shape))
        if flat.size > count:
            raise ValueError(f"K.constant: {flat.size} values do not fit into shape {tuple(shape)}.")
        found = np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)]).reshape(shape)
    return ops.convert_to_tensor(found, dtype=_float(dtype))


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of zeros (a tensor inside a layer)."""
    return _holder(ops.zeros(shape, dtype=_float(dtype)), name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable of ones (a tensor inside a layer)."""
    return _holder(ops.ones(shape, dtype=_float(dtype)), name)


def eye(size: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A variable that holds the unit matrix (a tensor inside a layer)."""
    rows, columns = size if isinstance(size, tuple | list) else (size, size)
    return _holder(ops.eye(rows, columns, dtype=_float(dtype)), name)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros of the same shape."""
    return ops.zeros_like(x, dtype=dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones of the same shape."""
    return ops.ones_like(x, dtype=dtype)


def identity(x: Any, name: str | None = None) -> Any:
    """A copy."""
    return ops.copy(x)


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, sparse: bool = False, name: str | None = None,
    ragged: bool = False,
) -> KerasTensor:  # fmt: skip
    """A symbolic tensor, the beginning of a graph; `shape` holds the batch axis."""
    if sparse or ragged:
        raise NotImplementedError("K.placeholder: sparse and ragged tensors do not exist in Lamina.")
    if shape is None:
        if ndim is None:
            raise ValueError("K.placeholder needs `shape` or `ndim`.")
        shape = (None,) * ndim
    if len(shape) == 0:
        return KerasTensor((), _float(dtype), name=name)
    return lamina.Input(batch_shape=tuple(shape), dtype=_float(dtype), name=name)


def is_placeholder(x: Any) -> bool:
    """Whether x is the beginning of a graph."""
    if not isinstance(x, KerasTensor):
        return False
    history = getattr(x, "_keras_history", None)
    return history is None or history.operation._inbound_nodes[history.node_index].is_input


def is_keras_tensor(x: Any) -> bool:
    """Whether x is a symbolic tensor that a layer or an Input gave.

    Raises:
        ValueError: if it is no tensor at all.
    """
    if isinstance(x, KerasTensor):
        return True
    if not (is_tensor(x) or isinstance(x, Variable)):
        raise ValueError(f"K.is_keras_tensor takes a tensor, got {x!r:.80} ({type(x).__name__}).")
    return False


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor of the backend in force."""
    return ops.is_tensor(x)


def eval(x: Any) -> Any:
    """The value as a NumPy array.

    Raises:
        ValueError: for a symbolic tensor, which has none.
    """
    if isinstance(x, KerasTensor):
        raise ValueError(
            "K.eval: a symbolic tensor has no value. Make a function of it: K.function([inputs], [x])([arrays])."
        )
    if isinstance(x, Variable):
        return x.numpy()
    if isinstance(x, tuple | list):  # such as a shape
        return np.asarray(x)
    return ops.convert_to_numpy(x)


def get_value(x: Any) -> Any:
    """The value of a variable as a NumPy array."""
    return eval(x)


def batch_get_value(tensors: Any) -> list[Any]:
    """The values of several variables."""
    return [eval(x) for x in tensors]


def set_value(x: Variable, value: Any) -> None:
    """Set the value of a variable."""
    x.assign(np.asarray(value).reshape(x.shape))


def batch_set_value(tuples: Any) -> None:
    """Set several variables, given (variable, value) pairs."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Any:
    """Set a variable; of a symbolic value the pair, which `K.function` takes among its `updates`."""
    if isinstance(new_x, KerasTensor):
        return (x, new_x)
    x.assign(new_x)
    return x


def update_add(x: Variable, increment: Any) -> Any:
    """Add to a variable."""
    return update(x, increment + x if isinstance(increment, KerasTensor) else ops.add(x, increment))


def update_sub(x: Variable, decrement: Any) -> Any:
    """Subtract from a variable."""
    return update(x, ops.subtract(x, decrement))


def moving_average_update(x: Variable, value: Any, momentum: float) -> Any:
    """`x <- momentum x + (1 - momentum) value`."""
    return update(x, ops.add(ops.multiply(x, momentum), ops.multiply(value, 1 - momentum)))


# -- facts -------------------------------------------------------------------------------------------------------------


def shape(x: Any) -> Any:
    """The sizes as a tuple: integers where they are known, so that they can be a shape again."""
    return ops.shape(x)


def int_shape(x: Any) -> tuple | None:
    """The shape as a tuple, None where a size is unknown."""
    found = getattr(x, "shape", None)
    if found is None:
        return None
    return tuple(n if n is None or type(n) is int or not _unknown(n) else None for n in found)


def _unknown(n: Any) -> bool:
    return type(n) is Unknown


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape)


def dtype(x: Any) -> str:
    """The dtype's name."""
    return lamina.backend.standardize_dtype(x.dtype)


def count_params(x: Any) -> int:
    """The number of elements."""
    return int(np.prod([int(n) for n in x.shape]))


def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype."""
    return ops.cast(x, dtype)


def cast_to_floatx(x: Any) -> Any:
    """x in the default float: a NumPy array of an array, a tensor of a tensor."""
    if isinstance(x, KerasTensor | Variable) or is_tensor(x):
        return ops.cast(x, lamina.config.floatx())
    return np.asarray(x, dtype=lamina.config.floatx())


# -- the session -------------------------------------------------------------------------------------------------------


class LearningPhase(int):
    """What `K.learning_phase()` gives where nobody has set it: 0, and an input that `K.function` takes."""


_symbol = LearningPhase(0)


def learning_phase() -> Any:
    """1 in training and 0 else; among the inputs of `K.function` it stands for the phase that is given."""
    if _learning_phase is not None:
        return _learning_phase
    training = state.frame.training
    return _symbol if training is None else int(bool(training))


def set_learning_phase(value: int) -> None:
    """Fix the learning phase: 0 or 1. Calls that say nothing about training use it."""
    if value not in (0, 1):
        raise ValueError(f"K.set_learning_phase takes 0 or 1, got {value!r}.")
    global _learning_phase
    _learning_phase = int(value)
    state.frame = state.frame._replace(training=bool(value))


@contextlib.contextmanager
def learning_phase_scope(value: int) -> Iterator[None]:
    """Inside, the learning phase is `value`."""
    global _learning_phase
    before, frame = _learning_phase, state.frame
    set_learning_phase(value)
    try:
        yield
    finally:
        _learning_phase, state.frame = before, frame


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`; both may be functions that give it."""
    phase = learning_phase() if training is None else training
    chosen = x if phase in (1, True) else alt
    return chosen() if callable(chosen) else chosen


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, else `x`."""
    return in_train_phase(alt, x, training)


def clear_session() -> None:
    """Forget automatic names, the random stream and the learning phase."""
    global _learning_phase
    if _learning_phase is not None:
        _learning_phase = None
        state.frame = state.frame._replace(training=None)
    _clear_session()


def reset_uids() -> None:
    """Automatic names and numbers begin anew."""
    names.reset()


def name_scope(name: str) -> Any:
    """A block that puts its name in front of the paths of variables."""
    return lamina.name_scope(name)


def manual_variable_initialization(value: bool) -> None:
    """Nothing to do: variables get their value when they are first read."""
    if value:
        _no_session("manual_variable_initialization")


def set_session(session: Any) -> None:
    """Nothing to do: there are no sessions."""
    _no_session("set_session")


def get_session() -> None:
    """There are no sessions.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        "K.get_session: Lamina has no sessions. K.get_value(x) and K.function give values."
    )


def _no_session(name: str) -> None:
    warnings.warn(f"K.{name} has no effect: Lamina has no sessions.", UserWarning, stacklevel=3)


_ORDERINGS = {"th": "channels_first", "tf": "channels_last"}


def image_dim_ordering() -> str:
    """The image layout as Keras 1 named it: "th" or "tf"."""
    return "th" if lamina.config.image_data_format() == "channels_first" else "tf"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image layout by its name in Keras 1."""
    if dim_ordering not in _ORDERINGS:
        raise ValueError(f"K.set_image_dim_ordering takes 'th' or 'tf', got {dim_ordering!r}.")
    lamina.config.set_image_data_format(_ORDERINGS[dim_ordering])
