"""DeviceMesh: devices in a grid whose axes have names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.distribution.devices import list_devices
from lamina.kernel.context import real_kernel
from lamina.kernel.contract import Placement


class DeviceMesh:
    """Devices in a grid; layouts say along which of its axes a tensor is divided.

    Args:
        shape: The sizes of the grid's axes, such as (2, 4).
        axis_names: A name for each, such as ["batch", "model"].
        devices: The names of the devices, row by row or in an array of that shape; all that there are by default.

    Raises:
        ValueError: if the sizes, names and devices do not fit each other.

    Attributes:
        shape, axis_names: As given.
        devices: An array of names of that shape.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> mesh.shape, mesh.devices.tolist()
        ((1, 1), [['cpu:0']])
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None) -> None:
        if not shape or not axis_names:
            raise ValueError(
                "DeviceMesh: `shape` and `axis_names` cannot be empty: give the size and the name of each axis, as in "
                f"DeviceMesh((2, 4), ['batch', 'model']). Received: shape={shape}, axis_names={axis_names}."
            )
        if len(shape) != len(axis_names):
            raise ValueError(
                "DeviceMesh: `shape` and `axis_names` must have the same length. "
                f"Received: shape={shape}, axis_names={axis_names}."
            )
        if len(set(axis_names)) != len(axis_names):
            raise ValueError(f"DeviceMesh: the names of the axes must differ. Received: {list(axis_names)}.")
        found = np.asarray(list_devices() if devices is None else devices, object).astype(str)
        if math.prod(shape) != found.size:
            raise ValueError(
                f"DeviceMesh: a grid of shape {tuple(shape)} has {math.prod(shape)} places, but there are {found.size} "
                f"devices: choose sizes whose product is their number, or name the devices. Received: shape={shape}."
            )
        self._shape, self._axis_names = tuple(int(n) for n in shape), list(axis_names)
        self._devices = found.reshape(self._shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._shape

    @property
    def axis_names(self) -> list[str]:
        """The names of the axes."""
        return self._axis_names

    @property
    def devices(self) -> np.ndarray:
        """The names of the devices, in the shape of the grid."""
        return self._devices

    @property
    def backend_mesh(self) -> Any:
        """The framework's own mesh."""
        return real_kernel().spread.mesh(self.placement())

    def placement(
        self, axes: Sequence[Any] = (), *, gathered: bool = False, again: bool = False
    ) -> Placement:
        """Plain values for a backend: this grid, and the axis of it that divides each axis of a tensor."""
        names, devices = tuple(self._axis_names), tuple(self._devices.ravel().tolist())
        return Placement(self._shape, names, devices, tuple(axes), gathered, again)

    def size_of(self, axis: str) -> int:
        """The size of an axis."""
        return self._shape[self._axis_names.index(axis)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceMesh) and self.placement() == other.placement()

    def __hash__(self) -> int:
        return hash(self.placement())

    def __repr__(self) -> str:
        return f"<DeviceMesh shape={self.shape}, axis_names={self.axis_names}>"
