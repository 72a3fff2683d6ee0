"""Public names of Keras that are not there yet: asking for one says so, and is no misspelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.errors import suggestion

_LATER: dict[str, tuple[str, ...]] = {
    "lamina.layers": (
        "AugMix", "AutoContrast", "CategoryEncoding", "CenterCrop",
        "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Discretization", "Equalization",
        "HashedCrossing", "Hashing", "IntegerLookup", "MaxNumBoundingBoxes", "MelSpectrogram", "MixUp",
        "Normalization", "Pipeline", "RandAugment", "RandomBrightness", "RandomColorDegeneration",
        "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform", "RandomErasing",
        "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
        "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Rescaling", "Resizing",
        "STFTSpectrogram", "Solarization", "StringLookup", "TextVectorization",
    ),
    "lamina.utils": (
        "Config", "FeatureSpace", "Progbar", "array_to_img", "audio_dataset_from_directory", "get_file",
        "image_dataset_from_directory", "img_to_array", "load_img", "save_img", "split_dataset",
        "text_dataset_from_directory", "timeseries_dataset_from_array",
    ),
}  # fmt: skip


def found(space: str, name: str, get: Callable[[str], Any]) -> Any:
    """What `get` knows by this name.

    Raises:
        AttributeError: that says "not yet" for a name of Keras, and the nearest known name for others.
    """
    try:
        return get(name)
    except AttributeError:
        if name in _LATER.get(space, ()):
            raise AttributeError(f"{space}.{name} is not there yet. docs/status.md says what is.") from None
        import sys

        known = getattr(sys.modules[space], "__all__", ())
        raise AttributeError(f"{space} has no {name!r}.{suggestion(name, known)}") from None
