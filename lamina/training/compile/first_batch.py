"""What is looked at before training begins: mistakes that would cost an evening and raise no error."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamina.kernel.trees import leaves
from lamina.training.compile.losses import CompileLoss, arguments_of
from lamina.training.feed.batch import unpack_x_y_sample_weight


def check_labels(losses: CompileLoss | None, y: Any, sample_weight: Any = None) -> None:
    """That class numbers are classes of the model. On an accelerator a wrong one raises nothing: its loss is 0.

    Labels whose weight is 0 may be anything, and so may those of outputs with a mask.

    Raises:
        ValueError: naming the output, the label and the number of classes.
    """
    if losses is None or y is None or not any(losses.classes):
        return
    targets = losses.outputs.paired(y, "The target `y`")
    weights = losses.outputs.paired(sample_weight, "`sample_weight`") if _per_output(sample_weight) else None
    for i, classes in enumerate(losses.classes):
        labels = targets[i]
        if (
            not classes
            or not isinstance(labels, np.ndarray)
            or labels.dtype.kind not in "iuf"
            or not labels.size
        ):
            continue
        weight = sample_weight if weights is None else weights[i]
        wrong = (labels < 0) | (labels >= classes)
        ignored = arguments_of(losses.losses[i]).get("ignore_class")
        if ignored is not None:
            wrong &= labels != ignored
        if wrong.any() and weight is not None:
            weight = np.asarray(weight)
            wrong &= weight.reshape(weight.shape + (1,) * (wrong.ndim - weight.ndim)) != 0
        if wrong.any():
            raise ValueError(
                f"Output {losses.outputs.names[i]!r}: `y` holds the label {labels[wrong].flat[0]:g}, but the model tells "
                f"{classes} classes apart, so labels must be 0 to {classes - 1}. Number the classes from 0, or give the "
                "last layer as many units as there are classes; labels to leave out get a sample weight of 0, or are the "
                "`ignore_class` of SparseCategoricalCrossentropy."
            )


def _per_output(sample_weight: Any) -> bool:
    return isinstance(sample_weight, list | tuple | dict)


def warn_of_numbers(sample: Any) -> None:
    """Warn of numbers in a first batch that make every loss NaN."""
    names = ("x", "y", "sample_weight")
    parts = unpack_x_y_sample_weight(sample if len(sample) <= 3 else (sample,))
    for name, part in zip(names, parts, strict=True):
        for leaf in leaves(part):
            if isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f" and np.isnan(leaf).any():
                warnings.warn(
                    f"`{name}` holds NaN in the first batch (row {int(np.argwhere(np.isnan(leaf))[0][0])}): the loss will "
                    "be NaN, and after one step all weights. Fill the gaps or leave such rows out "
                    "(numpy.nan_to_num, numpy.isfinite).",
                    stacklevel=8,
                )


def warn_of_outputs(model: Any, losses: CompileLoss) -> None:
    """Warn of a softmax that is always 1, and of one in front of a loss that applies it itself."""
    structure = getattr(model, "_outputs_struct", None)  # of a functional model
    if structure is None:
        return
    for name, tensor, loss in zip(
        losses.outputs.names, losses.outputs.flat(structure), losses.losses, strict=True
    ):
        history = getattr(tensor, "_keras_history", None)
        layer = getattr(history, "operation", None)
        made = getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__.lower())
        if made == "softmax" and tensor.shape and tensor.shape[-1] == 1:
            warnings.warn(
                f"Output {name!r} is a softmax over one unit, which is always 1: nothing can be learned. Use "
                "activation='sigmoid' for two classes, or a unit for each class.",
                stacklevel=8,
            )
        elif made in ("softmax", "sigmoid") and arguments_of(loss).get("from_logits"):
            warnings.warn(
                f"Output {name!r} ends in a {made}, and its loss ({loss.name}) has from_logits=True, so {made} is applied "
                "twice and training is slow and poor. Drop the activation of the last layer, or from_logits.",
                stacklevel=8,
            )
