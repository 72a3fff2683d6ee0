"""How one row of each kind of task is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lamina.visual.confusion import class_numbers
from lamina.visualization import draw_bounding_boxes, draw_segmentation_masks

TASKS = ("classification", "segmentation", "boxes", "text", "series")
_TRUE, _PREDICTED = (0, 188, 212), (255, 160, 0)  # colors of boxes
_WRONG = "#b3261e"


class Look(NamedTuple):
    """What decides how rows are shown."""

    class_names: Any = None
    vocabulary: Any = None
    box_format: str = "xyxy"
    value_range: Any = None

    def name(self, number: int) -> str:
        """A class as people call it."""
        known = self.class_names
        return str(number) if known is None or not 0 <= number < len(known) else str(known[number])


Draw = Callable[[list[Any], int], None]


def task_of(x: Any, y: Any) -> str:
    """The task that data belong to.

    Raises:
        ValueError: if that is not clear.
    """
    if isinstance(y, dict) and "boxes" in y:
        return "boxes"
    if isinstance(x, np.ndarray):
        whole = x.dtype.kind in "iub"
        if x.dtype.kind in "OSUT" or (whole and x.ndim == 2):
            return "text"
        if x.ndim == 4 or (whole and x.ndim == 3):
            masks = isinstance(y, np.ndarray) and y.ndim >= 3 and y.shape[1:3] == x.shape[1:3]
            return "segmentation" if masks else "classification"
        if x.ndim in (2, 3):
            return "series"
    shapes = getattr(x, "shape", type(x).__name__)
    raise ValueError(
        f"What data of shape {shapes} are is not clear: give `task`, one of {', '.join(map(repr, TASKS))}."
    )


def drawer(task: str, x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    """What draws row i into its places, and how many places a row has."""
    makers = {
        "classification": _classes,
        "segmentation": _masks,
        "boxes": _boxes,
        "text": _texts,
        "series": _series,
    }
    return makers[task](x, y, predicted, look)


def _titles(y: Any, predicted: Any, look: Look) -> Callable[[Any, int], None]:
    """Titles "true / predicted": classes by name, other numbers as they are."""
    numbers = [None if v is None else _labels(np.asarray(v), look) for v in (y, predicted)]

    def write(axes: Any, i: int) -> None:
        parts = [labels[i] for labels in numbers if labels is not None]
        wrong = len(parts) == 2 and parts[0] != parts[1] and look.class_names is not None
        axes.set_title(" / ".join(parts), fontsize=9, color=_WRONG if wrong else "black", parse_math=False)

    return write


def _labels(values: np.ndarray, look: Look) -> list[str]:
    if values.dtype.kind in "OSUT":
        return [str(v) for v in values.ravel()]
    one = values.ndim == 1 or values.shape[-1] == 1
    if (
        one
        and look.class_names is None
        and values.dtype.kind == "f"
        and not np.array_equal(values, np.round(values))
    ):
        return [f"{v:.3g}" for v in values.ravel()]  # a number or a probability
    return [look.name(int(n)) for n in class_numbers(values)]


def _pictures(x: Any, look: Look) -> np.ndarray:
    """Images (rows, height, width, 3) of bytes."""
    x = np.asarray(x)
    x = x[..., None] if x.ndim == 3 else x
    if x.ndim != 4:
        raise ValueError(f"Images have shape (rows, height, width, channels), got {x.shape}.")
    if x.shape[-1] > 4 >= x.shape[1]:
        x = x.transpose(0, 2, 3, 1)  # channels first
    x = x[..., :3] if x.shape[-1] >= 3 else x[..., :1]
    finite = np.nan_to_num(x.astype("float64"))
    low, high = look.value_range or ((0, 255) if x.dtype.kind in "iub" else (finite.min(), finite.max()))
    scaled = np.clip((finite - low) * (255.0 / ((high - low) or 1)), 0, 255).round().astype("uint8")
    return scaled.repeat(3, -1) if scaled.shape[-1] == 1 else scaled


def _picture(axes: Any, image: np.ndarray) -> None:
    axes.imshow(image)
    axes.set_axis_off()


def _classes(x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    images, write = _pictures(x, look), _titles(y, predicted, look)

    def draw(places: list[Any], i: int) -> None:
        _picture(places[0], images[i])
        write(places[0], i)

    return draw, 1


def _masks(x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    images, columns = _pictures(x, look), [("", None)]
    masks = [(name, _mask(v, images)) for name, v in (("true", y), ("predicted", predicted)) if v is not None]
    classes = max((int(m.max(initial=0)) + 1 for _, m in masks), default=1)  # one class has one color in both
    columns += [
        (name, draw_segmentation_masks(images, m, classes, alpha=0.6, data_format="channels_last"))
        for name, m in masks
    ]

    def draw(places: list[Any], i: int) -> None:
        for axes, (name, drawn) in zip(places, columns, strict=True):
            _picture(axes, images[i] if drawn is None else drawn[i])
            axes.set_title(name, fontsize=9)

    return draw, len(columns)


def _mask(values: Any, images: np.ndarray) -> np.ndarray:
    """Class numbers (rows, height, width): of classes along the last axis the largest."""
    values = np.asarray(values)
    if values.ndim == 4 and values.shape[-1] > 1:
        values = values.argmax(-1)
    elif values.dtype.kind == "f" and not np.array_equal(values, np.round(values)):
        values = values > 0.5
    values = values.astype("int64").reshape(values.shape[:3])
    if values.shape != images.shape[:3]:
        raise ValueError(f"Masks of shape {values.shape} do not fit images of shape {images.shape}.")
    return values


def _boxes(x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    images = _pictures(x, look)
    names = None if look.class_names is None else dict(enumerate(look.class_names))
    for what, boxes, color in (("targets", y, _TRUE), ("predictions", predicted, _PREDICTED)):
        if boxes is None:
            continue
        if not isinstance(boxes, dict) or not {"boxes", "labels"} <= boxes.keys():
            raise ValueError(
                f"Boxes are a dict of 'boxes' and 'labels'; the {what} are {type(boxes).__name__}. `decode` makes such a dict "
                "of what a model gives."
            )
        images = draw_bounding_boxes(
            images, boxes, look.box_format, names, color, 1, data_format="channels_last"
        )

    def draw(places: list[Any], i: int) -> None:
        _picture(places[0], images[i])

    return draw, 1


def _texts(x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    write = _titles(y, predicted, look)

    def draw(places: list[Any], i: int) -> None:
        axes = places[0]
        lines = textwrap.wrap(_words(x[i], look.vocabulary), 90)
        text = "\n".join([*lines[:3], "…"] if len(lines) > 3 else lines)
        axes.text(0, 1, text, va="top", fontsize=8, transform=axes.transAxes, parse_math=False)
        axes.set_axis_off()
        write(axes, i)
        axes.title.set_ha("left")
        axes.title.set_x(0)

    return draw, 1


def _words(row: Any, vocabulary: Any) -> str:
    """A text, from its words or their numbers; padding by 0 at the end is left out."""
    row = np.asarray(row).ravel()
    if row.dtype.kind in "OSUT":
        return " ".join(v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in row.tolist())
    row = row[: len(row) - np.argmax(row[::-1] != 0)] if row.any() else row[:0]
    known = (
        (lambda n: str(n))
        if vocabulary is None
        else (lambda n: vocabulary[n] if 0 <= n < len(vocabulary) else f"[{n}]")
    )
    return " ".join(str(known(int(n))) for n in row)


def _series(x: Any, y: Any, predicted: Any, look: Look) -> tuple[Draw, int]:
    goes_on = (
        y is not None
        and np.asarray(y).dtype.kind == "f"
        and np.asarray(y).ndim > 1
        and np.asarray(y).shape[1] > 1
    )
    goes_on = goes_on or (y is None and predicted is not None and look.class_names is None)
    goes_on = goes_on and look.class_names is None
    write = _titles(None if goes_on else y, None if goes_on else predicted, look)

    def draw(places: list[Any], i: int) -> None:
        axes, row = places[0], np.asarray(x[i], "float64")
        axes.plot(row)
        if goes_on:
            for name, values, style in (("true", y, "-"), ("predicted", predicted, "--")):
                if values is not None:
                    following = np.asarray(values[i], "float64").reshape(len(values[i]), -1)
                    at = np.arange(len(row), len(row) + len(following))
                    axes.plot(at, following, style, label=name)
            axes.legend(fontsize=7)
        axes.tick_params(labelsize=7)
        write(axes, i)

    return draw, 1
