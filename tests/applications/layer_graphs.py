"""The graph of a model as plain data, for Keras's models and ours alike: what must be equal, and nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

IGNORED = {"quantization_config"}  # what only one of the two writes, and says nothing


def _places(value: Any) -> Any:
    """Symbolic tensors as their places in the graph."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return value["config"]["keras_history"]
        return {k: _places(v) for k, v in value.items()}
    return [_places(v) for v in value] if isinstance(value, list) else value


def _config(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _config(v) for k, v in sorted(value.items()) if k not in IGNORED}
    if isinstance(value, float):
        return float(f"{value:.6g}")  # a constant may have been through float32
    return [_config(v) for v in value] if isinstance(value, list) else value


def layers_of(model: Any) -> list[dict[str, Any]]:
    """Name, class, config and connections of each layer, in order."""
    config = json.loads(json.dumps(model.get_config()))
    return [
        {
            "name": entry["name"],
            "class": [entry["module"], entry["class_name"], entry["registered_name"]],
            "config": _config(entry["config"]),
            "inputs": [_places(node["args"]) for node in entry["inbound_nodes"]],
        }
        for entry in config["layers"]
    ]


def weights_of(model: Any) -> list[list[Any]]:
    """Name, shape and trainability of each weight, in order.

    The last part of a path is left out where it is an automatic one.
    """
    return [
        [v.path.rpartition("/")[0] if "/variable" in v.path else v.path, list(v.shape), bool(v.trainable)]
        for v in model.weights
    ]


def summary(model: Any) -> dict[str, Any]:
    """The graph in a few numbers: digests tell that something differs, `layers_of` says where."""
    parts = {"layers": layers_of(model), "weights": weights_of(model)}
    digests = {
        k: hashlib.sha256(json.dumps(v, sort_keys=True).encode()).hexdigest()[:16] for k, v in parts.items()
    }
    return {"name": model.name, "parameters": model.count_params(), "count": len(model.layers), **digests}
