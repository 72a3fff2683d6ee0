"""TensorLayout: how a tensor is divided over a mesh. LayoutMap: layouts by the paths of variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

from lamina.distribution.mesh import DeviceMesh
from lamina.kernel.context import real_kernel
from lamina.kernel.contract import Placement
from lamina.ops.checks import shown


class TensorLayout:
    """How a tensor is divided over the devices of a mesh.

    Args:
        axes: For each axis of the tensor the name of the mesh's axis that divides it, or a tuple of names for several, or
            None where it is not divided. Each device has the whole of axes that are not listed.
        device_mesh: The mesh; may be set later, once.

    Raises:
        ValueError: if an axis is none of the mesh, or a mesh is set twice.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1,), ["model"], ["cpu:0"])
        >>> lamina.distribution.TensorLayout([None, "model"], mesh).axes
        (None, 'model')
    """

    def __init__(self, axes: Sequence[Any], device_mesh: DeviceMesh | None = None) -> None:
        self._axes = tuple(axes)
        self._device_mesh = device_mesh
        self._gathered = self._again = False
        self._check()

    @classmethod
    def gathered(cls, axes: Sequence[Any], device_mesh: DeviceMesh, again: bool) -> TensorLayout:
        """The layout of a fully sharded weight: programs gather it where a layer reads it.

        Args:
            axes, device_mesh: As for the class.
            again: Whether they do so once more for the gradient.
        """
        layout = cls(axes, device_mesh)
        layout._gathered, layout._again = True, again
        return layout

    def _check(self) -> None:
        if self._device_mesh is None:
            return
        if not isinstance(self._device_mesh, DeviceMesh):
            raise ValueError(f"TensorLayout: `device_mesh` must be a DeviceMesh, got {self._device_mesh!r}.")
        valid = self._device_mesh.axis_names
        used = [
            n for axis in self._axes if axis is not None for n in ((axis,) if isinstance(axis, str) else axis)
        ]
        wrong = [name for name in used if name not in valid]
        if wrong:
            raise ValueError(
                f"TensorLayout: Invalid axis names for Layout: {', '.join(map(repr, wrong))}. The axes of the mesh are "
                f"{', '.join(map(repr, valid))}. Received: axes={self._axes}."
            )
        twice = sorted({name for name in used if used.count(name) > 1})
        if twice:
            raise ValueError(
                f"TensorLayout: an axis of the mesh divides one axis of a tensor, but {', '.join(map(repr, twice))} stands "
                f"there twice. Received: axes={self._axes}."
            )

    @property
    def axes(self) -> tuple[Any, ...]:
        """For each axis of the tensor what divides it."""
        return self._axes

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ValueError(
                f"Cannot override device mesh value: this layout has {self._device_mesh!r}. Make another layout."
            )
        self._device_mesh = device_mesh
        try:
            self._check()
        except ValueError:
            self._device_mesh = None
            raise

    @property
    def backend_layout(self) -> Any:
        """The framework's own object for the layout."""
        return real_kernel().spread.native(self._place())

    def _place(self) -> Placement:
        if self._device_mesh is None:
            raise ValueError(
                f"Cannot create sharding when device mesh is not set for TensorLayout: {self!r}. Give it `device_mesh`."
            )
        return self._device_mesh.placement(self._axes, gathered=self._gathered, again=self._again)

    def placement(self, shape: Sequence[int], what: str = "A tensor") -> Placement:
        """Plain values for a backend.

        Args:
            shape: The shape of the tensor.
            what: What it is, for errors.

        Raises:
            ValueError: if the tensor has too few axes, or one that does not divide.
        """
        found = self._place()
        if len(found.axes) > len(shape):
            raise ValueError(
                f"{what} of shape {shown(shape)} has {len(shape)} axes, but its layout says how {len(found.axes)} are "
                f"divided: {self._axes}."
            )
        axis = found.undivided(shape)
        if axis is not None:
            raise ValueError(
                f"{what} of shape {shown(shape)}: axis {axis} of size {shape[axis]} cannot be divided into "
                f"{found.parts[axis]} equal parts along {found.axes[axis]!r} of {self._device_mesh!r}. Use a size that "
                "divides, divide another axis, or none (None in its place)."
            )
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TensorLayout):
            return NotImplemented
        return self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple:
        return self._axes, self._device_mesh, self._gathered, self._again

    def __repr__(self) -> str:
        return f"<TensorLayout axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping):
    r"""Layouts by regular expressions that match the whole path of a variable, such as r"dense.*/kernel".

    Values are `TensorLayout`s, or tuples of axes, which get the map's mesh. A path that is itself a key has that layout. A
    key that ends in "/output" is for the outputs of layers.

    Args:
        device_mesh: The mesh.

    Raises:
        ValueError: if a key is set twice, a value is no layout, or a path matches several keys.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> layouts = lamina.distribution.LayoutMap(mesh)
        >>> layouts[r"dense.*/kernel"] = (None, "model")
        >>> layouts["dense_1/kernel"].axes, layouts["dense_1/bias"]
        ((None, 'model'), None)
    """

    def __init__(self, device_mesh: DeviceMesh | None) -> None:
        self._device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    def __getitem__(self, key: str) -> Any:
        """The layout of a path; None if no key matches."""
        if key in self._layouts:
            return self._layouts[key]
        matching = [k for k in self._layouts if re.fullmatch(k, key)]
        if len(matching) > 1:
            raise ValueError(
                f"Path {key!r} matches multiple layout specification keys: {matching}. Each path may match one key only: "
                "make the expressions narrower."
            )
        return self._layouts[matching[0]] if matching else None

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ValueError(
                f"{key} already exist in the LayoutMap with value {self._layouts[key]}. Delete it first to set another."
            )
        if isinstance(layout, tuple):
            layout = TensorLayout(layout, self._device_mesh)
        elif not isinstance(layout, TensorLayout):
            raise ValueError(
                f"LayoutMap: {layout!r} should be a TensorLayout type or a tuple of axes, got {type(layout)}."
            )
        elif layout.device_mesh is None and self._device_mesh is not None:
            layout.device_mesh = self._device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)

    def __len__(self) -> int:
        return len(self._layouts)

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh."""
        return self._device_mesh
