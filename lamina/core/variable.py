"""Variable: a tensor that lasts, with a name and a place in a layer."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from lamina.core import names, tracking
from lamina.core.arithmetic import Arithmetic
from lamina.core.registry import namespace
from lamina.core.storage import OnDevice, OnHost, Pending, Storage, take_back
from lamina.core.tensor import KerasTensor, standardize_shape
from lamina.errors import BackendError, NoValue
from lamina.kernel import dtypes
from lamina.kernel.context import _activate, distribution_in_force, interpreter, real_kernel, state
from lamina.kernel.symbolic import Holder
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.op import convert

# One lock for all variables: it is held for a comparison and an assignment, never while numbers are made or moved.
_settling = threading.Lock()
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
        layout: How the value is spread over devices, a `lamina.distribution.TensorLayout`. Without one the distribution in
            force says it, where there is one.

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
    layout: Any = None
    _follows: Variable | None = None  # whose layout it has: state of an optimizer lies where its weight does
    _should_act_as_resource_variable = True  # lets TensorFlow's GradientTape differentiate by `handle`

    @folds_frames
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
        if aggregation not in (None, *_AGGREGATIONS):
            raise ValueError(f"Unknown aggregation {aggregation!r}. Use one of {', '.join(_AGGREGATIONS)}.")
        if isinstance(initializer, str):
            initializer = namespace("initializers").get(initializer)
        self.name = names.check(name) if name is not None else names.unique("variable")
        self.path = names.path_of(self.name)
        self._trainable = bool(trainable)
        self._autocast = bool(autocast)
        self.aggregation = aggregation
        self.synchronization = synchronization
        self._stored: Storage
        if callable(initializer) and not hasattr(initializer, "shape"):
            self._from_callable(initializer, shape, dtype)
        else:
            self._from_value(initializer, shape, dtype)
        if layout is not None:
            self._lie(layout)
        elif (distribution := distribution_in_force()) is not None:
            self._lie(distribution.get_variable_layout(self))

    def _from_callable(self, initializer: Any, shape: Any, dtype: Any) -> None:
        if shape is None:
            raise ValueError(f"Variable {self.name!r} is made by an initializer, so `shape` must be given.")
        self.shape = standardize_shape(shape)
        if None in self.shape:
            raise ValueError(
                f"Variable {self.path!r} needs a known shape, got {self.shape}: the sizes of weights cannot depend "
                "on an unknown size of the input. Give the input a fixed size there, or reduce that axis first "
                "(GlobalAveragePooling1D, GlobalAveragePooling2D)."
            )
        self.dtype = dtypes.standardize(dtype)
        plan = getattr(initializer, "plan", None)
        if plan is not None:  # drawn on the host, whenever it is needed
            self._stored = Pending(plan(self.shape, self.dtype))
        else:
            with interpreter(real_kernel()) as k:
                value = initializer(self.shape, dtype=self.dtype)
                if k.is_tensor(value) and not k.holds_numbers(value):
                    # built while the framework finds shapes: drawn again when there are numbers
                    self._stored = Pending(lambda: initializer(self.shape, dtype=self.dtype))
                    return
                self._from_value(k.to_numpy(value) if k.is_tensor(value) else value, self.shape, self.dtype)

    def _from_value(self, value: Any, shape: Any, dtype: Any) -> None:
        if isinstance(value, KerasTensor):
            raise TypeError("A Variable cannot begin with a symbolic tensor: it has no value.")
        if isinstance(value, Variable):
            value = value.numpy()
        framework = hasattr(value, "dtype") and not isinstance(value, np.ndarray | np.generic)
        if (
            framework and (k := real_kernel()).is_tensor(value) and not k.holds_numbers(value)
        ):  # else none is loaded
            raise self._refusal(value)
        if not hasattr(value, "dtype"):
            value = np.asarray(value)
            narrow = {"float64": dtypes.standardize(None), "int64": "int32"}
            dtype = dtype or narrow.get(value.dtype.name, value.dtype.name)
        self.dtype = dtypes.standardize(dtype if dtype is not None else value.dtype)
        self.shape = tuple(value.shape)
        if shape is not None and standardize_shape(shape) != self.shape:
            raise ValueError(f"Variable {self.path!r}: the value has shape {self.shape}, not {tuple(shape)}.")
        self._stored = Pending(lambda: value)

    def _lie(self, layout: Any) -> None:
        """Let the value lie on the devices of a layout: at once if it is on a device, else when it gets there."""
        placement = layout.placement(self.shape, f"Variable {self.path!r}")
        if self._stored.waiting:
            take_back([self])
        if placement != self._stored.placement:
            self._put(self._stored.placed(placement, self.dtype, self._trainable))
        self.layout = layout

    # -- the value ---------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Any:
        """The tensor: of the scope if there is one, in the compute dtype inside a mixed-precision layer."""
        k = state.kernel or _activate()
        if state.scope is not None:
            value = state.scope.get_current_value(self)
            if value is None:
                value = self._own(k)
        elif (stored := self._stored).kernel is k:
            value = k.read(stored.tensor)
        else:
            value = self._own(k)
        frame = state.frame
        cast = frame.autocast
        if cast is not None and cast != self.dtype and self._autocast and self.dtype in dtypes.IS_FLOAT:
            value = k.astype(value, cast)
        if frame.spread is not None and frame.inside and (lies := self._stored.placement) is not None:
            # after the cast: half the bytes move, and what is kept for the gradient is not a whole weight of another dtype
            return k.spread.gather(value, lies) if lies.gathered else value
        return value

    def _own(self, k: Any) -> Any:
        """The stored value on kernel `k`: made now if it was not needed yet, copied if another kernel holds it."""
        if k.abstract:
            return k.Tensor(self.shape, self.dtype)
        while True:
            stored = self._stored
            if stored.kernel is k:
                return k.read(stored.tensor)
            if stored.waiting:
                take_back([self])
            elif stored.kernel is not None and not k.in_place:
                return stored.copy_on(k, self.dtype, self._trainable)
            else:
                # the first reader holds it, and one that may write to what it reads
                fresh = self._made(stored, k)
                if not k.holds_numbers(fresh.tensor):
                    return k.read(fresh.tensor)  # the framework runs without numbers: it gets a stand-in
                self._settle(stored, fresh)

    def _made(self, stored: Storage, k: Any) -> OnDevice:
        try:
            return stored.on(k, self.dtype, self._trainable)
        except BackendError as error:  # a lost value does not know whose it was
            error.add_note(f"Variable {self.path!r}, of shape {self.shape}.")
            raise

    def _settle(self, before: Storage, after: Storage) -> None:
        """Put a state after the one it was made from, unless somebody has written in between."""
        with _settling:
            if self._stored is before:
                self._stored = after

    def _put(self, stored: Storage) -> None:
        """Write a state, whatever was there."""
        with _settling:
            self._stored = stored

    @folds_frames
    def assign(self, value: Any) -> Any:
        """Set the value; it is converted to the variable's dtype.

        Args:
            value: Anything of the variable's shape.

        Raises:
            ValueError: if the shape differs.
        """
        self._assign(value)

    def _assign(self, value: Any, own: bool = False) -> None:
        """Set the value; an array that is the caller's `own` no longer may become the variable's memory."""
        k = state.kernel or _activate()
        stored = self._stored
        if type(value) is np.ndarray and state.scope is None and k.functional and self._takes(value):
            self._put(OnHost(value, stored.placement))
            return
        if type(value) is np.ndarray and self._writes_over(stored, k, value):
            value = k.put(
                value, self.dtype, own=own
            )  # a view of the array where it can be: writing copies it
        given, value = value, self._fitting(k, value)
        if value is given and type(value) is np.ndarray and not own:
            value = value.copy()  # the caller's own memory, where arrays are tensors
        if k.abstract:
            return
        if state.scope is not None:
            state.scope.add_update((self, value))
        elif k.holds_numbers(value):
            self._write(k, stored, value)
        elif k.traced_step:
            self._own(k)  # the write is part of a graph: it needs something to write to
            self._write(k, self._stored, value)
        else:
            raise self._refusal(value)

    def take_over(self, value: np.ndarray) -> None:
        """Set the value to an array that nobody else holds: a large one is not copied, where the framework allows it.

        Args:
            value: An array of the variable's shape, which the caller gives away.

        Raises:
            ValueError: if the shape differs.
        """
        k = state.kernel or _activate()
        stored = self._stored
        free = k.functional or (stored.kernel is None and not stored.waiting)
        if type(value) is np.ndarray and state.scope is None and free and self._takes(value):
            self._put(OnHost(value, stored.placement, own=True))
        else:
            self._assign(value, own=True)

    def take_parts(self, parts: Any) -> None:
        """Set the value to an array that is read by slices: a process reads those that its own devices hold.

        Args:
            parts: What has a shape, a dtype and slices, and gives the whole array when it is called.

        Raises:
            ValueError: if the shape differs.
        """
        stored = self._stored
        if stored.placement is None or state.scope is not None or tuple(parts.shape) != self.shape:
            self.take_over(parts())
            return
        k = real_kernel()
        if stored.kernel is k and k.in_place:
            k.write(stored.tensor, k.put(parts, self.dtype, placement=stored.placement))
        else:
            made = k.variable(parts, self.dtype, self._trainable, stored.placement)
            self._put(OnDevice(k, made, stored.placement))

    def own_parts(self) -> list[tuple[tuple[int, ...], np.ndarray]]:
        """(where it begins, numbers) of the parts that this process has to write, so that all write each entry once."""
        if self._stored.kernel is None:
            self._own(real_kernel())
        stored = self._stored
        return stored.kernel.spread.own_parts(stored.tensor)

    def _write(self, k: Any, stored: Storage, value: Any) -> None:
        if stored.kernel is not k:
            made = k.variable(value, self.dtype, self._trainable, stored.placement)
            self._put(OnDevice(k, made, stored.placement))
            return
        if stored.placement is not None:
            value = k.put(value, placement=stored.placement)
        written = k.write(stored.tensor, value)
        if written is not stored.tensor:
            self._put(OnDevice(k, written, stored.placement))

    def _refusal(self, value: Any) -> Exception:
        return NoValue(
            f"Variable {self.path!r} cannot keep {type(value).__name__} of shape {tuple(value.shape)}: it has no numbers, it "
            "stands for a tensor while a function is traced or its shapes are found. The variable keeps its value. Return "
            "such a value from the traced function and assign it outside, or use `lamina.jit`, which carries variables."
        )

    def _writes_over(self, stored: Storage, k: Any, value: np.ndarray) -> bool:
        """Whether an array goes as it is into memory that the variable has."""
        return stored.kernel is k and k.in_place and state.scope is None and self._takes(value)

    def _takes(self, value: np.ndarray) -> bool:
        """Whether an array needs no conversion; eight bytes are four to some frameworks."""
        return value.shape == self.shape and value.dtype.name == self.dtype and value.itemsize < 8

    def _fitting(self, k: Any, value: Any) -> Any:
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
        return convert(state.kernel or _activate(), value, self.dtype)

    def numpy(self) -> Any:
        """The value as a NumPy array of the caller's own, which may be written to."""
        return np.array(self.look(), order="C")

    def look(self) -> np.ndarray:
        """The value as a NumPy array to be read at once and not to be kept: no copy is made where that can be.

        Returns:
            An array that cannot be written to. Where a framework writes to variables in place, the next write changes it.
        """
        stored = self._stored
        if state.scope is None and stored.kernel is None and not stored.waiting:
            value = stored.host()  # no framework is needed to look at what was not used yet
            if isinstance(value, np.ndarray) and value.dtype.name == self.dtype:
                return _read_only(value)
        k = state.kernel or _activate()
        if k.abstract:
            k = real_kernel()
        with interpreter(k):
            return _read_only(k.to_numpy(self._exact(), view=True))

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether optimizers change it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if bool(value) == self._trainable:
            return
        stored = self._stored
        if stored.kernel is not None and stored.kernel.in_place:
            # the storage of some frameworks knows whether it takes part in differentiation
            self._settle(stored, stored.on(stored.kernel, self.dtype, bool(value)))
        self._trainable = bool(value)
        tracking.changed(self)

    @property
    def placement(self) -> Any:
        """On which devices the value is to be; None is the default device."""
        return self._stored.placement

    @property
    def handle(self) -> Any:
        """The framework's own object that holds the value (a Parameter, a framework variable, an array)."""
        k = state.kernel or _activate()
        value = self._own(k)
        stored = self._stored
        storage = stored.tensor if stored.kernel is k else value
        return getattr(storage, "handle", storage)

    def _share(self, k: Any, storage: Any) -> None:
        """Hold the value in an object of another library's."""
        self._put(OnDevice(k, storage, self._stored.placement))

    def __getstate__(self) -> dict[str, Any]:
        # for copies and pickles: the numbers, and nothing of a framework, a thread or an owner
        kept = {name: x for name, x in self.__dict__.items() if name not in ("_owners", "_structure")}
        return kept | {"_stored": OnHost(self.numpy(), self._stored.placement)}

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


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def is_variable(x: Any) -> bool:
    """Whether `x` is a Variable."""
    return isinstance(x, Variable)


def _values(x: Any) -> Any:
    """The values of the variables among arguments."""
    if isinstance(x, Variable):
        return x.value
    return type(x)([_values(one) for one in x]) if type(x) in (list, tuple) else x
