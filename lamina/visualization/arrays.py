"""What is drawn, as NumPy arrays with the channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import config, ops


def as_array(x: Any) -> np.ndarray:
    """The numbers of a tensor."""
    return x if isinstance(x, np.ndarray) else np.asarray(ops.convert_to_numpy(ops.convert_to_tensor(x)))


def as_images(function: str, images: Any, data_format: str | None) -> np.ndarray:
    """A batch of images with the channels last.

    Raises:
        ValueError: for another rank.
    """
    x = as_array(images)
    if x.ndim != 4:
        raise ValueError(f"{function}: `images` must be a batch of rank 4, got shape {x.shape}.")
    return x if config.standardize_data_format(data_format) == "channels_last" else x.transpose(0, 2, 3, 1)


def as_bytes(images: np.ndarray, value_range: Any = (0, 255)) -> np.ndarray:
    """Images of a range of values as bytes."""
    low, high = value_range
    scaled = (images.astype("float32") - low) * (255.0 / (high - low))
    return np.clip(np.round(scaled), 0, 255).astype("uint8")
