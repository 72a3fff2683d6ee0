"""Variable: a tensor that lasts, with a name and a place in a layer."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from lamina.core import names, tracking
from lamina.core.arithmetic import Arithmetic
from lamina.core.tensor import KerasTensor, standardize_shape
from lamina.kernel import dtypes
from lamina.kernel.context import _activate, interpreter, real_kernel, state
from lamina.kernel.symbolic import Holder

_AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")


class Variable(Arithmetic, Holder):
    """A tensor that lasts and can be assigned to.

    Its initial value is made when it is first read, so building a model needs neither a framework nor a draw. It
    lives on the backend that reads it, and moves through NumPy when another one does.

    Args:
        initializer: The value, or a callable `(shape, dtype) -> value` such as an initializer.
        shape: The shape; needed with a callable.
        dtype: A dtype name; that of the value, or the default float.
        trainable: Whether optimizers change it.
        autocast: Whether reading it inside a mixed-precision layer gives the compute dtype.
        aggregation: How replicas are combined: "none", "mean", "sum" or "only_first_replica".
        synchronization: When replicas are combined ("auto", "none", "on_write", "on_read").
        name: A name, the last part of its path.
        layout: How the value is spread over devices (see `lamina.distribution`).

    Raises:
        ValueError: if a callable comes without a shape, or a value does not fit the shape.

    Example:
        >>> import lamina
        >>> v = lamina.Variable([1.0, 2.0], name="v")
        >>> v.assign(v * 2)
        >>> v.numpy().tolist()
        [2.0, 4.0]
    """

    _tracked_as = "variable"

    name = path = ""
    shape: tuple[Any, ...] = ()
    dtype: str = "float32"
    aggregation, synchronization = "none", "auto"
    constraint: Any = None
    regularizer: Any = None
    overwrite_with_gradient = False
    _should_act_as_resource_variable = True  # lets TensorFlow's GradientTape differentiate by `handle`

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"Variable got unknown arguments: {', '.join(kwargs)}.")
        if layout is not None:
            raise NotImplementedError(
                "Variable layouts come with `lamina.distribution`, which is not there yet."
            )
        if aggregation not in (None, *_AGGREGATIONS):
            raise ValueError(f"Unknown aggregation {aggregation!r}. Use one of {', '.join(_AGGREGATIONS)}.")
        if isinstance(initializer, str):
            from lamina import initializers

            initializer = initializers.get(initializer)
        self.name = names.check(name) if name is not None else names.unique("variable")
        self.path = names.path_of(self.name)
        self._trainable = bool(trainable)
        self._autocast = bool(autocast)
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.layout = layout
        self._home: Any = None  # the kernel that holds `_storage`
        self._storage: Any = None
        self._draw: Any = None  # gives the first value
        if callable(initializer) and not hasattr(initializer, "shape"):
            self._from_callable(initializer, shape, dtype)
        else:
            self._from_value(initializer, shape, dtype)

    def _from_callable(self, initializer: Any, shape: Any, dtype: Any) -> None:
        if shape is None:
            raise ValueError(f"Variable {self.name!r} is made by an initializer, so `shape` must be given.")
        self.shape = standardize_shape(shape)
        if None in self.shape:
            raise ValueError(
                f"Variable {self.path!r} needs a known shape, got {self.shape}: the sizes of weights cannot depend "
                "on an unknown size of the input. Give the input a fixed size there."
            )
        self.dtype = dtypes.standardize(dtype)
        plan = getattr(initializer, "plan", None)
        if plan is not None:  # drawn on the host, whenever it is needed
            self._draw = plan(self.shape, self.dtype)
        else:
            with interpreter(real_kernel()) as k:
                value = initializer(self.shape, dtype=self.dtype)
                self._from_value(k.to_numpy(value) if k.is_tensor(value) else value, self.shape, self.dtype)

    def _from_value(self, value: Any, shape: Any, dtype: Any) -> None:
        if isinstance(value, KerasTensor):
            raise TypeError("A Variable cannot begin with a symbolic tensor: it has no value.")
        if isinstance(value, Variable):
            value = value.numpy()
        if not hasattr(value, "dtype"):
            value = np.asarray(value)
            narrow = {"float64": dtypes.standardize(None), "int64": "int32"}
            dtype = dtype or narrow.get(value.dtype.name, value.dtype.name)
        self.dtype = dtypes.standardize(dtype if dtype is not None else value.dtype)
        self.shape = tuple(value.shape)
        if shape is not None and standardize_shape(shape) != self.shape:
            raise ValueError(f"Variable {self.path!r}: the value has shape {self.shape}, not {tuple(shape)}.")
        self._draw = lambda: value

    # -- the value ---------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The tensor: of the scope if there is one, in the compute dtype inside a mixed-precision layer."""
        k = state.kernel or _activate()
        if state.scope is not None:
            value = state.scope.get_current_value(self)
            if value is None:
                value = self._own(k)
        elif k is self._home:
            value = k.read(self._storage)
        else:
            value = self._own(k)
        cast = state.frame.autocast
        if cast is not None and cast != self.dtype and self._autocast and self.dtype in dtypes.IS_FLOAT:
            return k.astype(value, cast)
        return value

    def _own(self, k: Any) -> Any:
        """The stored value on kernel `k`: made now if it was not needed yet, moved if it lives elsewhere."""
        if k.abstract:
            return k.Tensor(self.shape, self.dtype)
        if type(self._home) is Lent:
            bring_home([self])
        if k is self._home:
            return k.read(self._storage)
        self._place(
            k, self._draw() if self._home is None else self._home.to_numpy(self._home.read(self._storage))
        )
        return k.read(self._storage)

    def _place(self, k: Any, value: Any) -> None:
        self._storage = k.variable(value, self.dtype, self._trainable)
        self._home, self._draw = k, None

    def assign(self, value: Any) -> Any:
        """Set the value; it is converted to the variable's dtype.

        Args:
            value: Anything of the variable's shape.

        Raises:
            ValueError: if the shape differs.
        """
        k = state.kernel or _activate()
        if type(value) is np.ndarray and state.scope is None and k.functional and self._takes(value):
            self._home, self._storage, self._draw = None, None, Given(value)
            return
        value = self._fitting(k, value)
        if k.abstract:
            return
        if state.scope is not None:
            state.scope.add_update((self, value))
        elif k is self._home:
            self._storage = k.write(self._storage, value)
        else:
            self._place(k, value)

    def _takes(self, value: np.ndarray) -> bool:
        """Whether an array needs no conversion; eight bytes are four to some frameworks."""
        return value.shape == self.shape and value.dtype.name == self.dtype and value.itemsize < 8

    def _fitting(self, k: Any, value: Any) -> Any:
        from lamina.ops.op import convert

        value = convert(k, value, self.dtype)
        if tuple(k.shape(value)) != self.shape:
            raise ValueError(
                f"Variable {self.path!r} has shape {self.shape} and cannot take a value of shape "
                f"{tuple(k.shape(value))}."
            )
        return value

    def assign_add(self, value: Any) -> Any:
        """Add `value` in place."""
        return self.assign(self._exact() + self._fitting_or_scalar(value))

    def assign_sub(self, value: Any) -> Any:
        """Subtract `value` in place."""
        return self.assign(self._exact() - self._fitting_or_scalar(value))

    def _exact(self) -> Any:
        """The value in the variable's own dtype, whatever the precision in force."""
        before = state.frame
        if before.autocast is None:
            return self.value
        state.frame = before._replace(autocast=None)
        try:
            return self.value
        finally:
            state.frame = before

    def _fitting_or_scalar(self, value: Any) -> Any:
        from lamina.ops.op import convert

        return convert(state.kernel, value, self.dtype)

    def numpy(self) -> Any:
        """The value as a NumPy array (a copy or a read-only view)."""
        k = state.kernel or _activate()
        if k.abstract:
            k = real_kernel()
        if state.scope is None and self._home is None:
            value = self._draw()
            if isinstance(value, np.ndarray) and value.dtype.name == self.dtype:
                return value
        with interpreter(k):
            return k.to_numpy(self._exact())

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) != self._trainable and self._home is not None and not self._home.functional:
            # the storage of some frameworks knows whether it takes part in differentiation
            kept = self._home.to_numpy(self._home.read(self._storage))
            self._storage = self._home.variable(kept, self.dtype, bool(value))
        if bool(value) != self._trainable:
            self._trainable = bool(value)
            tracking.changed(self)

    @property
    def handle(self) -> Any:
        """The framework's own object that holds the value (a Parameter, a framework variable, an array)."""
        k = state.kernel or _activate()
        self._own(k)
        return getattr(self._storage, "handle", self._storage)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        array = self.numpy()
        return array.astype(dtype) if dtype is not None else array

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> Any:
        # TensorFlow's own protocol: without it `tensor * variable` would read the numbers and lose the gradient.
        value = self.value
        return value if dtype is None or dtype == value.dtype else _activate().astype(value, dtype.name)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # torch's own protocol: what its functions and torch.compile look for where a variable meets a tensor.
        return function(*_values(args), **{name: _values(x) for name, x in (kwargs or {}).items()})

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __deepcopy__(self, memo: dict) -> Variable:
        fresh = Variable(np.array(self.numpy()), dtype=self.dtype, trainable=self._trainable, name=self.name)
        fresh.path, fresh.constraint, fresh.regularizer = self.path, self.constraint, self.regularizer
        memo[id(self)] = fresh
        return fresh


class Lent:
    """The home of a value that only compiled steps hold, so that the next one may take over its memory.

    Whoever looks at the variable in between ends that, and what they hold stays.
    """

    functional = True

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel


class Given:
    """A value that was assigned and waits on the host: it is moved by who reads it, a compiled step with its call."""

    def __init__(self, value: np.ndarray) -> None:
        self.value = value.copy()
        self.value.flags.writeable = False

    def __call__(self) -> np.ndarray:
        return self.value


@cache
def lent(kernel: Any) -> Lent:
    """The one of a kernel."""
    return Lent(kernel)


def bring_home(variables: Iterable[Variable]) -> None:
    """End that steps alone hold the values: together, which takes less than one by one."""
    away = [v for v in variables if type(v._home) is Lent]
    if away:
        kernel = away[0]._home.kernel
        for v, value in zip(away, kernel.to_default_device([v._storage for v in away]), strict=True):
            v._home, v._storage = kernel, value


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable."""
    return isinstance(x, Variable)


def _values(x: Any) -> Any:
    """The values of the variables among arguments."""
    if isinstance(x, Variable):
        return x.value
    return type(x)([_values(one) for one in x]) if type(x) in (list, tuple) else x
