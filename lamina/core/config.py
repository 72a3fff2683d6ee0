"""Configs are derived: every object remembers the arguments it was made with."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, Self

from lamina.core.codec import config_value, deserialize_arguments


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
        own = type(self).__module__.startswith("lamina.")
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
    def from_config(cls, config: dict[str, Any]) -> Self:
        """An object from `get_config`."""
        return cls(**deserialize_arguments(config))
