"""A mapping whose keys are names or regular expressions, with a default for the rest."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from lamina.core import patterns


class PatternMap(MutableMapping):
    """Values by exact name, else by the one regular expression that matches the whole name, else the default."""

    _entries: dict[str, Any]

    def fallback(self) -> Any:
        """What names get that nothing matches."""
        raise NotImplementedError

    def checked(self, value: Any) -> Any:
        """`value` in the form that is kept; raises if it is not one of the map's."""
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        """The value for a name.

        Raises:
            ValueError: if several expressions match, or one is none.
        """
        if key in self._entries:
            return self._entries[key]
        matching = [pattern for pattern in self._entries if patterns.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(
                f"{key!r} is matched by {matching}: make the patterns so that one of them matches."
            )
        return self._entries[matching[0]] if matching else self.fallback()

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self._entries:
            raise ValueError(f"{key!r} is in the {type(self).__name__} already: {self._entries[key]!r}.")
        self._entries[key] = self.checked(value)

    def __delitem__(self, key: str) -> None:
        del self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def get(self, key: str, default: Any = None) -> Any:
        """The value for a name; names that nothing matches get the map's own default, or `default` if that is None."""
        found = self[key]
        return default if found is None else found

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
