"""Recurrent layers whose arrays were others: three for each gate in Keras 1, those of cuDNN in CuDNNLSTM and CuDNNGRU."""

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


def from_cudnn(variables: list[Any], data: list[Any]) -> dict[int, Callable[[], np.ndarray]]:
    """What goes into the recurrent layers among some variables where the file has the arrays of cuDNN: by place.

    They tell themselves by a bias for the input and one for the state: `8 * units` numbers for an LSTM, `6 * units` for
    a GRU. The matrices of each gate lie transposed.

    Args:
        variables: The weights of a layer or model.
        data: The datasets of the file, one for each.
    """
    out: dict[int, Callable[[], np.ndarray]] = {}
    for i in range(len(variables) - 2):
        kernel, recurrent, bias = variables[i : i + 3]
        if [kernel.name, recurrent.name, bias.name] != ["kernel", "recurrent_kernel", "bias"]:
            continue
        wide, lstm = recurrent.shape[1], recurrent.shape[1] == 4 * recurrent.shape[0]
        wanted = [tuple(kernel.shape), tuple(recurrent.shape), (2 * wide,)]
        if tuple(bias.shape) != ((wide,) if lstm else (2, wide)):
            continue
        if [tuple(d.shape) for d in data[i : i + 3]] == wanted:
            out[i] = _each_gate(data[i], recurrent.shape[0], lambda k: k.reshape(k.shape[::-1]).T)
            out[i + 1] = _each_gate(data[i + 1], recurrent.shape[0], lambda k: k.T)
            out[i + 2] = _biases(data[i + 2], lstm)
    return out


def _each_gate(data: Any, units: int, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[], np.ndarray]:
    def read() -> np.ndarray:
        matrix = np.asarray(data[()])
        gates = np.split(matrix, matrix.shape[1] // units, axis=1)
        return np.concatenate([change(np.ascontiguousarray(gate)) for gate in gates], axis=1)

    return read


def _biases(data: Any, lstm: bool) -> Callable[[], np.ndarray]:
    """Both biases are added in an LSTM, so one is as good; a GRU keeps them apart (`reset_after`)."""
    both = lambda: np.asarray(data[()]).reshape(2, -1)
    return (lambda: both().sum(axis=0)) if lstm else both
