"""The arguments that all optimizers have in common, behind those of their own."""

from __future__ import annotations

from typing import Any, TypedDict


class OtherOptions(TypedDict, total=False):
    """See `Optimizer`: what optimizers take that have a `weight_decay` of their own."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class Options(OtherOptions, total=False):
    """See `Optimizer`."""

    weight_decay: float | None


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
    if "inner_optimizer" in parameters:
        inner = config.pop("optimizer", None) or config.get("inner_optimizer")
        if isinstance(inner, dict):
            config["inner_optimizer"] = {"module": "keras.optimizers", "registered_name": None} | inner
        scale = (config.pop("loss_scale", None) or {}).get("config", {})  # how Keras 2.3 wrote it
        old_names = {"initial_scale": "initial_loss_scale", "dynamic_growth_steps": "growth_interval"}
        config |= {new: scale[name] for new, name in old_names.items() if name in scale}
        config.pop("dynamic", None)
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
