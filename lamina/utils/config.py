"""Config: named values with attributes, that can be frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from lamina.errors import suggestion


class Config(MutableMapping):
    """Named values, read and written as attributes or as items; frozen ones cannot be changed by accident.

    Args:
        **kwargs: The values.

    Raises:
        AttributeError, KeyError: if there is no value of a name (naming the nearest).
        ValueError: if a frozen config is changed.

    Example:
        >>> import lamina
        >>> config = lamina.utils.Config(rate=0.1, seed=3)
        >>> config.momentum = 0.9
        >>> config["seed"], config.momentum, len(config)
        (3, 0.9, 3)
        >>> config.freeze()
        >>> config.to_json()
        '{"rate": 0.1, "seed": 3, "momentum": 0.9}'
    """

    __slots__ = ("_frozen", "_values")

    _values: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_frozen", False)
        object.__setattr__(self, "_values", dict(kwargs))

    # -- values ---------------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._check()
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._check()
        del self._values[name]

    def __getattr__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]

        raise AttributeError(f"The config has no value {name!r}.{suggestion(name, values)}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        self._check()
        if name not in self._values:
            raise AttributeError(f"The config has no value {name!r}.")
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Config {self._values}>"

    def __reduce__(self) -> Any:
        return _restored, (self._values, self._frozen)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values, from a mapping, from pairs, or by name."""
        self._check()
        self._values.update(*args, **kwargs)

    def as_dict(self) -> dict[str, Any]:
        """A dict of the values."""
        return dict(self._values)

    def to_json(self) -> str:
        """The values as JSON text.

        Raises:
            TypeError: if JSON cannot hold one of them.
        """
        return json.dumps(self._values)

    # -- freezing -------------------------------------------------------------------------------------------------------

    @property
    def frozen(self) -> bool:
        """Whether the config refuses changes."""
        return self._frozen

    def freeze(self) -> None:
        """Refuse changes from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Accept changes again."""
        object.__setattr__(self, "_frozen", False)

    def _check(self) -> None:
        if self._frozen:
            raise ValueError(
                "This config is frozen, so its values cannot be changed. Call `unfreeze()` first."
            )


def _restored(values: dict[str, Any], frozen: bool) -> Config:
    config = Config(**values)
    if frozen:
        config.freeze()
    return config
