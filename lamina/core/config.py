"""Configs are derived: every object remembers the arguments it was made with."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, Self

from lamina.core.codec import config_value, deserialize_arguments
from lamina.kernel.namespaces import is_ours
from lamina.kernel.tracebacks import fold_constructor, folds_frames, raised_by_lamina


@lru_cache(maxsize=1024)
def constructor(cls: type) -> inspect.Signature:
    """The signature of a class's constructor, without self."""
    signature = inspect.signature(cls.__init__)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def bound_arguments(cls: type, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The constructor's arguments by name, defaults included; `**kwargs` are merged in."""
    signature = constructor(cls)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    out = {}
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            out.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL or value:
            out[name] = value
    return out


class Configurable:
    """Base of everything with a config: `from_config(get_config(x))` equals `x`, with nothing to write by hand.

    `get_config` is overridden only where the constructor's arguments do not say it all.
    """

    _given: tuple[tuple, dict]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fold_constructor(cls)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "_given", (args, kwargs))
        return self

    def _arguments(self) -> dict[str, Any]:
        """The constructor's arguments as they stand now.

        An attribute of the same name wins for Lamina's own classes (it is the checked, resolved form) and wherever
        an identifier was resolved to an object; otherwise what was given.
        """
        args, kwargs = self._given
        own = is_ours(self)
        out = {}
        for name, value in bound_arguments(type(self), args, kwargs).items():
            if name in self.__dict__ and (own or isinstance(value, str | dict)):
                value = self.__dict__[name]
            out[name] = value
        return out

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold; `from_config` makes an equal object of them."""
        return {name: config_value(value) for name, value in self._arguments().items()}

    @classmethod
    @folds_frames
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object from `get_config`."""
        arguments = deserialize_arguments(config)
        try:
            return cls(**arguments)
        except TypeError as error:
            _explain(error, cls, arguments)
            raise


def _explain(error: TypeError, cls: type, config: dict[str, Any]) -> None:
    """Say what a constructor of the user's own lacks, where a config does not fit it."""
    known = constructor(cls).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in known) or not raised_by_lamina(error):
        return
    names = [p.name for p in known]
    extra = [name for name in config if name not in names]
    missing = [p.name for p in known if p.default is p.empty and p.name not in config]
    if not extra and not missing:
        return
    parts = [f"`__init__` does not take {', '.join(map(repr, extra))}"] if extra else []
    parts += [f"`get_config` does not give {', '.join(map(repr, missing))}"] if missing else []
    error.args = (
        f"{cls.__name__} cannot be made from its config: its {', and '.join(parts)}. Let `__init__` take `**kwargs` and pass "
        "them on, super().__init__(**kwargs), and let `get_config` give every argument under its own name, or leave "
        "`get_config` out: Lamina derives it.",
    )
