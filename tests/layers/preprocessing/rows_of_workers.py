"""A data set for the workers of torch's loader, in a module that imports next to nothing: spawned ones import it again."""

from __future__ import annotations

from typing import Any

import numpy as np


class Rows:
    """Rows that are prepared in a worker, each with the library that did it."""

    def __init__(self, layer: Any, data: Any) -> None:
        self.layer, self.data = layer, data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> tuple[Any, str]:
        found = self.layer(self.data[i : i + 1])
        return np.asarray(found)[0], type(found).__module__.split(".")[0]
