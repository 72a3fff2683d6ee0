"""`@op`: what turns one short function on the kernel into a public operation.

    @op(promote="float")
    def softmax(k, x: Tensor, axis: int = -1) -> Tensor:
        return ...

The public function has the same parameters without `k`. Calling it
 - takes anything for a parameter annotated with `Tensor`: tensors, Variables, NumPy arrays, numbers, sequences;
 - brings the tensors to one dtype: `promote=True` by the lattice, `promote="float"` to an inexact one;
 - runs the body on the interpreter in force (or its native override, see `Kernel.overrides`);
 - on a symbolic tensor adds one node to the graph instead.

Every op that is declared once here is eager, traced, symbolic and serialisable, on every backend.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from lamina.backends import NAMES
from lamina.errors import LaminaError
from lamina.kernel import dtypes
from lamina.kernel.context import _activate, interpreter, state
from lamina.kernel.shapes import SHAPES, NeedsNumbers, Spec, Unknown
from lamina.kernel.symbolic import Holder, Symbolic

if TYPE_CHECKING:
    from lamina.kernel.contract import Kernel

Tensor = Any  # the annotation that marks a tensor parameter
Given = (
    Any  # marks one that files keep beside the tensors, in a node's arguments (the others go to its config)
)
P = ParamSpec("P")
R = TypeVar("R")

OPS: dict[str, Op] = {}  # class name in files ("ReduceMean") -> op


class Op:
    """What is known of an operation besides its public function (`function.op`)."""

    def __init__(
        self,
        body: Callable[..., Any],
        promote: Any,
        scalars: bool,
        module: str,
        class_name: str,
        only: tuple[str, ...] = (),
        weak: bool = True,
    ) -> None:
        code = body.__code__
        self.name = body.__name__
        self.body = body
        self.promote = promote
        self.scalars = scalars
        self.only = only
        self.weak = weak
        self.keras_module = module
        self.class_name = class_name
        self.leading = code.co_argcount - 1
        self.parameters = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        notes = {p: str(body.__annotations__.get(p, "")) for p in self.parameters}
        self.tensors = tuple(p for p in self.parameters if "Tensor" in notes[p])
        self.given = tuple(p for p in self.parameters if "Tensor" in notes[p] or "Given" in notes[p])
        self.lists = frozenset(p for p in self.tensors if "Sequence[Tensor" in notes[p])
        self.places = tuple(self.parameters.index(p) for p in self.tensors)
        self.star = code.co_varnames[len(self.parameters) + 1] if code.co_flags & inspect.CO_VARARGS else None
        self.keywords = (
            code.co_varnames[len(self.parameters) + 1 + bool(self.star)]
            if code.co_flags & inspect.CO_VARKEYWORDS
            else ""
        )
        self.bodies: dict[str, Callable[..., Any]] = {}  # by name: Dynamo cannot compare modules
        # By backend, since torch's compiler cannot hash the dtypes of others:
        self.fitting: dict[str, set[Any]] = {}  # dtype objects that need no promotion
        self.floats: dict[
            str, set[Any]
        ] = {}  # those of them that a Python number beside them does not change
        self.function: Any = None

    def learn(self, k: Any, x: Any) -> None:
        """Note the dtype of a tensor if the op takes it as it is."""
        if k.name not in self.fitting:
            # for all at once: a dictionary that changes under torch's compiler has all it holds rebuilt, and hashed
            for name in (*NAMES, k.name):
                self.fitting.setdefault(name, set())
                self.floats.setdefault(name, set())
        inexact = k.dtype(x) in dtypes.IS_INEXACT
        if self.promote != "float" or inexact:
            self.fitting[k.name].add(x.dtype)
        if inexact:
            self.floats[k.name].add(x.dtype)

    def run(self, k: Any, *args: Any) -> Any:
        """The op inside another body: the body in force, on tensors that fit."""
        return (self.bodies.get(k.name) or self.body_for(k))(k, *args)

    def body_for(self, k: Any) -> Callable[..., Any]:
        """The body in force on this interpreter: its native override, or the composed definition."""
        native = k.overrides.get(self.name)
        found = self.bodies[k.name] = self.body if native is None else _native_first(native, self.body)
        return found

    def with_config(self, config: dict[str, Any]) -> Callable[..., Any]:
        """The function of a node's arguments, which stand for `given` in order; `config` holds the other ones."""
        named = dict(config)
        if self.star:
            return partial(self.function, *[named.pop(p) for p in self.parameters[: self.leading]], **named)
        if self.given == self.parameters[: len(self.given)]:
            return partial(self.function, **named) if named else self.function
        function, given = self.function, self.given
        return lambda *args, **kwargs: function(**dict(zip(given, args)), **kwargs, **named)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    # -- the general path ------------------------------------------------------------------------------------------

    def __call__(self, k: Any, args: tuple, kwargs: dict) -> Any:
        """Convert, promote and run; or add a node when a tensor is symbolic."""
        given = list(args)
        slots: list[
            tuple[Any, Any, bool]
        ] = []  # (container, key, takes part in promotion) of every tensor argument
        for place, name in zip(self.places, self.tensors, strict=True):
            box, key = (given, place) if place < len(given) else (kwargs, name)
            if box is kwargs and name not in kwargs:
                continue
            value = box[key]
            joins = not self.only or name in self.only
            if name in self.lists and isinstance(value, list | tuple):
                box[key] = value = list(value)
                slots.extend((value, i, joins) for i in range(len(value)))
            elif value is not None:
                slots.append((box, key, joins))
        if self.star:  # *tensors
            slots.extend((given, i, True) for i in range(self.leading, len(given)))
        for box, key, _ in slots:
            if isinstance(box[key], Symbolic):
                return box[key].apply_op(self, args, kwargs)
        self._convert(k, slots)
        try:
            return (self.bodies.get(k.name) or self.body_for(k))(k, *given, **kwargs)
        except Exception as error:
            self.explain(k, error, given, kwargs)
            raise

    def explain(self, k: Any, error: Exception, args: Sequence[Any], kwargs: dict) -> None:
        """Raise the same error on every backend: what the body says to the shapes it got.

        Called only when a body has failed, so that good calls pay nothing for it.
        """
        if k.abstract or isinstance(error, LaminaError):
            return
        specs = [_without_numbers(k, a) for a in args], {n: _without_numbers(k, a) for n, a in kwargs.items()}
        with interpreter(SHAPES):
            try:
                self.body(SHAPES, *specs[0], **specs[1])
            except NeedsNumbers:
                return
            except (ValueError, TypeError, IndexError) as better:
                text = str(better) if str(better).startswith(self.name) else f"{self.name}: {better}"
                raise type(better)(text) from (error if str(error) != str(better) else None)

    def _convert(self, k: Any, slots: list[tuple[Any, Any, bool]]) -> None:
        joined, names = [], []
        for box, key, joins in slots:
            value = box[key]
            if isinstance(value, Holder):
                value = box[key] = value.value
            joins = joins and self.promote
            if isinstance(value, bool | int | float | complex) and joins:
                name = dtypes.of_scalar(value) if self.weak else dtypes.standardize(type(value))
            else:
                if not isinstance(value, k.Tensor):
                    value = box[key] = convert(k, value)
                name = k.dtype(value) if joins else ""
            if joins:
                joined.append((box, key))
                names.append(name)
        if names:
            self._promote(k, joined, names)

    def _promote(self, k: Any, slots: list[tuple[Any, Any]], names: list[str]) -> None:
        target = names[0] if len(names) == 1 and names[0] in dtypes.NAMES else dtypes.join(*names)
        if self.promote == "float":
            target = dtypes.to_float(target)
        # A body that takes scalars still needs one tensor to work on.
        scalars = self.scalars and any(isinstance(box[key], k.Tensor) for box, key in slots)
        for (box, key), name in zip(slots, names, strict=True):
            if isinstance(box[key], k.Tensor):
                if name != target:
                    box[key] = k.astype(box[key], target)
            elif name == target or not scalars or key == 0:  # the first one is always a tensor
                box[key] = k.full((), box[key], target)
            elif name == "bool":  # some frameworks do not compute with True
                box[key] = int(box[key])


_SCALARS = (bool, int, float, complex)
_NUMBERS = frozenset((int, float))


def _without_numbers(k: Any, x: Any) -> Any:
    if isinstance(x, k.Tensor):
        return Spec([Unknown(1009) if not isinstance(n, int) else n for n in k.shape(x)], k.dtype(x))
    return type(x)(_without_numbers(k, e) for e in x) if type(x) in (list, tuple) else x


def _kernel_for(args: tuple) -> Any:
    """The interpreter for the first call in a thread: drawing a graph needs no framework, so none is imported for it."""
    for x in args:
        if isinstance(x, Symbolic) or (
            isinstance(x, list | tuple) and any(isinstance(e, Symbolic) for e in x)
        ):
            return SHAPES
    return _activate()


def convert(k: Any, x: Any, dtype: str | None = None) -> Any:
    """A tensor of interpreter `k` from anything. Python numbers become 32 bits wide, arrays keep their dtype."""
    if isinstance(x, k.Tensor):
        return x if dtype is None or k.dtype(x) == dtype else k.astype(x, dtype)
    if isinstance(x, Holder):
        return convert(k, x.value, dtype)
    if isinstance(x, Symbolic):
        raise TypeError(
            f"{x!r} is symbolic: it has no value. Use lamina.ops on it, or build a model from it."
        )
    if isinstance(x, bool | int | float | complex):
        return k.full((), x, dtype or dtypes.standardize(type(x) if type(x) in _SCALARS else int))
    if isinstance(x, list | tuple):
        return _from_sequence(k, x, dtype)
    if not getattr(getattr(x, "dtype", None), "isnative", True):  # from a file of another kind of machine
        x = x.astype(x.dtype.newbyteorder("="))
    return k.asarray(x, dtype)


def _from_sequence(k: Any, x: Sequence[Any], dtype: str | None) -> Any:
    """Nested lists; they may hold tensors, which are stacked."""
    if any(
        isinstance(e, k.Tensor | Holder if isinstance(k.Tensor, type) else (*k.Tensor, Holder)) for e in x
    ):
        parts = [convert(k, e) for e in x]
        target = dtype or dtypes.join(*(k.dtype(p) for p in parts))
        return k.stack([convert(k, p, target) for p in parts], 0)
    import numpy as np

    array = np.asarray(x)
    if dtype is None and array.dtype.name in ("float64", "int64"):
        dtype = dtypes.standardize(None) if array.dtype.name == "float64" else "int32"
    return k.asarray(array, dtype)


def _native_first(native: Callable[..., Any], body: Callable[..., Any]) -> Callable[..., Any]:
    """The override; where it answers NotImplemented (an argument it does not cover, or a wrong one) the composed body."""

    def call(k: Any, *args: Any, **kwargs: Any) -> Any:
        result = native(k, *args, **kwargs)
        return body(k, *args, **kwargs) if result is NotImplemented else result

    return call


# -- the decorator -----------------------------------------------------------------------------------------------------


@overload
def op(body: Callable[Concatenate[Kernel, P], R], /) -> Callable[P, R]: ...
@overload
def op(
    *,
    promote: Any = None,
    scalars: bool = False,
    module: str = "numpy",
    class_name: str | None = None,
    only: tuple[str, ...] = (),
    weak: bool = True,
) -> Callable[[Callable[Concatenate[Kernel, P], R]], Callable[P, R]]: ...
def op(
    body: Any = None,
    *,
    promote: Any = None,
    scalars: bool = False,
    module: str = "numpy",
    class_name: str | None = None,
    only: tuple[str, ...] = (),
    weak: bool = True,
) -> Any:
    """Declare an operation.

    Args:
        body: The definition, with the kernel as its first parameter.
        promote: None (each tensor keeps its dtype), True (one dtype by the lattice) or "float" (an inexact one).
        scalars: Whether the body takes Python scalars beside tensors (they then stay scalars).
        module: The theme under which Keras files name the operation ("numpy", "nn", "math", ...).
        only: The tensor parameters that take part in the promotion, when it is not all of them.
        weak: Whether a Python number takes the dtype of the tensors beside it; False makes it one of 32 bits first.
        class_name: Its class name in files; by default the name in capitals ("log_softmax": "LogSoftmax").

    Returns:
        The public function; its `op` attribute is the `Op`.
    """
    if body is None:
        return lambda b: op(
            b, promote=promote, scalars=scalars, module=module, class_name=class_name, only=only, weak=weak
        )
    camel = "".join(part.capitalize() for part in body.__name__.split("_"))
    what = Op(body, promote, scalars, f"keras.src.ops.{module}", class_name or camel, only, weak)
    function = _short_way(what)(what)
    what.function = function
    _dress(function, what)
    OPS.setdefault(what.class_name, what)
    return function


def _short_way(what: Op) -> Callable[[Op], Callable[..., Any]]:
    """The form of the public function: the shortest that the parameters allow."""
    if what.only or what.lists or what.star:
        return _general
    if what.parameters == ("x",) == what.tensors:
        return _only_unary
    if what.parameters == ("x1", "x2") == what.tensors:
        return _only_binary
    return {(0,): _unary, (0, 1): _binary}.get(what.places, _general)


def _dress(function: Any, what: Op) -> None:
    body = what.body
    function.__name__ = function.__qualname__ = body.__name__
    function.__module__ = body.__module__
    function.__doc__ = body.__doc__
    signature = inspect.signature(body)
    function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    function.op = what


# The short ways below decide by the fewest look-ups. `fitting` holds the frameworks' dtype objects that need no promotion,
# learned as they come. Ops whose only parameters are their tensors are spelled out, since packing arguments costs as
# much as all the rest.


def _only_unary(what: Op) -> Callable[..., Any]:
    """`f(x)`."""
    bodies, fitting = what.bodies, what.fitting

    def call(x: Any) -> Any:
        k = state.kernel or _kernel_for((x,))
        if isinstance(x, k.Tensor):
            name = k.name
            if x.dtype in fitting.get(name, ()):
                body = bodies.get(name) or what.body_for(k)
                try:
                    return body(k, x)
                except Exception as error:
                    what.explain(k, error, (x,), {})
                    raise
            what.learn(k, x)
        return what(k, (x,), {})

    return call


def _only_binary(what: Op) -> Callable[..., Any]:
    """`f(x1, x2)`; a Python number beside a float tensor takes its dtype, so it needs no look either."""
    bodies, fitting, promote = what.bodies, what.fitting, bool(what.promote)

    weak = what.floats if what.scalars else {}

    def call(x1: Any, x2: Any) -> Any:
        k = state.kernel or _kernel_for((x1, x2))
        if isinstance(x1, k.Tensor) and (isinstance(x2, k.Tensor) or type(x2) in _NUMBERS):
            dtype, name = x1.dtype, k.name
            if type(x2) in _NUMBERS:
                plain = dtype in weak.get(name, ())
            else:
                plain = dtype == x2.dtype and dtype in fitting.get(name, ())
            if plain or (not promote and type(x2) not in _NUMBERS):
                body = bodies.get(name) or what.body_for(k)
                try:
                    return body(k, x1, x2)
                except Exception as error:
                    what.explain(k, error, (x1, x2), {})
                    raise
            what.learn(k, x1)
        return what(k, (x1, x2), {})

    return call


def _unary(what: Op) -> Callable[..., Any]:
    """One tensor in front: no look at anything else when it is one of the interpreter's, of a fitting dtype."""
    bodies, to_float = what.bodies, what.promote == "float"
    inexact = dtypes.IS_INEXACT

    def call(*args: Any, **kwargs: Any) -> Any:
        k = state.kernel or _kernel_for(args)
        if args and isinstance(args[0], k.Tensor) and (not to_float or k.dtype(args[0]) in inexact):
            try:
                return (bodies.get(k.name) or what.body_for(k))(k, *args, **kwargs)
            except Exception as error:
                what.explain(k, error, args, kwargs)
                raise
        return what(k, args, kwargs)

    return call


def _binary(what: Op) -> Callable[..., Any]:
    """Two tensors in front: straight through when both are the interpreter's and of one fitting dtype."""
    bodies, promote, to_float = what.bodies, bool(what.promote), what.promote == "float"
    inexact = dtypes.IS_INEXACT

    def call(*args: Any, **kwargs: Any) -> Any:
        k = state.kernel or _kernel_for(args)
        if len(args) > 1:
            x1, x2 = args[0], args[1]
            tensor = k.Tensor
            if (
                isinstance(x1, tensor)
                and isinstance(x2, tensor)
                and (not promote or (x1.dtype == x2.dtype and (not to_float or k.dtype(x1) in inexact)))
            ):
                try:
                    return (bodies.get(k.name) or what.body_for(k))(k, *args, **kwargs)
                except Exception as error:
                    what.explain(k, error, args, kwargs)
                    raise
        return what(k, args, kwargs)

    return call


def _general(what: Op) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return what(state.kernel or _kernel_for(args), args, kwargs)

    return call
