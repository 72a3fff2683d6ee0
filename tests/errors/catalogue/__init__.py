"""Mistakes that people make, by area: each a small script, and what a message about it must say."""

from importlib import import_module

from .mistake import Mistake, of

AREAS = {
    "building": "Building a model",
    "shapes": "Shapes",
    "arguments": "Arguments of layers",
    "own_layers": "Layers and models of one's own",
    "compiling": "Compiling",
    "fitting": "Data for fit, evaluate and predict",
    "labels": "Labels",
    "measures": "Losses and metrics",
    "optimizers": "Optimizers",
    "callbacks": "Callbacks",
    "files": "Files",
    "preprocessing": "Preprocessing and text",
    "dtypes": "Dtypes",
    "backends": "Backends",
}
MISTAKES: dict[str, list[Mistake]] = {area: of(import_module(f"{__name__}.{area}")) for area in AREAS}
