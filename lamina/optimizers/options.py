"""The arguments that all optimizers have in common, behind those of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypedDict


class Options(TypedDict, total=False):
    """See `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


def takes_options(init: Callable[..., None]) -> Callable[..., None]:
    """Put the arguments of `Optimizer` in the place of `**options` of a constructor, positions and all."""
    from lamina.optimizers.base import Optimizer

    own = list(inspect.signature(init).parameters.values())
    at = next(i for i, p in enumerate(own) if p.kind is p.VAR_KEYWORD)
    common = list(inspect.signature(Optimizer.__init__).parameters.values())[2:]  # behind self and the rate
    have = {p.name for p in own}
    rest = own[at].replace(name="kwargs")
    middle = [p for p in common if p.name not in have and p.kind is not p.VAR_KEYWORD]
    signature = inspect.Signature([*own[:at], *middle, rest])

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(self, *args, **kwargs).arguments
        bound.update(bound.pop("kwargs", {}))
        init(**bound)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__
