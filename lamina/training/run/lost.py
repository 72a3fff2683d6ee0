"""Variables whose memory went with a program that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.core.variable import Variable, lent
from lamina.errors import LostValueError


class Lost:
    """The home of a value that is gone; assigning to the variable gives it another one.

    Args:
        error: What the program failed with.
    """

    functional = True
    to_numpy: Any = None  # never come to: `read` raises

    def __init__(self, error: BaseException) -> None:
        words = (
            str(error).split("\n", 1)[0].removesuffix("Traceback (most recent call last):").rstrip(" :")[:200]
        )
        self.why = ": ".join([type(error).__name__, *([words] if words else [])])

    def read(self, path: str) -> Any:
        raise LostValueError(
            f"The value of variable {path!r} is gone: a training step that failed ({self.why}) had taken over its memory. "
            "Give the model's weights values again (model.load_weights(...), model.set_weights(...), variable.assign(...)), "
            "and compile it again for a new state of the optimizer; or make the model anew."
        )


def rescue(k: Any, variables: Sequence[Variable], error: BaseException) -> list[Variable]:
    """Bring home what a failed program has left of the variables that only steps held, and mark the rest as lost.

    Args:
        k: The kernel.
        variables: The variables of the program.
        error: What it failed with.

    Returns:
        The variables that are lost.
    """
    gone, lost = Lost(error), []
    for v in variables:
        if v._home is not lent(k):
            continue
        try:
            (value,) = k.bring_home([v._storage])
            k.wait(value)  # a result may hold the failure of the program that was to give it
        except Exception:  # noqa: BLE001  (of any framework: the memory was given away, or holds no result)
            v._home, v._storage = gone, v.path
            lost.append(v)
        else:
            v._home, v._storage = k, value
    return lost
