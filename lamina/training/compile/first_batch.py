"""What is looked at before training begins: mistakes that would cost an evening and raise no error."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from lamina.errors import PlaceError
from lamina.kernel.trees import leaves
from lamina.layers import Embedding
from lamina.losses import binary_crossentropy
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


def warn_of_labels(losses: CompileLoss | None, y: Any) -> None:
    """Warn of labels that a binary crossentropy does not know: its loss falls without end."""
    if losses is None or y is None:
        return
    for one, name, labels in zip(
        losses.losses, losses.outputs.names, losses.outputs.paired(y, "The target `y`"), strict=True
    ):
        function = getattr(one, "fn", None)
        if (
            function is not binary_crossentropy
            or not isinstance(labels, np.ndarray)
            or labels.dtype.kind not in "iuf"
        ):
            continue
        if labels.size and (labels.min() < 0 or labels.max() > 1):
            warnings.warn(
                f"Output {name!r}: the labels of the first batch run from {labels.min():g} to {labels.max():g}, but "
                "binary_crossentropy compares with 0 and 1, so its loss means nothing. For classes 0, 1, 2, ... use a unit "
                "for each and 'sparse_categorical_crossentropy'.",
                stacklevel=8,
            )


def check_indices(model: Any, x: Any) -> None:
    """That what goes into an Embedding right behind an input are rows of its table.

    Out of range, one framework stops, another gives NaN, and a third the last row.

    Raises:
        ValueError: naming the layer, the index and the size.
    """
    inputs = getattr(model, "_inputs_struct", None)  # of a functional model
    if inputs is None:
        return
    flat, given = list(leaves(inputs)), list(leaves(x))
    if isinstance(x, dict) or len(flat) != len(given):
        return
    for tensor, values in zip(flat, given, strict=True):
        if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf" or not values.size:
            continue
        for layer in model.layers:
            if type(layer) is Embedding and any(tensor is node_input for node_input in leaves(layer.input)):
                low, high = int(values.min()), int(values.max())
                if low < 0 or high >= layer.input_dim:
                    raise PlaceError(
                        f"Layer {layer.path!r} (Embedding) has {layer.input_dim} rows (`input_dim`), but its input holds the index "
                        f"{high if high >= layer.input_dim else low} in the first batch: indices must be 0 to "
                        f"{layer.input_dim - 1}. Give it more rows, or number the tokens anew."
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
