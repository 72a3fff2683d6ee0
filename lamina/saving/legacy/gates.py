"""Recurrent layers of Keras 1: three arrays for each gate, where later files have three in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# The gates in the order of Keras 1 (which had the candidate second) -> their places in later kernels.
_ORDERS = {4: (0, 2, 1, 3), 3: (0, 1, 2)}


def joined(variables: list[Any], data: list[Any]) -> tuple[list[Any], list[Callable[[], np.ndarray]]] | None:
    """What goes into a recurrent layer's kernel, recurrent kernel and bias; None if the data is not of that kind.

    Args:
        variables: The weights of a layer.
        data: The datasets of the file: kernel, recurrent kernel and bias of each gate.
    """
    gates = len(data) // 3
    if (
        [v.name for v in variables] != ["kernel", "recurrent_kernel", "bias"]
        or gates not in _ORDERS
        or len(data) % 3
    ):
        return None
    units = variables[1].shape[0]
    wanted = [(variables[0].shape[0], units), (units, units), (units,)] * gates
    if [tuple(d.shape) for d in data] != wanted or variables[0].shape[1] != gates * units:
        return None
    order = _ORDERS[gates]

    def read(kind: int) -> Callable[[], np.ndarray]:
        return lambda: np.concatenate([data[3 * gate + kind][()] for gate in order], axis=-1)

    return variables, [read(kind) for kind in range(3)]
