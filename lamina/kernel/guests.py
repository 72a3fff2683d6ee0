"""What a framework's own programs expect of a layer: a backend offers a base class, and layers take it in.

Some frameworks have a class that everything with weights derives from, and their programs ask for it. While such a
backend is loaded, layers have that class among their bases. No other backend is touched by it, and nothing is imported
for it: a backend that a process has not loaded offers nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class Guest(NamedTuple):
    """What a backend offers.

    Fields:
        base: The class that becomes the last base of `Layer`.
        foreign: The framework's class: an object of it in an attribute of a layer is wrapped, so that it is tracked.
        wrap: Makes a layer of such an object.
    """

    base: type
    foreign: type
    wrap: Callable[[Any], Any]


offered: list[Guest] = []
foreign: tuple[type, ...] = ()
_hosts: list[Callable[[Guest], None]] = []
_waiting: list[str] | None = None  # backends with an offer that are not loaded; None before anybody looked


def offer(guest: Guest) -> None:
    """Offer a base class; for a backend, when it is loaded."""
    global foreign
    offered.append(guest)
    foreign = (*foreign, guest.foreign)
    for host in _hosts:
        host(guest)


def welcome(host: Callable[[Guest], None]) -> None:
    """Take in what is offered, now and later."""
    _hosts.append(host)
    for guest in offered:
        host(guest)


def look() -> None:
    """Load the default backend if it has an offer and the program has imported its framework: it may ask any time."""
    global _waiting
    if _waiting is None:
        _waiting = list(import_module("lamina.backends").with_offers())
    for name in _waiting or ():
        if name in sys.modules:
            _waiting = []
            import_module("lamina.backends").load(name)


def wrapped(value: Any) -> Any:
    """The layer that stands for a framework's object, for an attribute."""
    return next(guest for guest in offered if isinstance(value, guest.foreign)).wrap(value)
