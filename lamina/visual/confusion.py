"""Which classes are taken for which."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.callbacks.figures import grid

_MOST_WRITTEN = 20  # classes; of more the numbers would run into each other


def class_numbers(y: Any) -> np.ndarray:
    """Labels or predictions as class numbers: of one-hot rows and of probabilities the place of the largest."""
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] > 1:
        return np.argmax(y, -1).ravel()
    if y.dtype.kind == "f" and not np.array_equal(y, np.round(y)):
        return (y.ravel() > 0.5).astype("int64")  # the probability of class 1
    return y.ravel().astype("int64")


def confusion_matrix(y_true: Any, y_pred: Any, num_classes: int | None = None) -> np.ndarray:
    """How often each class was taken for each.

    `C[i, j]` is the number of rows of class i for which j was predicted.

    Args:
        y_true: Class numbers (rows,), or one-hot (rows, classes).
        y_pred: Class numbers, probabilities or logits (rows, classes), or the probabilities of class 1.
        num_classes: How many classes there are; as many as occur when None.

    Returns:
        An integer array (classes, classes).

    Raises:
        ValueError: if the numbers of rows differ, or a class number is not one of them.

    Example:
        >>> import lamina
        >>> lamina.visual.confusion_matrix([0, 1, 1], [0, 1, 0]).tolist()
        [[1, 0], [1, 1]]
    """
    shape = np.shape(y_pred)
    if num_classes is None and len(shape) > 1 and shape[-1] > 1:
        num_classes = shape[-1]
    true, predicted = class_numbers(y_true), class_numbers(y_pred)
    if true.shape != predicted.shape:
        raise ValueError(f"{len(true)} labels do not fit {len(predicted)} predictions.")
    highest = int(max(true.max(initial=-1), predicted.max(initial=-1)))
    count = highest + 1 if num_classes is None else num_classes
    if highest >= count or min(true.min(initial=0), predicted.min(initial=0)) < 0:
        raise ValueError(
            f"Class numbers must be from 0 to {count - 1}, got {np.unique([*true, *predicted])[[0, -1]].tolist()}."
        )
    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)


def most_confused(
    y_true: Any, y_pred: Any, class_names: Any = None, least: int = 1
) -> list[tuple[Any, Any, int]]:  # fmt: skip
    """The pairs of classes that are confused, the most frequent first.

    Args:
        y_true, y_pred: As for `confusion_matrix`.
        class_names: A name for each class; numbers when None.
        least: How often a pair must occur.

    Returns:
        A list of (class, what it was taken for, how often).

    Example:
        >>> import lamina
        >>> lamina.visual.most_confused([0, 1, 1, 2], [0, 2, 2, 1], ["ant", "bee", "fly"])
        [('bee', 'fly', 2), ('fly', 'bee', 1)]
    """
    counts = confusion_matrix(y_true, y_pred)
    name = (lambda i: i) if class_names is None else (lambda i: class_names[i])
    found = [
        (name(i), name(j), int(n)) for (i, j), n in np.ndenumerate(counts) if i != j and n >= max(least, 1)
    ]
    return sorted(found, key=lambda entry: -entry[2])


def plot_confusion_matrix(y_true: Any, y_pred: Any, class_names: Any = None, normalize: bool = False) -> Any:
    """Draw the confusion matrix.

    Args:
        y_true, y_pred: As for `confusion_matrix`.
        class_names: A name for each class; numbers when None.
        normalize: Whether to show shares of the true class in place of counts.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if rows, or names and classes, do not fit.

    Example:
        >>> import lamina
        >>> figure = lamina.visual.plot_confusion_matrix([0, 1, 1], [0, 1, 0], ["cat", "dog"])
        >>> [label.get_text() for label in figure.axes[0].get_xticklabels()]
        ['cat', 'dog']
    """
    counts = confusion_matrix(y_true, y_pred, None if class_names is None else len(class_names))
    names = range(len(counts)) if class_names is None else class_names
    shown = counts / np.maximum(counts.sum(1, keepdims=True), 1) if normalize else counts
    side = 2 + 0.4 * min(len(counts), 30)
    figure, (axes,) = grid(1, 1, side, side)
    axes.imshow(shown, cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true", title="Confusion matrix")
    axes.set_xticks(range(len(counts)), names, rotation=90)
    axes.set_yticks(range(len(counts)), names)
    if len(counts) <= _MOST_WRITTEN:
        dark = shown.max(initial=0) / 2
        for (i, j), value in np.ndenumerate(shown):
            text = f"{value:.2f}" if normalize else str(value)
            axes.text(
                j, i, text, ha="center", va="center", color="white" if value > dark else "black", fontsize=8
            )
    return figure
