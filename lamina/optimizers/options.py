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
    """Put the arguments of `Optimizer` in the place of `**options`, behind the positional ones of a constructor."""
    from lamina.optimizers.base import Optimizer

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
        init(**bound)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__


def of_today(config: dict[str, Any], parameters: Any) -> dict[str, Any]:
    """A config of Keras 2 in the names of today; names that are among `parameters` mean what they say.

    `lr` is the learning rate, `decay` an InverseTimeDecay, and how a program was compiled does not matter.
    """
    config = dict(config)
    old = {name: config.pop(name) for name in _OLD if name in config and name not in parameters}
    if "lr" in old:
        config["learning_rate"] = old["lr"]
    if config.get("epsilon", 0.0) is None:  # the default, in Keras 2
        del config["epsilon"]
    rate = config.get("learning_rate")
    if isinstance(rate, dict) and "class_name" in rate:
        config["learning_rate"] = {"module": "keras.optimizers.schedules", "registered_name": None} | rate
    if old.get("decay"):
        arguments = {"initial_learning_rate": rate or 0.001, "decay_steps": 1, "decay_rate": old["decay"]}
        config["learning_rate"] = {
            "module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": arguments,
            "registered_name": None,
        }  # fmt: skip
    return config


_OLD = ("lr", "decay", "jit_compile", "is_legacy_optimizer")
