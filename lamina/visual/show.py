"""A batch as people see it: images with their labels, masks and boxes, texts, series; and beside it what a model says."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.callbacks.figures import grid
from lamina.training.feed.arrays import is_array_like
from lamina.training.feed.make import make_feed
from lamina.visual.tasks import TASKS, Look, drawer, task_of

_ROOM = {"text": (6.0, 0.9), "series": (3.4, 2.0)}  # inches; a picture takes 2.4 by 2.4


def show_batch(
    x: Any, y: Any = None, *, task: str | None = None, count: int = 9, class_names: Any = None, vocabulary: Any = None,
    box_format: str = "xyxy", value_range: Any = None,
) -> Any:  # fmt: skip
    """Show the first rows of data with their targets.

    Args:
        x: Inputs (rows, ...), or a source of batches (x, y), such as a `PyDataset` or a `tf.data.Dataset`.
        y: Targets: class numbers or one-hot, masks (rows, height, width), a dict of "boxes" and "labels", numbers, or
            how a series goes on.
        task: "classification", "segmentation", "boxes", "text" or "series"; found from the shapes when None: four axes, or
            three of integers, are images, texts and two axes of integers are text, other numbers are series.
        count: How many rows.
        class_names: A name for each class.
        vocabulary: A word for each number of a text.
        box_format: How boxes are written, as for `lamina.utils.bounding_boxes`.
        value_range: The values of black and of white; 0 and 255 for integers, otherwise the least and largest ones.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if the task is unknown or does not fit the data.

    Example:
        >>> import lamina, numpy as np
        >>> images = np.zeros((4, 8, 8, 3), "uint8")
        >>> figure = lamina.visual.show_batch(images, np.array([0, 1, 1, 0]), class_names=["cat", "dog"])
        >>> [axes.get_title() for axes in figure.axes]
        ['cat', 'dog', 'dog', 'cat']
    """
    x, y = _first(x, y, count)
    look = Look(class_names, vocabulary, box_format, value_range)
    return _figure(x, y, None, task, count, look, None)


def show_results(
    model: Any, x: Any, y: Any = None, *, task: str | None = None, count: int = 9, class_names: Any = None,
    vocabulary: Any = None, box_format: str = "xyxy", value_range: Any = None, decode: Any = None, notes: Any = None,
) -> Any:  # fmt: skip
    """Show the first rows of data with their targets and what a model predicts.

    Args:
        model: A model with one output, or one whose output `decode` understands.
        x, y, task, count, class_names, vocabulary, box_format, value_range: As for `show_batch`.
        decode: A function of the predictions that gives them in the form of the targets: needed for boxes, unless the model
            itself gives a dict of "boxes" and "labels". Probabilities and logits of classes need none.
        notes: A text for each row.

    Returns:
        A `matplotlib.figure.Figure`: titles are "true / predicted", red where they differ; masks, boxes and series of the
        prediction stand beside or over the true ones.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if the task is unknown or does not fit the data.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((8, 8, 1)), lamina.layers.Flatten(), lamina.layers.Dense(2)])
        >>> figure = lamina.visual.show_results(model, np.zeros((4, 8, 8, 1)), np.zeros(4, int), class_names=["cat", "dog"])
        >>> figure.axes[0].get_title()
        'cat / cat'
    """
    x, y = _first(x, y, count)
    predicted = model.predict(x, verbose=0)
    predicted = decode(predicted) if decode is not None else predicted
    look = Look(class_names, vocabulary, box_format, value_range)
    return _figure(x, y, predicted, task, count, look, notes)


def _first(x: Any, y: Any, count: int) -> tuple[Any, Any]:
    """The first rows as arrays, of data in memory or of a source's first batch."""
    if count < 1:
        raise ValueError(f"`count` must be 1 or more, got {count!r}.")
    if not is_array_like(x):
        x, y = (*make_feed(x).sample(), None)[:2]
    return _rows(x, count), _rows(y, count)


def _rows(value: Any, count: int) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: _rows(part, count) for name, part in value.items()}
    return np.asarray(value)[:count]


def _figure(x: Any, y: Any, predicted: Any, task: str | None, count: int, look: Look, notes: Any) -> Any:
    task = task_of(x, y) if task is None else task
    if task not in TASKS:
        raise ValueError(f"`task` must be one of {', '.join(map(repr, TASKS))}, got {task!r}.")
    draw, each = drawer(task, x, y, predicted, look)
    rows = len(x)
    if not rows:
        raise ValueError("There are no rows to show.")
    columns = 1 if task == "text" else None
    figure, places = grid(rows * each, columns if each == 1 else each, *_ROOM.get(task, (2.4, 2.4)))
    for i in range(rows):
        own = places[i * each : (i + 1) * each]
        draw(own, i)
        if notes is not None:
            own[0].set_title(
                "\n".join(filter(None, [own[0].get_title(), notes[i]])), fontsize=9, color=_color(own[0])
            )
    return figure


def _color(axes: Any) -> Any:
    return axes.title.get_color()
