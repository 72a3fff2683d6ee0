"""Loads the houses of California."""

from __future__ import annotations

from typing import Any

from lamina.datasets.sources import fetch
from lamina.datasets.tables import split
from lamina.datasets.unpickling import arrays_of
from lamina.ops.checks import one_of

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Any:
    """Prices of houses in California, in dollars.

    Args:
        version: "large" (20,640 rows) or "small" (the first 600).
        path: The file's name in the cache, or a path.
        test_split: The part that is for tests.
        seed: Of the order.

    Returns:
        ((x_train, y_train), (x_test, y_test)).

    Raises:
        ValueError: for another version, or if the part is not from 0 to 1.
        OSError: if it has to be downloaded, and cannot.

    Reference:
        Pace and Barry, 1997: Sparse Spatial Autoregressions
    """
    one_of("california_housing.load_data", "version", version, ("large", "small"))
    found = arrays_of(fetch(path, _HASH, cache_subdir="datasets"))
    x, y = found["x"], found["y"]
    if version == "small":
        x, y = x[:600], y[:600]
    return split(x, y, test_split, seed)
