"""Errors show the user's own lines: frames of Lamina are folded away, unless they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from lamina.kernel.settings import SETTINGS

_PACKAGE = str(Path(__file__).parents[1])

F = TypeVar("F", bound=Callable[..., Any])


def folds_frames(method: F) -> F:
    """A method of whose errors the traceback holds no frames of Lamina's.

    `lamina.config.disable_traceback_filtering()` shows them all.
    """

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            if SETTINGS["traceback_filtering"]:
                error.__traceback__ = _folded(error.__traceback__)
            raise

    return call  # type: ignore[return-value]


def _folded(trace: TracebackType | None) -> TracebackType | None:
    if trace is None:
        return None
    rest, code = _folded(trace.tb_next), trace.tb_frame.f_code
    if code.co_filename.startswith((_PACKAGE, "<lamina")):
        return rest
    return TracebackType(rest, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
