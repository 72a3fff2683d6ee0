"""Regular expressions that a file may bring: only such as Python's backtracking search ends in bounded time."""

from __future__ import annotations

import re
from re import _constants as codes  # pyright: ignore[reportAttributeAccessIssue]  # the parser has no public name
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue]
from typing import Any

MAX_WAYS = 1 << 28  # in which a pattern may be laid over a text; a search tries far fewer of them
MAX_LENGTH = 1000


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the whole text is of the pattern.

    Raises:
        ValueError: if the pattern is none, or the search could take forever.
    """
    _check(pattern, text)
    return re.fullmatch(pattern, text) is not None


def search(pattern: str, text: str) -> bool:
    """Whether the pattern stands somewhere in the text.

    Raises:
        ValueError: if the pattern is none, or the search could take forever.
    """
    _check(pattern, text)
    return re.search(pattern, text) is not None


def _check(pattern: Any, text: str) -> None:
    if not isinstance(pattern, str):
        raise ValueError(f"A regular expression must be a string, got {pattern!r:.80}.")
    try:
        tree = parser.parse(pattern) if len(pattern) <= MAX_LENGTH else None
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern!r:.200} is not a regular expression: {error}.") from None
    if tree is None or _ways(tree, len(text) + 1, repeated=False) > MAX_WAYS:
        raise ValueError(
            f"The search for {pattern!r:.200} in {text!r:.80} could take forever. Use at most {MAX_LENGTH} characters, few "
            "repeats, and neither a repeat nor alternatives inside of a repeat."
        )


def _ways(tree: Any, length: int, *, repeated: bool) -> float:
    """In how many ways a pattern fits texts of a length: each repeat and each alternative multiplies them.

    Inside a repeat one choice is one for every turn, which is what makes a search exponential.
    """
    ways = 1.0
    for code, argument in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, getattr(codes, "POSSESSIVE_REPEAT", None)):
            least, most, body = argument
            inside = _ways(body, length, repeated=most > 1)
            choices = min(int(most), length) - min(int(least), length) + 1
            ways *= inside * (float("inf") if repeated and choices > 1 else choices)
        elif code is codes.BRANCH:
            options = argument[1]
            ways *= float("inf") if repeated else sum(_ways(o, length, repeated=False) for o in options)
        elif code in (codes.GROUPREF, codes.GROUPREF_EXISTS):
            return float("inf")
        else:  # groups, look-ahead and look-behind hold patterns; all else is one character or place
            for inner in argument if isinstance(argument, tuple) else ():
                if isinstance(inner, parser.SubPattern):
                    ways *= _ways(inner, length, repeated=repeated)
    return ways
