"""Weights of applications: from the public files, or from a file of one's own."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from lamina import utils

SERVER = "https://storage.googleapis.com/"


class Published(NamedTuple):
    """One public file of weights."""

    name: str  # in the cache
    address: str
    hash: str | None  # MD5 or SHA-256 by its length


@cache
def published() -> dict[tuple[str, bool], Published]:
    """The public files by variant and by whether they hold the classifier; `published.txt` has the table."""
    found: dict[tuple[str, bool], Published] = {}
    text = resources.files("lamina.applications").joinpath("published.txt").read_text()
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        variant, stem, with_top, ending, without_top = line.split()
        for top, path, digest in ((True, stem, with_top), (False, stem + ending, without_top)):
            name = path.rpartition("/")[2]
            if name.startswith("NASNet"):  # the names in the cache are those that Keras uses
                name = name.lower().replace("-", "_")
            found[variant, top] = Published(
                f"{name}.h5", f"{SERVER}{path}.h5", None if digest == "-" else digest
            )
    return found


def check(kind: str, weights: Any) -> None:
    """That `weights` is None, "imagenet", or a file that exists.

    Raises:
        ValueError: otherwise.
    """
    if weights is None or weights == "imagenet":
        return
    if not isinstance(weights, str | os.PathLike) or not os.path.isfile(weights):
        raise ValueError(
            f"{kind}: `weights` must be None (random), 'imagenet', or the path of a file of weights that exists, got "
            f"{weights!r}."
        )


def load(model: Any, variant: str, weights: Any, *, include_top: bool) -> None:
    """Fill a model with weights.

    Args:
        model: The model.
        variant: Its row in the table of public files.
        weights: None, "imagenet" or a path.
        include_top: Whether the model has its classifier.

    Raises:
        ValueError: if nothing is published for this variant.
        SerializationError: if the file does not fit the model.
    """
    if weights is None:
        return
    if weights == "imagenet":
        weights = fetched(variant, include_top)
    model.load_weights(weights)


def fetched(variant: str, include_top: bool) -> Any:
    """The path of a public file, fetched into the cache of `lamina.utils.get_file` unless it lies there."""
    file = published().get((variant, include_top))
    if file is None:
        kind = variant.partition("/")[0]
        known = sorted({v for v, _ in published() if v.partition("/")[0] == kind})
        raise ValueError(f"No ImageNet weights are published for {variant}. There are: {', '.join(known)}.")
    return utils.get_file(file.name, file.address, cache_subdir="models", file_hash=file.hash)
