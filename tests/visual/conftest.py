"""What the tests of pictures share."""

import builtins
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that makes a library as if it were not installed."""

    def hide(library: str) -> None:
        real = builtins.__import__

        def find(name: str, *args: Any, **kwargs: Any) -> Any:
            if name.partition(".")[0] == library:
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", find)

    return hide
