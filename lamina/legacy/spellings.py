"""Old spellings of arguments and methods: taken while the alias stands or inside `old_spellings()`, refused else.

While they are taken, the constructors of Lamina's classes are wrapped: what comes in under an old name goes on under
the new one, with one warning that shows it. The classes stay the same objects, so `isinstance` and files see no
difference.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from lamina import callbacks, layers
from lamina.core.config import constructor
from lamina.legacy import insides, methods, renames
from lamina.legacy.forwarding import TOLD, shown, tell
from lamina.legacy.forwarding import OldSpelling as OldSpelling

_patches: list[tuple[Any, str, Any]] = []
_wanted = 0
_ABSENT = object()


def accept() -> None:
    """Take old spellings from now on."""
    global _wanted
    _wanted += 1
    if _wanted == 1:
        for name in renames.RENAMES:
            _wrap(_class(name))
        for owner, attribute, value in (*methods.patches(), *insides.patches()):
            patch(owner, attribute, value)


def refuse() -> None:
    """Take them no more, if every `accept` has been met by a `refuse`."""
    global _wanted
    _wanted = max(_wanted - 1, 0)
    if not _wanted:
        while _patches:
            owner, attribute, before = _patches.pop()
            if before is _ABSENT:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, before)
        TOLD.clear()


@contextlib.contextmanager
def old_spellings() -> Iterator[None]:
    """Inside, Lamina takes arguments and methods by the names of Keras 1 and 2.

    Returns:
        A context manager.

    Example:
        >>> import lamina, warnings
        >>> with lamina.legacy.old_spellings(), warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     lamina.layers.Dense(output_dim=3, init="uniform").units
        3
    """
    accept()
    try:
        yield
    finally:
        refuse()


def patch(owner: Any, attribute: str, value: Any) -> None:
    """Set an attribute of a class until `refuse`."""
    _patches.append((owner, attribute, vars(owner).get(attribute, _ABSENT)))
    setattr(owner, attribute, value)


def _class(name: str) -> type:
    return getattr(layers, name, None) or getattr(callbacks, name)


def _wrap(cls: type) -> None:
    init = cls.__init__  # type: ignore[misc]

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        new_args, new, weights = converted(cls, args, kwargs)
        if type(self) is cls and (new_args != args or new.keys() != kwargs.keys()):
            object.__setattr__(self, "_given", (new_args, new))  # what the config is made of
        init(self, *new_args, **new)
        if weights is not None:
            object.__setattr__(self, "build", functools.partial(_build_with, self, weights))

    patch(cls, "__init__", __init__)


def converted(cls: type, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any], Any]:
    """The arguments in the names of today, and first values of the weights, if there were any."""
    names, known = renames.RENAMES[cls.__name__], constructor(cls).parameters
    new: dict[str, Any] = {}
    for name, value in kwargs.items():
        if name in names and name not in known:
            if name == "init" and names[name] == "kernel_initializer" and value is None:
                continue
            tell(cls.__name__, f"{name}=", f"{cls.__name__}({names[name]}={shown(value)})")
            new[names[name]] = renames.data_format(value) if names[name] == "data_format" else value
        else:
            new[name] = value
    conversion = renames.CONVERSIONS.get(cls.__name__)
    if conversion is not None:
        before = set(new)
        args_before, args = args, conversion(new, args)
        if gone := before - set(new):
            left = (
                f"{cls.__name__}({', '.join(f'{k}={shown(v)}' for k, v in new.items() if k not in before)})"
            )
            tell(cls.__name__, "=, ".join(sorted(gone)) + "=", left)
        elif args != args_before:
            made = ", ".join(f"{k}={shown(v)}" for k, v in new.items() if k not in before)
            tell(
                cls.__name__,
                "the order of the arguments",
                f"{cls.__name__}({args[0] if args else ''}, {made})",
            )
    weights = None if "weights" in known else new.pop("weights", None)
    return args, new, weights


def _build_with(layer: Any, weights: Any, *args: Any, **kwargs: Any) -> None:
    """Build, and put the values of `weights=` in."""
    vars(layer).pop("build", None)
    layer.build(*args, **kwargs)
    layer.set_weights(list(weights))
