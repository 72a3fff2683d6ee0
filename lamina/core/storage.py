"""What holds a variable's value: one object for each state that the value can be in.

| state | the value is | who may read it |
|---|---|---|
| `Pending` | not drawn yet | draws it |
| `OnHost` | staged: a NumPy array that was assigned | moves it to a device, a compiled step with its call |
| `OnDevice` | a kernel's tensor | that kernel as it is, another one by a copy |
| `Donated` | memory that a compiled step left for the next one | takes it back first; the next step then works on a copy |
| `Lost` | gone with a step that failed | nobody: an error, until something is assigned |

A state never changes into another one: a variable replaces its state by the next. So a thread that has got hold of a
state reads the old value or, if it looks again, the new one; never half of each.

Reading by `kernel` and `tensor` is the fast path: `kernel` is None in every state that cannot be read as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lamina.errors import BackendError


class Storage:
    """A value in one of its states. `placement` says on which devices it is to be; None is the default device."""

    __slots__ = ("placement",)

    kernel: Any = None
    tensor: Any = None
    waiting = False  # whether the value has to be taken back from compiled steps before it can be read

    def __init__(self, placement: Any = None) -> None:
        self.placement = placement

    def host(self) -> Any:
        """The value as a NumPy array, or as what an initializer gave. Not to be written to."""
        raise NotImplementedError

    def on(self, k: Any, dtype: str, trainable: bool) -> OnDevice:
        """The value in memory of its own on a kernel."""
        return OnDevice(k, k.variable(self.host(), dtype, trainable, self.placement), self.placement)

    def placed(self, placement: Any, dtype: str, trainable: bool) -> Storage:
        """The same value, to lie on other devices."""
        raise NotImplementedError

    def copy_on(self, k: Any, dtype: str, trainable: bool) -> Any:
        """The tensor of another kernel with the same numbers, to be read only."""
        return k.read(k.variable(self.host(), dtype, trainable))

    def take(self, k: Any) -> tuple[Any, bool] | None:
        """For a compiled step of `k`: (value, whether others hold it as well); None if it must be read first."""
        return None


class Pending(Storage):
    """Not drawn yet.

    Args:
        draw: Gives the value.
        placement: The devices; None for the default one.
    """

    __slots__ = ("draw",)

    def __init__(self, draw: Callable[[], Any], placement: Any = None) -> None:
        self.draw, self.placement = draw, placement

    def host(self) -> Any:
        return self.draw()

    def on(self, k: Any, dtype: str, trainable: bool) -> OnDevice:
        # of what can be drawn in parts each process draws its own, and nobody ever has the whole
        parts = self.draw if self.placement is not None and hasattr(self.draw, "shape") else self.draw()
        return OnDevice(k, k.variable(parts, dtype, trainable, self.placement), self.placement)

    def placed(self, placement: Any, dtype: str, trainable: bool) -> Storage:
        return Pending(self.draw, placement)


class OnHost(Storage):
    """Staged: a copy of an array that was assigned, moved by who reads it, or by a compiled step with its call.

    Args:
        array: The value; it is copied.
        placement: The devices; None for the default one.
        own: Whether nobody else holds the array, so that it needs no copy.
    """

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray, placement: Any = None, *, own: bool = False) -> None:
        self.array, self.placement = array if own else array.copy(), placement
        self.array.flags.writeable = False  # several readers may hold it

    def host(self) -> np.ndarray:
        return self.array

    def take(self, k: Any) -> tuple[Any, bool] | None:
        return (self.array, False) if self.placement is None else None

    def placed(self, placement: Any, dtype: str, trainable: bool) -> Storage:
        return OnHost(self.array, placement)


class OnDevice(Storage):
    """A tensor of a kernel.

    Other kernels read it by copies, which live as long as this state: the next write makes a new one. Where a framework
    writes in place nobody is told of it, so there each read copies anew.

    Args:
        kernel: Whose tensor it is.
        tensor: What `kernel.variable` made.
        placement: The devices; None for the default one.
    """

    __slots__ = ("copies", "kernel", "tensor")

    def __init__(self, kernel: Any, tensor: Any, placement: Any = None) -> None:
        self.kernel, self.tensor, self.placement = kernel, tensor, placement
        self.copies: dict[Any, Any] | None = None if kernel.in_place else {}

    def host(self) -> Any:
        return self.kernel.to_numpy(self.kernel.read(self.tensor))

    def placed(self, placement: Any, dtype: str, trainable: bool) -> Storage:
        k = self.kernel
        return OnDevice(k, k.variable(k.read(self.tensor), dtype, trainable, placement), placement)

    def copy_on(self, k: Any, dtype: str, trainable: bool) -> Any:
        if self.copies is None:
            return super().copy_on(k, dtype, trainable)
        copy = self.copies.get(k)
        if copy is None:
            copy = super().copy_on(k, dtype, trainable)
            if k.holds_numbers(copy):
                self.copies[k] = copy
        return copy


class Donated(Storage):
    """Memory that a compiled step left and the next one takes over: nobody else holds it.

    Args:
        owner: The kernel whose steps hold it. It is not `kernel`: no reader takes the fast path to it.
        handle: The tensor, perhaps of a client that only steps use.
        placement: The devices; None for the default one.
    """

    __slots__ = ("handle", "owner")

    waiting = True

    def __init__(self, owner: Any, handle: Any, placement: Any = None) -> None:
        self.owner, self.handle, self.placement = owner, handle, placement

    def host(self) -> Any:
        return self.taken_back(self.owner.to_default_device([self.handle])[0]).host()

    def taken_back(self, tensor: Any) -> OnDevice:
        """The state after somebody looked: what they hold stays, and the next step takes a copy."""
        return OnDevice(self.owner, tensor, self.placement)

    def take(self, k: Any) -> tuple[Any, bool] | None:
        return (self.handle, False) if k is self.owner else None

    def intact(self) -> bool:
        """Whether the value is there: not in a step's hands, and not what a step that failed left."""
        if not self.owner.holds_numbers(self.handle):
            return False
        try:
            self.owner.wait(self.handle)
        except Exception:  # noqa: BLE001 - whatever the framework raises for the result of a program that failed
            return False
        return True


class Lost(Storage):
    """Gone: a step took the memory over and failed before it gave it back.

    Args:
        reason: Which step that was, and what it raised.
        placement: The devices; None for the default one.
    """

    __slots__ = ("reason",)

    def __init__(self, reason: str, placement: Any = None) -> None:
        self.reason, self.placement = reason, placement

    def placed(self, placement: Any, dtype: str, trainable: bool) -> Storage:
        return Lost(self.reason, placement)

    def host(self) -> Any:
        raise BackendError(
            f"The value of this variable is lost: {self.reason} had taken over its memory when it failed. Give the "
            "variable a value: load the model's weights (`load_weights`, `set_weights`), or `assign` to it; compile the model "
            "again for a new state of its optimizer."
        )


def take_back(variables: Iterable[Any]) -> None:
    """End that compiled steps alone hold the values: together, which takes less than one by one."""
    kept = [(v, v._stored) for v in variables]
    waiting = [(v, stored) for v, stored in kept if stored.waiting]
    if not waiting:
        return
    owner = waiting[0][1].owner
    waiting = [(v, stored) for v, stored in waiting if stored.owner is owner]
    for v, stored in waiting:
        if v._stored is stored and not owner.holds_numbers(stored.handle):
            raise BackendError(
                f"Variable {v.path!r} cannot be read now: a compiled step, in another thread perhaps, has taken over its "
                "memory and has not given it back. Read it between steps, or train a model of its own in each thread."
            )
    tensors = owner.to_default_device([stored.handle for _, stored in waiting])
    for (v, stored), tensor in zip(waiting, tensors, strict=True):
        v._settle(stored, stored.taken_back(tensor))


def values_for(k: Any, variables: Iterable[Any]) -> tuple[list[Any], list[bool]]:
    """The values that a compiled step of `k` takes, and of which others may hold them as well."""
    taken = [v._stored.take(k) or (v.value, True) for v in variables]
    return [value for value, _ in taken], [held for _, held in taken]


def donate(k: Any, variables: Iterable[Any], values: Iterable[Any]) -> None:
    """Put what a compiled step gave into the variables: from now on only steps hold it, until somebody looks."""
    for v, value in zip(variables, values, strict=True):
        v._put(Donated(k, value, v._stored.placement))


def mark_lost(variables: Iterable[Any], reason: str) -> list[Any]:
    """After a step failed: the variables whose memory it had taken over are lost, the others keep their value.

    Returns:
        The variables that are lost.
    """
    lost = []
    for v in variables:
        stored = v._stored
        if stored.waiting and not stored.intact():
            v._settle(stored, Lost(reason, stored.placement))
            lost.append(v)
    return lost
