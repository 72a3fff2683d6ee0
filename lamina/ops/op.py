"""`@op`: what turns one short function on the kernel into a public operation.

    @op("x", promote="float")
    def softmax(k: Kernel, x: Tensor, axis: int = -1) -> Tensor:
        return ...

The public function has the same parameters without `k`. Calling it
 - takes anything for a parameter declared as a tensor: tensors, Variables, NumPy arrays, numbers, sequences;
 - brings the tensors to one dtype: `promote=True` by the lattice, `promote="float"` to an inexact one;
 - runs the body on the interpreter in force (or its native override, see `Kernel.overrides`);
 - on a symbolic tensor adds one node to the graph instead.

Every op that is declared once here is eager, traced, symbolic and serialisable, on every backend.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    cast,
    overload,
)

from lamina.backends import NAMES
from lamina.backends.sparse import densified
from lamina.errors import LaminaError
from lamina.kernel import contract, dtypes
from lamina.kernel.context import interpreter
from lamina.kernel.settings import SETTINGS
from lamina.kernel.shapes import SHAPES, NeedsNumbers, Spec, Unknown
from lamina.kernel.symbolic import Holder, Symbolic
from lamina.ops.caller import caller
from lamina.ops.checks import sizes_unknown

if TYPE_CHECKING:
    from lamina.kernel.contract import Kernel

Tensor = Any  # a tensor parameter, to the reader: callers may give what converts to one
Output = contract.Tensor  # what a body gives that is one tensor; callers get an `Array`
P = ParamSpec("P")
R = TypeVar("R")
Result = TypeVar("Result", covariant=True)
Promotion = Literal[False, True, "float"]


class Array(Output, Protocol):
    """What a checker knows of a tensor that an operation gives: of any backend, or symbolic.

    What only one framework's tensors have is not among it: `lamina.ops` has functions for that.
    """

    @property
    def ndim(self) -> int: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __array__(self, dtype: Any = None, /) -> Any: ...
    def __matmul__(self, other: Any, /) -> Any: ...
    def __rmatmul__(self, other: Any, /) -> Any: ...
    def __rpow__(self, other: Any, /) -> Any: ...
    def __mod__(self, other: Any, /) -> Any: ...
    def __xor__(self, other: Any, /) -> Any: ...
    def __invert__(self) -> Any: ...
    def __abs__(self) -> Any: ...


OPS: dict[str, Op[..., Any]] = {}  # class name in files ("ReduceMean") -> op


class Operation(Protocol[P, Result]):
    """A public function that `@op` has made."""

    __name__: str
    __qualname__: str

    @property
    def op(self) -> Op[P, Result]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result: ...


class Declaration(Protocol):
    """The decorator that `@op(...)` makes."""

    @overload
    def __call__(self, body: Callable[Concatenate[Kernel, P], Output], /) -> Operation[P, Array]: ...
    @overload
    def __call__(self, body: Callable[Concatenate[Kernel, P], R], /) -> Operation[P, R]: ...


class Op(Generic[P, Result]):
    """What is known of an operation besides its public function (`function.op`)."""

    def __init__(
        self,
        body: Callable[Concatenate[Kernel, P], Result],
        tensors: tuple[str, ...],
        *,
        lists: tuple[str, ...],
        given: tuple[str, ...],
        promote: Promotion,
        only: tuple[str, ...],
        scalars: bool,
        weak: bool,
        module: str,
        class_name: str | None,
    ) -> None:
        code = body.__code__
        self.name = body.__name__
        self.body = body
        self.promote = promote
        self.scalars = scalars
        self.only = only
        self.weak = weak
        self.keras_module = f"keras.src.ops.{module}"
        self.class_name = class_name or "".join(part.capitalize() for part in self.name.split("_"))
        self.leading = code.co_argcount - 1
        self.parameters = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
        extra = code.co_varnames[len(self.parameters) + 1 :]
        self.star = extra[0] if code.co_flags & inspect.CO_VARARGS else ""
        self.keywords = extra[bool(self.star)] if code.co_flags & inspect.CO_VARKEYWORDS else ""
        self._check(tensors, lists, given)
        declared = {*tensors, *lists}
        self.tensors = tuple(p for p in self.parameters if p in declared)
        self.given = tuple(p for p in self.parameters if p in declared or p in given)
        self.lists = frozenset(lists)
        self.places = tuple(self.parameters.index(p) for p in self.tensors)
        defaults = body.__defaults__ or ()
        leading = self.parameters[: self.leading]
        self.defaults = dict(zip(leading[len(leading) - len(defaults) :], defaults, strict=True))
        self.bodies: dict[str, Callable[..., Any]] = {}  # by name: Dynamo cannot compare modules
        # By backend, since torch's compiler cannot hash the dtypes of others:
        self.fitting: dict[str, set[Any]] = {}  # dtype objects that need no promotion
        # those of them that a Python number beside them does not change
        self.floats: dict[str, set[Any]] = {}
        self.function: Any = None

    def _check(self, tensors: tuple[str, ...], lists: tuple[str, ...], given: tuple[str, ...]) -> None:
        """That what `@op` declares is true of the body."""
        leading = self.parameters[: self.leading]
        star = f"*{self.star}" if self.star else ""
        positional = (*leading, star) if star else leading
        for p in (*tensors, *lists):
            if p not in positional:
                self._reject(f"the tensor {p!r} is none of its positional parameters {positional}")
        for p in (*given, *self.only):
            if p not in self.parameters:
                self._reject(f"{p!r} is none of its parameters {self.parameters}")
        if star and star not in tensors:
            self._reject(f"its parameter {star!r} must be declared as tensors: @op({star!r})")
        if len({*tensors, *lists, *given}) < len(tensors) + len(lists) + len(given):
            self._reject("a parameter is declared twice")
        if not {*self.only} <= {*tensors, *lists}:
            self._reject(f"only={self.only} are not all among its tensors")
        if (self.only or self.scalars or not self.weak) and not self.promote:
            self._reject("`only`, `scalars` and `weak` say how to promote, and it does not: give `promote`")
        if self.promote not in (False, True, "float"):
            self._reject(f"promote must be False, True or 'float', got {self.promote!r}")

    def _reject(self, what: str) -> None:
        raise TypeError(f"@op on {self.body.__module__}.{self.name}: {what}.")

    def run(self, k: Kernel, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        """The op inside another body: the body in force, on tensors of one fitting dtype."""
        out = (self.bodies.get(k.name) or self.body_for(k))(k, *args, **kwargs)
        return out if out is not NotImplemented else self.body(k, *args, **kwargs)

    def body_for(self, k: Kernel) -> Callable[..., Any]:
        """The body in force on this interpreter: its native override, or the composed definition.

        An override answers NotImplemented to arguments that it does not cover, or that are wrong.
        """
        found = self.bodies[k.name] = k.overrides.get(self.name, self.body)
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

    def __call__(self, k: Kernel, args: tuple, kwargs: dict) -> Any:
        """Convert, promote and run; or add a node when a tensor is symbolic.

        `args` has all positional parameters, `kwargs` the others.
        """
        given = list(args)
        slots: list[tuple[list, int, bool]] = []  # (list, index, takes part in promotion) of every tensor
        for place, name in zip(self.places, self.tensors, strict=True):
            value = given[place]
            joins = not self.only or name in self.only
            if name in self.lists and isinstance(value, list | tuple):
                given[place] = value = list(value)
                slots.extend((value, i, joins) for i in range(len(value)))
            elif value is not None:
                slots.append((given, place, joins))
        if self.star:  # *tensors
            slots.extend((given, i, True) for i in range(self.leading, len(given)))
        for box, i, _ in slots:
            if isinstance(box[i], Symbolic):
                return box[i].apply_op(self, args, kwargs)
        self._convert(k, slots)
        body: Callable[..., Any] = self.body
        try:
            out = (self.bodies.get(k.name) or self.body_for(k))(k, *given, **kwargs)
            return out if out is not NotImplemented else body(k, *given, **kwargs)
        except Exception as error:
            self.explain(k, error, given, kwargs)
            raise

    def explain(self, k: Kernel, error: Exception, args: Sequence[Any], kwargs: dict) -> None:
        """Raise the same error on every backend: what the body says to the shapes it got.

        Called only when a body has failed, so that good calls pay nothing for it.
        """
        if k.abstract or isinstance(error, LaminaError):
            return
        specs = [_without_numbers(k, a) for a in args], {n: _without_numbers(k, a) for n, a in kwargs.items()}
        body: Callable[..., Any] = self.body
        with interpreter(SHAPES):
            try:
                body(SHAPES, *specs[0], **specs[1])
            except NeedsNumbers:
                return
            except (ValueError, TypeError, IndexError) as better:
                name = self.function.__name__
                text = str(better) if str(better).startswith(name) else f"{name}: {better}"
                raise type(better)(text) from _cause(error, str(better))
        self._explain_open_sizes(k, error, (*args, *kwargs.values()))

    def _explain_open_sizes(self, k: Kernel, error: Exception, given: Sequence[Any]) -> None:
        """Say which sizes were missing: in a graph of TensorFlow, made for a signature of the user's."""
        if "NoneType" not in str(error) or any(
            map(callable, given)
        ):  # a function of the user's may have failed
            return
        each = [t for x in given for t in (x if isinstance(x, list | tuple) else [x])]
        if tensors := [t for t in each if isinstance(t, k.Tensor) and None in t.shape]:
            raise sizes_unknown(self.function.__name__, *tensors) from _cause(error, "")

    def _convert(self, k: Kernel, slots: list[tuple[list, int, bool]]) -> None:
        joined: list[tuple[list, int]] = []
        names = []
        for box, i, joins in slots:
            value = box[i]
            if isinstance(value, Holder):
                value = box[i] = value.value
            joins = joins and self.promote
            if isinstance(value, bool | int | float | complex) and joins:
                name = dtypes.of_scalar(value) if self.weak else dtypes.standardize(type(value))
            else:
                if not isinstance(value, k.Tensor):
                    value = box[i] = convert(k, value)
                name = k.dtype(value) if joins else ""
            if joins:
                joined.append((box, i))
                names.append(name)
        if names:
            self._promote(k, joined, names)

    def _learn(self, k: Kernel, x: Any) -> None:
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

    def _promote(self, k: Kernel, slots: list[tuple[list, int]], names: list[str]) -> None:
        target = names[0] if len(names) == 1 and names[0] in dtypes.NAMES else dtypes.join(*names)
        if self.promote == "float":
            target = dtypes.to_float(target)
        # A body that takes scalars still needs one tensor to work on.
        scalars = self.scalars and any(isinstance(box[i], k.Tensor) for box, i in slots)
        for (box, i), name in zip(slots, names, strict=True):
            value = box[i]
            if isinstance(value, k.Tensor):
                if name != target:
                    box[i] = k.astype(value, target)
                elif value.dtype not in self.fitting.get(k.name, ()):
                    self._learn(k, value)
            elif name == target or not scalars or i == 0:  # the first one is always a tensor
                box[i] = k.full((), value, target)
            elif name == "bool":  # some frameworks do not compute with True
                box[i] = int(value)


_SCALARS = (bool, int, float, complex)


def _cause(error: Exception, text: str) -> Exception | None:
    """What is shown as the cause of an error in better words."""
    return None if SETTINGS["traceback_filtering"] or str(error) == text else error


def _without_numbers(k: Kernel, x: Any) -> Any:
    if isinstance(x, k.Tensor):
        return Spec([Unknown(1009) if not isinstance(n, int) else n for n in k.shape(x)], k.dtype(x))
    return type(x)(_without_numbers(k, e) for e in x) if type(x) in (list, tuple) else x


def convert(k: Kernel, x: Any, dtype: str | None = None) -> Any:
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
        kind = next(t for t in _SCALARS if isinstance(x, t))  # np.float64 is a float, an IntEnum an int
        return k.full((), x, dtype or dtypes.standardize(kind))
    if isinstance(x, list | tuple):
        return _from_sequence(k, x, dtype)
    x = densified(k, x)
    if not getattr(getattr(x, "dtype", None), "isnative", True):  # from a file of another kind of machine
        x = x.astype(x.dtype.newbyteorder("="))
    return k.asarray(x, dtype)


def _from_sequence(k: Kernel, x: Sequence[Any], dtype: str | None) -> Any:
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


# -- the decorator -----------------------------------------------------------------------------------------------------


def op(
    *tensors: str,
    lists: tuple[str, ...] = (),
    given: tuple[str, ...] = (),
    promote: Promotion = False,
    only: tuple[str, ...] = (),
    scalars: bool = False,
    weak: bool = True,
    module: str = "numpy",
    class_name: str | None = None,
) -> Declaration:
    """Declare an operation.

    Args:
        tensors: The parameters of the body that are tensors; "*xs" for any number of them.
        lists: Those that may also be a list or tuple of tensors.
        given: Other parameters that files keep beside the tensors, in a node's arguments (the rest goes to its config).
        promote: False (each tensor keeps its dtype), True (one dtype by the lattice) or "float" (an inexact one).
        only: The tensors that take part in the promotion, when it is not all of them.
        scalars: Whether the body takes Python scalars beside tensors (they then stay scalars).
        weak: Whether a Python number takes the dtype of the tensors beside it; False makes it one of 32 bits first.
        module: The theme under which Keras files name the operation ("numpy", "nn", "math", ...).
        class_name: Its class name in files; by default the name in capitals ("log_softmax": "LogSoftmax").

    Returns:
        A decorator of the body, a function whose first parameter is the kernel. It gives the public function, whose `op`
        attribute is the `Op`.

    Raises:
        TypeError: if the body has no such parameters, or the declarations contradict each other.
    """

    def declare(body: Callable[..., Any], /) -> Any:
        what: Op[..., Any] = Op(
            body,
            tensors,
            lists=lists,
            given=given,
            promote=promote,
            only=only,
            scalars=scalars,
            weak=weak,
            module=module,
            class_name=class_name,
        )
        what.function = function = cast(Any, caller(what))
        _dress(function, what)
        OPS.setdefault(what.class_name, what)
        return function

    return declare


def _dress(function: Any, what: Op[..., Any]) -> None:
    """Make the public function look like the body, without the kernel."""
    body = what.body
    function.__name__ = function.__qualname__ = body.__name__
    function.__module__ = body.__module__
    function.__doc__ = body.__doc__
    signature = inspect.signature(body)
    function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    function.op = what
    function.autograph_info__ = {}  # TensorFlow runs it as it is: there is no source file to convert
