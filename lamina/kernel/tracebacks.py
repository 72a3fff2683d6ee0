"""Errors show the user's own lines: frames of Lamina, and of frameworks that it calls, are folded away."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from lamina.errors import ArgumentError, suggestion
from lamina.kernel.settings import SETTINGS

if TYPE_CHECKING:
    import inspect

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OWN = (_PACKAGE, "<lamina")
_STANDARD = os.path.dirname(os.__file__)

F = TypeVar("F", bound=Callable[..., Any])


def folds_frames(function: F) -> F:
    """A function of Lamina's face, of whose errors the traceback holds the user's lines only.

    A call that does not fit the function's parameters is told in words. `lamina.config.disable_traceback_filtering()`
    shows all frames.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                trace = error.__traceback__
                if trace is None or _entered(trace) or (text := _misfit(function, args, kwargs)) is None:
                    raise
                raise ArgumentError(text) from None
        except Exception as error:
            fold(error)
            raise

    return call  # type: ignore[return-value]


_passing: set[Any] = set()  # code of wrappers below `folds_frames`


def passes_on(wrapper: F) -> F:
    """A wrapper that hands its arguments on as they are: that they do not fit is found below it."""
    _passing.add(wrapper.__code__)  # type: ignore[attr-defined]
    return wrapper


def _entered(trace: TracebackType) -> bool:
    """Whether an error comes from inside the function that was called, not from its parameters."""
    inner = trace.tb_next
    while inner is not None and inner.tb_frame.f_code in _passing:
        inner = inner.tb_next
    return inner is not None


def fold_constructor(cls: type) -> None:
    """Make the constructor of a class fold frames, if the class is Lamina's and has one of its own."""
    if "__init__" in cls.__dict__ and cls.__module__.startswith("lamina."):
        cls.__init__ = folds_frames(cls.__dict__["__init__"])  # type: ignore[misc]


def fold(error: BaseException) -> None:
    """Take frames that are not the user's out of an error's traceback, and of those that are shown with it.

    The error that Lamina's own words stand for is not shown beside them, nor is what a framework says of its frames.
    """
    if not SETTINGS["traceback_filtering"]:
        return
    if raised_by_lamina(error):
        error.__dict__["_lamina"] = True  # which the traceback tells no more
    error.__traceback__ = _folded(error.__traceback__)
    if error.__cause__ is not None and not _has_lines(error.__cause__):
        error.__cause__ = None  # which also hides the context
    elif (
        error.__context__ is not None and not error.__suppress_context__ and not _has_lines(error.__context__)
    ):
        error.__suppress_context__ = True
    if noted := getattr(error, "__notes__", None):
        error.__notes__ = [note for note in noted if "removed its internal frames" not in note]


def raised_by_lamina(error: BaseException) -> bool:
    """Whether an error was raised by Lamina's own code: not by a framework, nor by the user's code."""
    if "_lamina" in error.__dict__:
        return True
    trace = _last(error)
    return trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN)


def innermost(error: BaseException) -> str:
    """The name of the Python function that an error was raised in."""
    trace = _last(error)
    return "" if trace is None else trace.tb_frame.f_code.co_name


def _last(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _has_lines(error: BaseException) -> bool:
    """Whether an error has come through lines of the user's, which it then fits to show."""
    fold(error)
    return error.__traceback__ is not None


def _folded(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    inside = False  # below a frame of Lamina's: installed packages there are called by Lamina
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(_OWN):
            inside = True
        elif not (inside and _is_installed(file)):
            inside = False
            kept.append(trace)
        trace = trace.tb_next
    found = None
    for one in reversed(kept):
        found = TracebackType(found, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return found


def _is_installed(file: str) -> bool:
    return (
        file.startswith((_STANDARD, "<frozen", "<string>"))
        or "site-packages" in file
        or "dist-packages" in file
    )


def _misfit(function: Callable[..., Any], args: tuple, kwargs: dict) -> str | None:
    """In what way arguments do not fit a function; None where they do."""
    import inspect  # heavy, and needed by errors alone

    signature = inspect.signature(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        pass
    else:
        return None
    parameters = list(signature.parameters.values())
    name = function.__name__
    if parameters and parameters[0].name in ("self", "cls") and args:
        owner = args[0] if isinstance(args[0], type) else type(args[0])
        name = owner.__name__ if name == "__init__" else f"{owner.__name__}.{name}"
        parameters, args = parameters[1:], args[1:]
    return wrong_arguments(name, parameters, args, kwargs)


def wrong_arguments(name: str, parameters: list[inspect.Parameter], args: tuple, kwargs: dict) -> str:
    """What is wrong with the arguments of a call that does not fit these parameters."""
    by_place = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    known = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    usage = f"{name}({', '.join(map(_shown, parameters))})"
    unknown = [k for k in kwargs if k not in known]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in parameters):
        return (
            f"{name} got an unknown argument {unknown[0]!r}.{suggestion(unknown[0], known)} It takes: "
            f"{', '.join(known) or 'none'}."
        )
    if len(args) > len(by_place) and not any(p.kind is p.VAR_POSITIONAL for p in parameters):
        count = len(by_place)
        return (
            f"{name} takes {count or 'no'} argument{'s' * (count != 1)} by position, got {len(args)}: "
            f"{_brief(args)}. Its call is {usage}."
        )
    twice = [n for n in by_place[: len(args)] if n in kwargs]
    if twice:
        value = _brief((args[by_place.index(twice[0])],))
        return f"{name} got `{twice[0]}` twice: {value} by position, and by name. Its call is {usage}."
    given = {*by_place[: len(args)], *kwargs}
    missing = [p.name for p in parameters if p.default is p.empty and p.name in known and p.name not in given]
    return f"{name} needs `{'`, `'.join(missing)}`, which {'is' if len(missing) == 1 else 'are'} missing. Its call is {usage}."


def _shown(parameter: inspect.Parameter) -> str:
    return str(parameter.replace(annotation=parameter.empty))


def _brief(values: tuple) -> str:
    texts = [repr(v) for v in values]
    return ", ".join(t if len(t) <= 40 else f"{t[:37]}..." for t in texts)
