"""A tensor without numbers that knows whether a gradient reaches it, and which memory it stands for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.shapes.spec import Spec

_WIDTHS = {"bool": 1, "complex64": 8, "complex128": 16}


def width(dtype: str) -> int:
    """Bytes of an element."""
    return _WIDTHS.get(dtype) or max(1, int("".join(filter(str.isdigit, dtype.split("_")[0]))) // 8)


class Buffer:
    """A piece of memory. Views of a tensor share it.

    Attributes:
        size: In bytes.
        given: Whether it was there before the program began: a variable or an input.
        source: What it holds in another dtype; itself as a rule.
        parts: Of a weight that several devices share: into how many parts each axis is divided.
        shared: Into how many parts it is divided over devices that share a model.
    """

    __slots__ = ("given", "parts", "shared", "size", "source")

    def __init__(self, size: int, given: bool = False, parts: tuple[int, ...] = ()) -> None:
        self.size, self.given, self.parts = size, given, parts
        self.shared = math.prod(parts)
        self.source: Buffer = self


class Traced(Spec):
    """A `Spec` that the cost interpreter follows.

    Attributes:
        wanted: Whether the gradient of it is needed: a trainable variable, or something that depends on one.
        buffer: The memory it stands for.
        cost: The interpreter, for the operators.
    """

    __slots__ = ("buffer", "cost", "wanted")

    def __init__(self, shape: Any, dtype: str, cost: Any, wanted: bool = False, buffer: Any = None) -> None:
        super().__init__(shape, dtype)
        self.cost = cost
        self.wanted = wanted and (dtype in dtypes.IS_INEXACT)
        self.buffer = buffer or Buffer(int(self.size) * width(dtype))

    @property
    def T(self) -> Any:
        return self.cost.permute_dims(self, tuple(range(len(self.shape)))[::-1])

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    def __getitem__(self, key: Any) -> Any:
        return self.cost.note("getitem", (self, key), {}, super().__getitem__(key))


def _operator(name: str, function: str, reflected: bool = False) -> None:
    plain: Callable = getattr(Spec, name)

    def method(self: Traced, *others: Any) -> Any:
        return self.cost.note(function, (self, *others), {}, plain(self, *others))

    method.__name__ = name
    setattr(Traced, name, method)


_BINARY = {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
           "mod": "remainder", "pow": "pow", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}  # fmt: skip
for _name, _function in _BINARY.items():
    _operator(f"__{_name}__", _function)
    _operator(f"__r{_name}__", _function)
for _name, _function in {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
    "neg": "negative", "abs": "abs", "invert": "bitwise_invert", "matmul": "matmul", "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}.items():  # fmt: skip
    _operator(f"__{_name}__", _function)
Traced.__hash__ = object.__hash__  # by identity, although == is elementwise
