"""Images as the published weights want them, and the names of the thousand classes of ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from lamina import config, ops
from lamina.ops.checks import one_of

# What the training data of the published weights went through: mean and standard deviation of R, G and B.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)  # of B, G and R, on a scale of 255
CLASSES = 1000


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Bring images to the scale that weights were trained with.

    "caffe": `x[B, G, R] - (103.939, 116.779, 123.68)`; "tf": `x / 127.5 - 1`;
    "torch": `(x / 255 - mean) / deviation` with those of ImageNet

    Args:
        x: Images of shape (..., height, width, 3) with values from 0 to 255, R, G and B; an array or a tensor. It is
            left as it is.
        data_format: "channels_last", "channels_first" or None for the default.
        mode: "caffe", "tf" or "torch".

    Returns:
        An array or tensor of floats, of the same shape.

    Raises:
        ValueError: if the mode or the data format is unknown, or the images have no three channels.

    Example:
        >>> import lamina
        >>> preprocess = lamina.applications.imagenet_utils.preprocess_input
        >>> preprocess(np.array([[[0, 255, 255]]]), mode="tf").tolist()
        [[[-1.0, 1.0, 1.0]]]
    """
    one_of("preprocess_input", "mode", mode, ("caffe", "tf", "torch"))
    layout = config.standardize_data_format(data_format)
    k = np if isinstance(x, np.ndarray) else ops
    x = _floats(x)
    axis = -1 if layout == "channels_last" else -3
    if mode == "tf":
        return x / 127.5 - 1.0
    if len(x.shape) < 3 or x.shape[axis] != 3:
        raise ValueError(
            f"preprocess_input: images must have 3 channels (R, G and B) on axis {axis}, got the shape {tuple(x.shape)}."
        )

    def per_channel(values: tuple[float, ...]) -> Any:
        row = np.asarray(values, "float32")
        return row if axis == -1 else row[:, None, None]

    if mode == "caffe":
        return k.subtract(k.flip(x, axis=len(x.shape) + axis), per_channel(CAFFE_MEAN))
    return k.divide(k.subtract(x / 255.0, per_channel(MEAN)), per_channel(DEVIATION))


def _floats(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.astype(config.floatx(), copy=False)
    if not hasattr(x, "shape"):
        x = ops.convert_to_tensor(x)
    return x if "float" in str(x.dtype) else ops.cast(x, config.floatx())


def preprocessing(module: str, mode: str | None) -> Callable[..., Any]:
    """The `preprocess_input` of a family.

    Args:
        module: The family's module.
        mode: The mode of the published weights; None where the model scales by itself.
    """

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        if mode is None:
            return x
        return globals()["preprocess_input"](x, data_format=data_format, mode=mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    preprocess.__module__ = module
    done = "nothing is done: the model itself scales them." if mode is None else f'those of mode "{mode}".'
    preprocess.__doc__ = f"""Bring images to the scale of the family's weights: {done}

    Args:
        x: Images of shape (..., height, width, 3) with values from 0 to 255; an array or a tensor.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        The images on that scale. See `lamina.applications.imagenet_utils.preprocess_input`.
    """
    return preprocess


@cache
def class_names() -> list[tuple[str, str]]:
    """The thousand classes of ImageNet in the order of the published weights: (WordNet id, name)."""
    text = resources.files("lamina.applications").joinpath("imagenet_classes.txt").read_text()
    return [(number, name) for number, _, name in (line.partition(" ") for line in text.splitlines())]


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The names of the most probable classes of ImageNet.

    Args:
        preds: Probabilities of shape (batch, 1000).
        top: How many classes.

    Returns:
        For each image a list of (WordNet id, name, probability), the most probable first.

    Raises:
        ValueError: if the shape is another.

    Example:
        >>> import lamina
        >>> lamina.applications.imagenet_utils.decode_predictions(np.eye(1000)[:1], top=1)
        [[('n01440764', 'tench', np.float64(1.0))]]
    """
    values = np.asarray(ops.convert_to_numpy(preds))
    if values.ndim != 2 or values.shape[1] != CLASSES:
        raise ValueError(
            f"decode_predictions: expected probabilities of shape (batch, {CLASSES}), got {values.shape}. A model with "
            "a classifier of your own has your own classes."
        )
    names = class_names()
    best = np.argsort(values, axis=1)[:, ::-1][:, :top]
    return [[(*names[i], row[i]) for i in places] for row, places in zip(values, best, strict=True)]
