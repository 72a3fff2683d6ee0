"""Image layers, each with the arguments by which it is tested."""

from __future__ import annotations

from typing import Any

import numpy as np

GEOMETRIC = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.3, "width_factor": (-0.2, 0.1)},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": (0.0, 0.3)},
    "RandomShear": {"x_factor": (0.1, 0.3), "y_factor": 0.2},
    "RandomPerspective": {"factor": (1.0, 1.0), "scale": 0.4},
}
COLORS = {
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": (0.2, 0.6)},
    "RandomContrast": {"factor": (0.8, 0.9)},
    "RandomGaussianBlur": {"factor": (1.0, 1.0), "kernel_size": (3, 5), "sigma": (0.5, 2.0)},
    "RandomHue": {"factor": 0.4},
    "RandomInvert": {"factor": (0.4, 0.6)},
    "RandomPosterization": {"factor": 5},
    "RandomSaturation": {"factor": (0.3, 0.7)},
    "RandomSharpness": {"factor": (0.2, 0.9)},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.4},
    "RandomErasing": {"factor": (1.0, 1.0)},
}
MIXING: dict[str, dict[str, Any]] = {"MixUp": {"alpha": 0.8}, "CutMix": {}}
CHOOSING: dict[str, dict[str, Any]] = {
    "RandAugment": {},
    "AugMix": {},
    "RandomColorJitter": {"brightness_factor": 0.1, "contrast_factor": 0.2, "saturation_factor": (0.3, 0.6), "hue_factor": 0.2},
}  # fmt: skip
CUTTING = {"RandomCrop": {"height": 5, "width": 6}}
OTHERS = {"RandomGrayscale": {"factor": 0.6}, "RandomElasticTransform": {"factor": (1.0, 1.0)}}
RANDOM: dict[str, dict[str, Any]] = {**GEOMETRIC, **COLORS, **MIXING, **CHOOSING, **CUTTING, **OTHERS}
FIXED: dict[str, dict[str, Any]] = {
    "Resizing": {"height": 5, "width": 6},
    "CenterCrop": {"height": 5, "width": 6},
    "AutoContrast": {},
    "Equalization": {},
    "ContrastLimitedAdaptiveHistogramEqualization": {"tile_grid_size": (2, 3)},
    "MaxNumBoundingBoxes": {"max_number": 3},
}
ALL = {**RANDOM, **FIXED}


def images(count: int = 3, height: int = 8, width: int = 10, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (count, height, width, 3)).astype("float32")
