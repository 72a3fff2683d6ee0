"""The layers of a model's file, with output shapes, parameters and, if wanted, multiply-adds and bytes."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from lamina.errors import LaminaError
from lamina.saving import load_model
from lamina.visual.cost import cost
from lamina.visual.summary import summary

EXAMPLE = "lamina summary model.keras --flops --memory"
FAILURES = (LaminaError, ValueError, TypeError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a model's file: .keras, .h5, or a folder")
    parser.add_argument(
        "--flops", action="store_true", help="multiply-adds of each layer, forward and backward"
    )
    parser.add_argument("--memory", action="store_true", help="bytes of weights and outputs")
    parser.add_argument("--expand-nested", action="store_true", help="rows for the layers of nested models")
    parser.add_argument(
        "--batch-size", type=int, default=1, metavar="N", help="rows that costs are counted for (1)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")


def execute(given: argparse.Namespace) -> int:
    """Print the table, or the object."""
    model = load_model(given.file, compile=False)
    if given.json:
        print(json.dumps(described(model, given.batch_size, costs=given.flops or given.memory)))
        return 0
    summary(
        model,
        flops=given.flops,
        memory=given.memory,
        expand_nested=given.expand_nested,
        batch_size=given.batch_size,
    )
    return 0


def described(model: Any, batch_size: int = 1, *, costs: bool = False) -> dict[str, Any]:
    """A model as JSON can hold it: its layers in order, and totals.

    Args:
        model: The model.
        batch_size: Rows that costs are counted for.
        costs: Whether multiply-adds of the whole model are counted.
    """
    rows = [
        {
            "name": layer.name,
            "class": type(layer).__name__,
            "output_shape": _shape(layer),
            "parameters": layer.count_params() if layer.built else None,
            "trainable": layer.trainable,
            "dtype": layer.dtype_policy.name,
        }
        for layer in model.layers
    ]
    found = {
        "name": model.name,
        "class": type(model).__name__,
        "layers": rows,
        "parameters": model.count_params() if model.built else None,
        "trainable_parameters": sum(math.prod(v.shape) for v in model.trainable_weights),
    }
    if costs:
        total = cost(model, batch_size=batch_size)
        found["multiply_adds"] = {"forward": total.multiply_adds, "backward": total.backward_multiply_adds}
    return found


def _shape(layer: Any) -> Any:
    try:
        return layer.output.shape if hasattr(layer.output, "shape") else None
    except (AttributeError, ValueError):  # of a layer that was never called in a graph
        return None
