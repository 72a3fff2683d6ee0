"""Images in rows and columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lamina.visualization.arrays import as_array, as_bytes, as_images
from lamina.visualization.boxes import draw_bounding_boxes
from lamina.visualization.masks import draw_segmentation_masks


def _pyplot(function: str) -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{function} needs Matplotlib. Install it with `pip install lamina[plot]`."
        ) from error
    return pyplot


def plot_image_gallery(
    images: Any, y_true: Any = None, y_pred: Any = None, label_map: dict[int, str] | None = None,
    rows: int | None = None, cols: int | None = None, value_range: Any = (0, 255), scale: float = 2,
    path: Any = None, show: bool | None = None, transparent: bool = True, dpi: int = 60,
    legend_handles: Any = None, data_format: str | None = None,
) -> Any:  # fmt: skip
    """Show images side by side.

    Args:
        images: Batch of images.
        y_true: Their labels.
        y_pred: The labels that a model gave.
        label_map: Label -> what to write.
        rows: How many rows; as square as can be by default.
        cols: How many columns.
        value_range: The lowest and the highest value of a pixel.
        scale: The size of an image, in inches.
        path: Where to save the picture.
        show: Whether to show it; if there is no path, by default.
        transparent: Whether its background is transparent in the file.
        dpi: Pixels in an inch.
        legend_handles: Entries of a legend.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        Matplotlib's figure; None once it was shown.

    Raises:
        ImportError: without Matplotlib.
        ValueError: if `path` and `show` are both given, or shapes do not fit.

    Example:
        >>> import lamina
        >>> figure = lamina.visualization.plot_image_gallery(np.zeros((3, 8, 8, 3)), show=False)
        >>> len(figure.axes)
        4
    """
    name = "plot_image_gallery"
    if path is not None and show:
        raise ValueError(f"{name}: give `path` to save the picture or show=True, not both.")
    pyplot = _pyplot(name)
    x = as_bytes(as_images(name, images, data_format), value_range)
    rows, cols = _grid(len(x), rows, cols)
    figure, axes = pyplot.subplots(
        rows, cols, figsize=(cols * scale, rows * scale), squeeze=False, frameon=False
    )
    for i, axis in enumerate(axes.ravel()):
        axis.axis("off")
        if i < len(x):
            axis.imshow(x[i, ..., 0] if x.shape[-1] == 1 else x[i], cmap="gray" if x.shape[-1] == 1 else None)
            title = [_named(as_array(y)[i], label_map) for y in (y_true, y_pred) if y is not None]
            if title:
                axis.set_title(" / ".join(title))
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    figure.tight_layout()
    if path is not None:
        figure.savefig(path, transparent=transparent, dpi=dpi, bbox_inches="tight")
        pyplot.close(figure)
        return figure
    if show is None or show:
        pyplot.show()
        pyplot.close(figure)
        return None
    pyplot.close(figure)  # nobody but the caller keeps it
    return figure


def _grid(count: int, rows: int | None, cols: int | None) -> tuple[int, int]:
    if rows is None and cols is None:
        cols = math.ceil(math.sqrt(count))
    if rows is None:
        rows = math.ceil(count / (cols or 1))
    return rows, cols if cols is not None else math.ceil(count / rows)


def _named(label: Any, label_map: Any) -> str:
    number = int(np.argmax(label)) if np.ndim(label) else int(label)
    return str((label_map or {}).get(number, number))


def plot_bounding_box_gallery(
    images: Any, bounding_box_format: str, y_true: Any = None, y_pred: Any = None, value_range: Any = (0, 255),
    true_color: Any = (0, 188, 212), pred_color: Any = (255, 235, 59), line_thickness: int = 2,
    font_scale: float = 1.0, text_thickness: int | None = None, class_mapping: Any = None,
    ground_truth_mapping: Any = None, prediction_mapping: Any = None, legend: bool = False,
    legend_handles: Any = None, rows: int | None = None, cols: int | None = None, data_format: str | None = None,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """Show images with their boxes side by side.

    Args:
        images: Batch of images.
        bounding_box_format: How the boxes are written.
        y_true: The boxes, a dict of `"boxes"` and `"labels"`.
        y_pred: The boxes that a model gave, also with `"confidence"`.
        value_range: The lowest and the highest value of a pixel.
        true_color, pred_color: Three numbers from 0 to 255 each.
        line_thickness: Of the boxes, in pixels.
        font_scale: How large letters are.
        text_thickness: Of the letters' strokes.
        class_mapping: Label -> what to write.
        ground_truth_mapping: The same, for `y_true` alone.
        prediction_mapping: The same, for `y_pred` alone.
        legend: Whether to say which color is what.
        legend_handles: Entries of a legend, in place of these two.
        rows: How many rows.
        cols: How many columns.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: For `plot_image_gallery`.

    Returns:
        What `plot_image_gallery` returns.

    Raises:
        ImportError: without Matplotlib or Pillow.
        ValueError: if shapes do not fit.

    Example:
        >>> import lamina
        >>> boxes = {"boxes": [[[1.0, 1, 6, 6]]], "labels": [[0]]}
        >>> plot = lamina.visualization.plot_bounding_box_gallery
        >>> figure = plot(np.zeros((1, 8, 8, 3)), "xyxy", y_true=boxes, show=False)
    """
    x = as_bytes(as_images("plot_bounding_box_gallery", images, data_format), value_range)
    for boxes, color, mapping in (
        (y_true, true_color, ground_truth_mapping),
        (y_pred, pred_color, prediction_mapping),
    ):
        if boxes is not None:
            x = draw_bounding_boxes(
                x, boxes, bounding_box_format, mapping or class_mapping, color, line_thickness, text_thickness or 1,
                font_scale, "channels_last",
            )  # fmt: skip
    if legend and legend_handles is None:
        _pyplot("plot_bounding_box_gallery")
        from matplotlib import patches

        legend_handles = [
            patches.Patch(color=tuple(c / 255 for c in color), label=label)
            for color, label in ((true_color, "Ground truth"), (pred_color, "Prediction"))
        ]
    return plot_image_gallery(
        x, rows=rows, cols=cols, legend_handles=legend_handles, data_format="channels_last", **kwargs
    )


def plot_segmentation_mask_gallery(
    images: Any, num_classes: int, value_range: Any = (0, 255), y_true: Any = None, y_pred: Any = None,
    color_mapping: Any = None, blend: bool = True, alpha: float = 0.8, ignore_index: int = -1,
    data_format: str | None = None, **kwargs: Any,
) -> Any:  # fmt: skip
    """Show images beside themselves under their masks.

    Args:
        images: Batch of images.
        num_classes: How many classes there are.
        value_range: The lowest and the highest value of a pixel.
        y_true: The masks.
        y_pred: The masks that a model gave.
        color_mapping: Class -> three numbers from 0 to 255.
        blend: Whether to mix colors with the images.
        alpha: How strong the colors are.
        ignore_index: The class that is not drawn.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: For `plot_image_gallery`.

    Returns:
        What `plot_image_gallery` returns.

    Raises:
        ImportError: without Matplotlib.
        ValueError: if shapes do not fit.

    Example:
        >>> import lamina
        >>> plot = lamina.visualization.plot_segmentation_mask_gallery
        >>> figure = plot(np.zeros((2, 8, 8, 3)), 2, y_true=np.zeros((2, 8, 8)), show=False)
    """
    x = as_bytes(as_images("plot_segmentation_mask_gallery", images, data_format), value_range)
    columns = [x.repeat(3, -1) if x.shape[-1] == 1 else x]
    for masks in (y_true, y_pred):
        if masks is not None:
            columns.append(
                draw_segmentation_masks(
                    x, masks, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
                )
            )
    beside = np.concatenate(columns, 2)
    return plot_image_gallery(beside, data_format="channels_last", **{"cols": 1, **kwargs})
