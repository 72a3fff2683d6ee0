"""Values that arguments are tried with, valid and not, chosen by the parameter's name."""

from __future__ import annotations

import random
from typing import Any

# what any parameter may be given by mistake
ODD: list[Any] = [None, -1, 0, 1.5, "nonsense", (), [1, 2], True]
SIZES: list[Any] = [1, 2, 3, (2, 1), [2, 2], (1,), (1, 2, 3), 9, 0, -1, (2, 0), None, "2"]
PAIRS: list[Any] = [
    0,
    1,
    2,
    (1, 2),
    ((1, 0), (0, 1)),
    ((1, 1), (2, 0), (0, 1)),
    [1, 1],
    (1, 1, 1),
    -1,
    9,
    (5, 5),
    "1",
]
RATES: list[Any] = [0.0, 0.25, 0.5, 1.0, 1, 0, -0.1, 1.5, None, "0.5"]
FLAGS: list[Any] = [True, False, None, 1, "yes"]
AXES: list[Any] = [-1, 0, 1, 2, -2, 5, (1, 2), [1], None, 1.0]
FLOATS: list[Any] = [0.0, 0.1, 1.0, 2, -0.5, 1e-3, None, "1"]
INITIALIZERS: list[Any] = ["zeros", "ones", "glorot_uniform", None, "nonsense"]
DTYPES: list[Any] = ["float32", "float16", "mixed_float16", "int32", None, "nonsense"]
ACTIVATIONS: list[Any] = [None, "relu", "softmax", "linear", "nonsense"]
UNITS: list[Any] = [1, 3, 0, -2, 2.0, None, "3"]

BY_NAME: dict[str, list[Any]] = {
    "activation": ACTIVATIONS,
    "recurrent_activation": ACTIVATIONS,
    "axis": AXES,
    "axes": [1, -1, 0, 2, (1, 2), (2, 1), (1,), "1", None, (1, 1, 1)],
    "average": ["micro", "macro", "weighted", None, "nonsense"],
    "class_id": [None, 0, 1, 7],
    "cropping": PAIRS,
    "curve": ["ROC", "PR", "PRGAIN", "nonsense"],
    "data_format": ["channels_first", "channels_last", None, "nonsense"],
    "dims": [(1,), (2, 1), (1, 2), [2, 1], (0, 1), (1, 1), (3, 1, 2), 2],
    "dtype": DTYPES,
    "ignore_class": [None, 0, 1, -1, 255],
    "interpolation": ["nearest", "bilinear", "bicubic", "nonsense", None],
    "merge_mode": ["concat", "sum", "mul", "ave", None, "nonsense"],
    "name": [None, "chosen", "with/slash", 3],
    "noise_shape": [None, (None, 1, None), (2, 5, 1), (2, 1), [1, 1, 4], (2, 1, -1), 3, (2, 1.5, 4)],
    "output_shape": [None, 3, (3,), (2, 3), [4], "3", 0, (3, -1), 2.5],
    "padding": ["valid", "same", "causal", "VALID", "nonsense", None, *PAIRS],
    "reduction": ["sum", "mean", "none", None, "sum_over_batch_size", "mean_with_sample_weight", "auto", "nonsense"],
    "score_mode": ["dot", "concat", "nonsense"],
    "seed": [None, 1, 0, "x", 1.5],
    "shared_axes": [None, [1], (1, 2), 1, [3], [0]],
    "size": [1, 2, (2, 1), (1, 2, 1), [2, 2], 0, -1, "2", None],
    "summation_method": ["interpolation", "minoring", "majoring", "nonsense"],
    "target_class_ids": [(0,), [0, 1], (0, 1), (0, 7), [-1], 0, None],
    "target_shape": [(-1,), (2, -1), (3, 2), [6], (6, 1), (5,), (-1, -1), 6, (0, -1), ()],
    "threshold": [None, 0.5, 0, 1, 0.0, -0.5, 1.5, "0.5"],
    "thresholds": [None, 0.5, [0.2, 0.7], (0.1, 0.9), [0, 1], [1.5], -1.0, 0, [], "0.5"],
    "top_k": [None, 1, 2, 0, -1, 9],
    "trainable": FLAGS,
    "weight_decay": [None, 0.0, 0.01, 0, -1.0, "1"],
}  # fmt: skip
BY_ENDING: list[tuple[str, list[Any]]] = [
    ("_initializer", INITIALIZERS),
    ("_regularizer", [None, "l1", "l2", "nonsense", 3]),
    ("_constraint", [None, "non_neg", "unit_norm", "nonsense"]),
    ("units", UNITS), ("filters", UNITS), ("_dim", UNITS), ("heads", UNITS), ("groups", [1, 2, 3, 0, -1, 1.0, None]),
    ("num_classes", [2, 3, 1, 0, None, 2.0]),
    ("_size", SIZES), ("strides", SIZES), ("_rate", SIZES + RATES), ("rate", RATES), ("dropout", RATES),
    ("multiplier", [1, 2, 0, -1, 1.5, None]), ("_padding", [None, 0, 1, (1, 0), 3]),
    ("momentum", RATES), ("epsilon", FLOATS), ("beta", FLOATS), ("clipnorm", [None, 1.0, 0, -1.0, "1"]),
    ("clipvalue", [None, 0.5, 0, -1.0]), ("steps", [None, 1, 2, 3, 0, 1.5, -2]), ("frequency", [None, 1, 2, 0, -1, 1.5]),
    ("num_thresholds", [2, 3, 5, 1, 0, 2.5, None]), ("n", [1, 3, 0, -1, 1.5, "2"]),
]  # fmt: skip


def choose(rng: random.Random, name: str, default: Any) -> Any:
    """A value for parameter `name`; one in ten is odd."""
    if rng.random() < 0.1:
        return rng.choice(ODD)
    if name in BY_NAME:
        return rng.choice(BY_NAME[name])
    for ending, values in BY_ENDING:
        if name.endswith(ending):
            return rng.choice(values)
    if isinstance(default, bool):
        return rng.choice(FLAGS)
    if isinstance(default, float):
        return rng.choice(FLOATS)
    if isinstance(default, int):
        return rng.choice(UNITS)
    return rng.choice(ODD)


def tensor(rng: random.Random, shape: tuple[int, ...], dtype: str) -> Any:
    """An array of this shape, the same in each process for the same state of `rng`."""
    import numpy as np

    numbers = np.random.default_rng(rng.randrange(2**31))
    if dtype == "bool":
        return numbers.random(shape) < 0.5
    if dtype.startswith(("int", "uint")):
        return numbers.integers(0, 5, shape).astype(dtype)
    return numbers.normal(size=shape).astype(dtype)


def reshaped(rng: random.Random, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A neighbor of a shape: one size changed, an axis more or less."""
    new = list(shape)
    what = rng.random()
    if what < 0.6 and new:
        new[rng.randrange(len(new))] = rng.choice([1, 2, 5, 0])
    elif what < 0.8:
        new.insert(rng.randrange(len(new) + 1), rng.choice([1, 3]))
    elif new:
        new.pop(rng.randrange(len(new)))
    return tuple(new)
