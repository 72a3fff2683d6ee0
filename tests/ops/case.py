"""One call of an operation, and what is known of it. The catalogues `cases_*.py` are lists of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

rng = np.random.default_rng(7)


def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    """Random numbers, distinct, of both signs."""
    return rng.normal(size=shape).astype(dtype)


def positive(*shape: int) -> np.ndarray:
    """Random numbers in (0.5, 2)."""
    return rng.uniform(0.5, 2.0, shape).astype("float32")


def integers(*shape: int, low: int = -5, high: int = 6, dtype: str = "int32") -> np.ndarray:
    """Random integers, low <= n < high."""
    return rng.integers(low, high, shape).astype(dtype)


@dataclasses.dataclass(frozen=True)
class Case:
    """A call `lamina.ops.<name>(*args, **kwargs)`; the tensors in it are NumPy arrays.

    Fields besides the call are set with `but`:
        rtol, atol: How near backends must be to the oracle.
        gradient: Whether to check gradients by its float32 arguments (where the result is a float).
        jit: Whether it must run compiled. Not where the result's shape depends on values.
        infer: Whether shapes are inferred from unknown sizes, too.
        oracle: What gives the right result; None is real `keras.ops.<name>`.
        skip: Backends that cannot do it, with the reason.
        known: Places (among the arrays of the call) of those whose sizes must be known.
    """

    name: str
    args: tuple
    kwargs: dict[str, Any]
    rtol: float = 1e-5
    atol: float = 1e-5
    gradient: bool = True
    jit: bool = True
    infer: bool = True
    oracle: Callable[..., Any] | None = None
    known: tuple[int, ...] = ()
    skip: dict[str, str] = dataclasses.field(default_factory=dict)

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)
        object.__setattr__(self, "skip", {})

    def but(self, **fields: Any) -> Case:
        """The same call with other fields."""
        new = Case(self.name, *self.args, **self.kwargs)
        for field in dataclasses.fields(self):
            value = fields.pop(field.name, getattr(self, field.name))
            object.__setattr__(new, field.name, value)
        if fields:
            raise TypeError(f"A case has no field {', '.join(fields)}.")
        return new

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"{self.name}({', '.join([*map(_shown, self.args), *(f'{k}={_shown(v)}' for k, v in self.kwargs.items())])})"


def _shown(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"{x.dtype.name}{list(x.shape)}"
    if isinstance(x, list | tuple):
        return "[" + ", ".join(map(_shown, x)) + "]"
    return repr(x)
