"""Loads the houses of Boston."""

from __future__ import annotations

from typing import Any

from lamina.datasets.sources import fetch
from lamina.datasets.tables import split
from lamina.datasets.unpickling import arrays_of

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Any:
    """Prices of houses in Boston, in thousands of dollars.

    One of the 13 numbers counts people by their origin, which is why the data set should not be used for anything but
    tests of programs.

    Args:
        path: The file's name in the cache, or a path.
        test_split: The part that is for tests.
        seed: Of the order.

    Returns:
        ((x_train, y_train), (x_test, y_test)).

    Raises:
        ValueError: if the part is not from 0 to 1.
        OSError: if it has to be downloaded, and cannot.
    """
    found = arrays_of(fetch(path, _HASH, cache_subdir="datasets"))
    return split(found["x"], found["y"], test_split, seed)
