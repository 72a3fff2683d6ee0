"""The constructor of an optimizer: its own arguments, then those that all optimizers have in common."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from lamina.core.numeric import check_numbers
from lamina.optimizers.base import Optimizer


def takes_options(init: Callable[..., None]) -> Callable[..., None]:
    """Put the arguments of `Optimizer` in the place of `**options`, behind the positional ones of a constructor."""
    own = list(inspect.signature(init).parameters.values())[:-1]  # without **options
    common = list(inspect.signature(Optimizer.__init__).parameters.values())[2:]  # behind self and the rate
    have = {p.name for p in own}
    front = [p for p in own if p.kind is not p.KEYWORD_ONLY]
    back = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in own if p.kind is p.KEYWORD_ONLY]
    middle = [p for p in common if p.name not in have and p.kind is not p.VAR_KEYWORD]
    signature = inspect.Signature([*front, *middle, *back, common[-1]])

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs).arguments
        bound.update(bound.pop("kwargs", {}))
        check_numbers(type(self).__name__, __init__, bound)
        if bound.get("epsilon", 0) < 0:
            raise ValueError(f"{type(self).__name__}: `epsilon` must be 0 or more, got {bound['epsilon']!r}.")
        init(**bound)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__
