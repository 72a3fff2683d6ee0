"""What is in force in this thread: the interpreter, and the scopes that a layer call opens.

Everything here is one `threading.local`, because compilers can trace a read of it (they cannot trace a
`ContextVar`) and because tests run one program on several backends in one process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from lamina.kernel.plugins import default_backend

if TYPE_CHECKING:
    from lamina.kernel.contract import Kernel


class CallFrame(NamedTuple):
    """What decides, besides the interpreter, what a layer call means. It is never changed: a scope puts another in its place.

    A layer remembers the frames for which its call is plain and compares the one it is called in by one look-up, so a
    scope that changes what calls do cannot be forgotten: what it changes is a field here. (The interpreter is compared
    beside it, by identity: torch's compiler cannot compare modules.)

    Fields:
        training: The training flag of the innermost call that was given one.
        autocast: The float dtype that variables are read in (mixed precision).
        inside: Whether a layer call is open around this one; the outermost call clears the losses of the last one.
        remat: The open RematScopes, innermost last.
        full: Whether every call takes the full path.
        given: (name, value) of the user's own arguments that flow to the layers inside, as `training` does.
        spread: The distribution whose layouts a step's weights and results are to have; None outside of such steps.
    """

    training: Any = None
    autocast: str | None = None
    inside: bool = False
    remat: tuple[Any, ...] = ()
    full: bool = False
    given: tuple[tuple[str, Any], ...] = ()
    spread: Any = None


class _Undecided:
    """What stands for "the process's own" where None means "none"."""


UNDECIDED = _Undecided()


class _State(threading.local):
    """The thread's state, set up anew for each thread.

    The values are set on the instance, not on the class: torch's compiler cannot follow how a first write hides a
    class's attribute.
    """

    def __init__(self) -> None:
        self.kernel: Kernel | None = None  # the interpreter in force, None until first used
        self.below: Kernel | None = None  # what was in force below the shape interpreter
        self.scope: Any = None  # core.stateless.Scope that stands in for the variables' values
        self.frame = CallFrame()  # what a layer call means here
        self.stand_ins: frozenset[int] = (
            frozenset()
        )  # sizes that stand for unknown ones while a framework finds shapes
        self.names: tuple[str, ...] = ()  # the open name scopes, outermost first
        self.sharing: Any = None  # core.sharing.Sharing of the config that is being written or read
        self.custom_objects: tuple[dict[str, Any], ...] = ()  # the open CustomObjectScopes, innermost last
        self.distribution: Any = (
            UNDECIDED  # of `lamina.distribution`; the process's where nobody opened a scope
        )


state = _State()
_default: Kernel | None = None
_default_distribution: Any = None


def current() -> Kernel:
    """The interpreter in force; imports the default backend at its first use."""
    return state.kernel or _activate()


def _activate() -> Kernel:
    state.kernel = kernel = _default or _load_default()
    return kernel


def use(kernel: Kernel) -> None:
    """Make `kernel` the interpreter of this thread and of the threads that start later."""
    global _default
    _default = kernel
    state.kernel = kernel


def distribution_in_force() -> Any:
    """The distribution that variables and data are spread by in this thread; None without one."""
    found = state.distribution
    return _default_distribution if found is UNDECIDED else found


def distribute(distribution: Any) -> None:
    """Put a distribution in force: in this thread, and wherever no scope is open."""
    global _default_distribution
    _default_distribution = distribution
    if state.distribution is not UNDECIDED:
        state.distribution = distribution


@contextmanager
def distributed(distribution: Any) -> Iterator[None]:
    """Put a distribution in force for the block, in this thread."""
    before, state.distribution = state.distribution, distribution
    try:
        yield
    finally:
        state.distribution = before


def processes() -> tuple[int, int]:
    """(the number of this process, how many run this script together); (0, 1) where no framework is loaded."""
    kernel = (
        state.kernel if state.kernel is not None and not state.kernel.abstract else state.below or _default
    )
    return (0, 1) if kernel is None else kernel.spread.processes()


@contextmanager
def interpreter(kernel: Kernel) -> Iterator[Kernel]:
    """Put `kernel` in force for the block."""
    before, below = state.kernel, state.below
    if before is not None and not before.abstract:
        state.below = before
    state.kernel = kernel
    try:
        yield kernel
    finally:
        state.kernel, state.below = before, below


def real_kernel() -> Kernel:
    """The interpreter that holds numbers: the one in force, or what is below the shape interpreter."""
    kernel = state.kernel
    if kernel is None or kernel.abstract:
        return (kernel and state.below) or _default or _load_default()
    return kernel


def _load_default() -> Kernel:
    global _default
    _default = kernel = default_backend()
    return kernel
