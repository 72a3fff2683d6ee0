"""`copy.deepcopy` and `pickle` of layers and models: through the object codec, as files are."""

from __future__ import annotations

from typing import Any

from lamina.core.codec import deserialize, serialize
from lamina.core.sharing import sharing


def reduce(layer: Any) -> tuple[Any, tuple]:
    """What pickle keeps of a layer: its config, the user's classes and functions in it, its state, the optimizer's."""
    optimizer = getattr(layer, "optimizer", None)
    state = [v.numpy() for v in optimizer.variables] if optimizer is not None and optimizer.built else None
    weights = [v.numpy() for v in layer.weights] if layer.built else None
    seeds = [v.numpy() for v in _seeds(layer)]
    with sharing() as met:
        config = serialize(layer)
    return restore, (config, dict(met.functions), weights, state, _extra(layer), seeds)


def _seeds(layer: Any) -> list[Any]:
    return [v for inner in layer._flatten_layers() for v in inner._unsaved_variables()]


def _extra(layer: Any) -> dict[int, Any]:
    """What layers know besides config and weights, such as a vocabulary, by their place among the inner layers."""
    found = {
        i: inner._extra_state()
        for i, inner in enumerate(layer._flatten_layers())
        if hasattr(inner, "_extra_state")
    }
    return {i: state for i, state in found.items() if state is not None}


def restore(
    config: dict[str, Any],
    own: dict[str, Any],
    weights: Any,
    state: Any,
    extra: dict[int, Any] | None = None,
    seeds: Any = (),
) -> Any:
    """The layer that `reduce` took apart."""
    layer = deserialize(config, own, where="copy")
    for i, inner in enumerate(layer._flatten_layers()):
        if extra and i in extra:
            inner._set_extra_state(extra[i])
    if weights:
        if not layer.built and config.get("build_config"):
            layer.build_from_config(config["build_config"])
        layer.set_weights(weights)
    for v, value in zip(_seeds(layer), seeds, strict=False):  # what is not built has none yet
        v.assign(value)
    if state is not None:
        layer.optimizer.build(layer.trainable_variables)
        for v, value in zip(layer.optimizer.variables, state, strict=True):
            v.assign(value)
    return layer
