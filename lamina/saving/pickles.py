"""Pickles of plain values, read as data: no class is looked up and nothing is called.

A pickle is a program for a small machine. This one has a machine without the words that do harm: what would be a call or
an object becomes a `Made`, which says what was asked for and with what; names outside the list that is given are refused.
Its memory grows with the file alone.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection
from typing import Any

from lamina.errors import SerializationError


class Name(str):
    """A class or function that a pickle names: "module.name"."""

    __slots__ = ()


class Made:
    """What a pickle would have made: of which name, with which arguments and state.

    Args:
        of: The name.
        args: The arguments.
    """

    __slots__ = ("args", "of", "state")

    def __init__(self, of: str, args: Any) -> None:
        self.of, self.args, self.state = of, args, None


def read(data: bytes, names: Collection[str], label: str) -> Any:
    """The value in a pickle.

    Args:
        data: The pickle.
        names: The names that may stand in it, as "module.name".
        label: What the file is called in errors.

    Returns:
        Numbers, texts, None, lists, tuples, dicts, `Name` and `Made`.

    Raises:
        SerializationError: if it holds anything else, or is damaged.
    """
    try:
        return _Machine(names, label).run(data)
    except SerializationError:
        raise
    except Exception as error:  # noqa: BLE001  # a damaged pickle may ask anything of an empty stack
        raise SerializationError(
            f"{label}: not a readable pickle of plain values ({type(error).__name__}: {error!s:.200})."
        ) from None


_PUSH = frozenset(
    "BINFLOAT BININT BININT1 BININT2 LONG1 BINUNICODE SHORT_BINUNICODE BINUNICODE8".split()  # noqa: SIM905
)
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list, "EMPTY_DICT": dict,
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_NOTHING = frozenset(("PROTO", "FRAME"))


class _Machine:
    """The stack, its marks, and what was to be remembered by number."""

    def __init__(self, names: Collection[str], label: str) -> None:
        self.names, self.label = names, label
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for opcode, arg, _ in pickletools.genops(data):
            name = opcode.name
            if name in _PUSH:
                self.stack.append(arg)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name]())
            elif name in _TUPLES:
                self.stack.append(tuple(self._last(_TUPLES[name])))
            elif name == "STOP":
                return self.stack.pop()
            elif name not in _NOTHING:
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:
                    raise SerializationError(
                        f"{self.label}: a pickle with {name}, which no plain value needs."
                    )
                step(arg)
        raise SerializationError(f"{self.label}: the pickle has no end.")

    def _last(self, count: int) -> list[Any]:
        found = self.stack[len(self.stack) - count :]
        if len(found) < count:
            raise IndexError("the stack is empty")
        del self.stack[len(self.stack) - count :]
        return found

    def _marked(self) -> list[Any]:
        return self._last(len(self.stack) - self.marks.pop())

    def _mark(self, _: Any) -> None:
        self.marks.append(len(self.stack))

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._marked()))

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _binput(self, at: int) -> None:
        self.memo[at] = self.stack[-1]

    _long_binput = _binput

    def _binget(self, at: int) -> None:
        self.stack.append(self.memo[at])

    _long_binget = _binget

    def _append(self, _: Any) -> None:
        self._add(self._last(1))

    def _appends(self, _: Any) -> None:
        self._add(self._marked())

    def _add(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise TypeError("not a list")
        self.stack[-1].extend(values)

    def _setitem(self, _: Any) -> None:
        self._set(self._last(2))

    def _setitems(self, _: Any) -> None:
        self._set(self._marked())

    def _set(self, values: list[Any]) -> None:
        target = self.stack[-1]
        for key, value in zip(values[::2], values[1::2], strict=True):
            # tuples of tuples of the same tuples take as long to compare as there are paths through them
            if not isinstance(target, dict) or not isinstance(key, str | int | Made):
                raise TypeError("not a dict of plain keys")
            target[key] = value

    def _global(self, name: str) -> None:
        self._named(*name.split(" ", 1))

    def _stack_global(self, _: Any) -> None:
        self._named(*self._last(2))

    def _named(self, module: str, name: str) -> None:
        if f"{module}.{name}" not in self.names:
            raise SerializationError(
                f"{self.label}: a pickle that names {module!s:.80}.{name!s:.80}; only plain values may stand in it."
            )
        self.stack.append(Name(f"{module}.{name}"))

    def _reduce(self, _: Any) -> None:
        of, args = self._last(2)
        if not isinstance(of, Name) or not isinstance(args, tuple):
            raise TypeError("a call of something that is no name")
        self.stack.append(Made(of, args))

    _newobj = _reduce

    def _build(self, _: Any) -> None:
        made, state = self._last(2)
        if not isinstance(made, Made):
            raise TypeError("a state for something that has none")
        made.state = state
        self.stack.append(made)

    def _binpersid(self, _: Any) -> None:
        self.stack.append(Made("persistent", (self.stack.pop(),)))
