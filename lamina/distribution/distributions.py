"""Distributions: which layout data, weights and results have."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from lamina.distribution.devices import list_devices
from lamina.distribution.layout import LayoutMap, TensorLayout
from lamina.distribution.mesh import DeviceMesh
from lamina.kernel.context import distributed, real_kernel
from lamina.kernel.trees import map_leaves


class Distribution:
    """Base of all distributions: how data and variables are spread over the devices of a mesh.

    A subclass defines `get_data_layout` and `get_variable_layout`.

    Args:
        device_mesh: The mesh.
        batch_dim_name: The axis of the mesh that divides the rows of batches.
        auto_shard_dataset: Whether, where several processes train together, each is given the same data and takes its own
            rows of every batch. False means that each is given rows of its own already: those of
            the part `data_shard_id` of `num_data_shards`, which may be uneven.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
        >>> parallel = lamina.distribution.DataParallel(device_mesh=mesh)
        >>> with parallel.scope():
        ...     lamina.distribution.distribution() is parallel
        True
    """

    def __init__(
        self, device_mesh: Any, batch_dim_name: str | None = None, auto_shard_dataset: bool = True
    ) -> None:
        if not isinstance(device_mesh, DeviceMesh):
            raise ValueError(
                f"Expect `mesh` to be an instance of `DeviceMesh`. Received: mesh={device_mesh!r} (of type "
                f"{type(device_mesh)})."
            )
        self._device_mesh: DeviceMesh = device_mesh
        self._batch_dim_name = batch_dim_name or device_mesh.axis_names[0]
        self._auto_shard_dataset = auto_shard_dataset
        if self._batch_dim_name not in device_mesh.axis_names:
            raise ValueError(
                f"`batch_dim_name` {batch_dim_name!r} is no axis of the mesh, which has "
                f"{', '.join(map(repr, device_mesh.axis_names))}."
            )

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh."""
        return self._device_mesh

    @property
    def batch_dim_name(self) -> str:
        """The axis of the mesh that divides the rows of batches."""
        return self._batch_dim_name

    @property
    def auto_shard_dataset(self) -> bool:
        """Whether every process is given the same data."""
        return self._auto_shard_dataset

    @auto_shard_dataset.setter
    def auto_shard_dataset(self, value: bool) -> None:
        self._auto_shard_dataset = value

    @property
    def num_model_replicas(self) -> int:
        """Into how many parts a batch is divided: as many copies of the model there are."""
        return self._device_mesh.size_of(self._batch_dim_name)

    @property
    def num_processes(self) -> int:
        """How many processes there are."""
        return real_kernel().spread.processes()[1]

    @property
    def _spans_processes(self) -> bool:
        """Whether the mesh has devices of several processes."""
        spread = real_kernel().spread
        return len({spread.rank_of(name) for name in self._device_mesh.devices.ravel().tolist()}) > 1

    @property
    def data_shard_id(self) -> int:
        """Which part of the data this process reads, of `num_data_shards`."""
        rank = real_kernel().spread.processes()[0]
        return next((i for i, ranks in enumerate(self._readers()) if rank in ranks), 0)

    @property
    def num_data_shards(self) -> int:
        """Into how many parts the data is divided that processes read: processes that compute on the same rows read the same.

        A source of one's own is told its part by this number and `data_shard_id`: `rows[shard::count]`.
        """
        return len(self._readers())

    def _readers(self) -> list[frozenset[int]]:
        """The processes that read the same rows, in the order of those in a batch."""
        spread = real_kernel().spread
        if spread.processes()[1] == 1:
            return [frozenset((0,))]
        grid = self._device_mesh.devices
        axis = self._device_mesh.axis_names.index(self._batch_dim_name)
        rows: list[frozenset[int]] = []
        for i in range(grid.shape[axis]):
            ranks = frozenset(spread.rank_of(name) for name in grid.take(i, axis).ravel().tolist())
            if not rows or rows[-1] != ranks:
                rows.append(ranks)
        return rows

    # -- layouts -----------------------------------------------------------------------------------------------------

    def get_data_layout(self, data_shape: Sequence[int | None]) -> TensorLayout:
        """The layout of an array of a batch.

        Args:
            data_shape: Its shape, rows first.
        """
        axes = [self._batch_dim_name, *[None] * (len(data_shape) - 1)] if len(data_shape) else []
        return TensorLayout(axes, self._device_mesh)

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a variable.

        Args:
            variable: A Variable.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `get_variable_layout(variable)`.")

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of what a layer gives; None leaves it to the compiler.

        Args:
            path: The layer's path and "/output".
        """
        return None

    def _whole(self, variable: Any) -> TensorLayout:
        return TensorLayout([None] * len(variable.shape), self._device_mesh)

    # -- in force ----------------------------------------------------------------------------------------------------

    def scope(self) -> AbstractContextManager[None]:
        """A block in which this distribution is in force in the thread."""
        return distributed(self)

    def distribute_dataset(self, dataset: Any) -> Any:
        """Refused: `fit` takes data sets as they are, and each process takes its own rows of every batch."""
        raise NotImplementedError(
            "`distribute_dataset` is not needed: give the data set to `fit`, `evaluate` or `predict` as it is. Each process "
            "takes its own rows of every batch; with auto_shard_dataset=False it is given its own rows only."
        )

    def distribute_tf_dataset(self, dataset: Any) -> Any:
        """Refused, as `distribute_dataset`."""
        return self.distribute_dataset(dataset)

    gathers_again = False  # whether weights that were gathered are gathered once more for the gradient

    # -- in steps ------------------------------------------------------------------------------------------------------

    @property
    def _takes_part(self) -> bool:
        """Whether layer calls inside a step have to ask it."""
        return False

    def lays_out(self, layer: Any) -> bool:
        """Whether it has a layout for what a layer gives."""
        return self.get_tensor_layout(f"{layer.path}/output") is not None

    def lay_out(self, layer: Any, outputs: Any) -> Any:
        """What a layer gave, laid out."""
        layout = self.get_tensor_layout(f"{layer.path}/output")
        if layout is None:
            return outputs
        k = real_kernel()
        what = f"The output of layer {layer.path!r}"
        one = lambda x: k.put(x, placement=layout.placement(tuple(x.shape), what))
        return map_leaves(lambda x: one(x) if isinstance(x, k.Tensor) else x, outputs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} device_mesh={self._device_mesh}>"


def _mesh_of(device_mesh: Any, devices: Any, name: str = "batch") -> Any:
    if device_mesh is not None:
        return device_mesh
    found = list_devices() if devices is None else [str(d) for d in devices]
    return DeviceMesh((len(found),), [name], found)


class DataParallel(Distribution):
    """Each device has all weights and computes on its part of every batch.

    Args:
        device_mesh: The mesh. The batch is divided along its first axis.
        devices: Instead of a mesh the names of the devices; all that there are by default.
        auto_shard_dataset: See `Distribution`.

    Raises:
        ValueError: if the mesh is none.

    Example:
        >>> import lamina
        >>> parallel = lamina.distribution.DataParallel(devices=["cpu:0"])
        >>> parallel.get_data_layout((32, 10)).axes
        ('batch', None)
    """

    def __init__(
        self, device_mesh: DeviceMesh | None = None, devices: Any = None, auto_shard_dataset: bool = True
    ) -> None:
        super().__init__(_mesh_of(device_mesh, devices), auto_shard_dataset=auto_shard_dataset)
        if len(self._device_mesh.shape) > 1:
            warnings.warn(
                f"DataParallel: the mesh has {len(self._device_mesh.shape)} axes; batches are divided along the first one, "
                f"{self._batch_dim_name!r}, only, so devices along the others compute the same.",
                stacklevel=2,
            )

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        return variable.layout if variable.layout is not None else self._whole(variable)


class ModelParallel(Distribution):
    """Weights are divided over devices as a LayoutMap says, batches along one axis of the mesh.

    Args:
        layout_map: A `LayoutMap`. Or "auto": of each weight the largest axis that divides is divided along the last axis
            of the mesh; then `device_mesh` is needed.
        batch_dim_name: The axis of the mesh that divides batches; the first one by default.
        auto_shard_dataset: See `Distribution`.
        **kwargs: `device_mesh`, which the map has already as a rule.

    Raises:
        ValueError: if the map is none, has no mesh, or names another mesh.

    Example:
        >>> import lamina
        >>> mesh = lamina.distribution.DeviceMesh((1, 1), ["batch", "model"], ["cpu:0"])
        >>> layouts = lamina.distribution.LayoutMap(mesh)
        >>> layouts["dense.*/kernel"] = (None, "model")
        >>> parallel = lamina.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")
    """

    def __init__(
        self,
        *,
        layout_map: Any = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ) -> None:
        mesh = kwargs.pop("device_mesh", None)
        if kwargs:
            raise TypeError(f"ModelParallel got unknown arguments: {', '.join(kwargs)}.")
        if layout_map is None:
            raise ValueError(
                "You must specify a layout_map argument: ModelParallel(layout_map=LayoutMap(mesh))."
            )
        if layout_map != "auto" and not isinstance(layout_map, LayoutMap):
            raise ValueError(
                f"Argument `layout_map` must be a `LayoutMap` instance, or 'auto'. Received: layout_map={layout_map!r}"
            )
        own: Any = None if layout_map == "auto" else layout_map.device_mesh
        if mesh is not None and own is not None and mesh != own:
            raise ValueError(f"ModelParallel: `device_mesh` {mesh!r} is not that of the layout map, {own!r}.")
        if mesh is None and own is None:
            raise ValueError("ModelParallel needs a mesh: LayoutMap(mesh), or `device_mesh`.")
        super().__init__(mesh if mesh is not None else own, batch_dim_name, auto_shard_dataset)
        self._layout_map: LayoutMap | None = None if layout_map == "auto" else layout_map

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        if self._layout_map is None:
            if variable.layout is not None:
                return variable.layout
            return TensorLayout(
                largest_axis(variable.shape, self._device_mesh, self._others()), self._device_mesh
            )
        found = self._layout_map[variable.path]
        if found is None and variable._follows is not None and variable._follows.shape == variable.shape:
            found = self.get_variable_layout(variable._follows)
        if found is None:
            found = variable.layout
        if found is None:
            return self._whole(variable)
        if found.device_mesh is None:
            found.device_mesh = self._device_mesh
        return found

    def _others(self) -> str:
        """The last axis of the mesh that is not the batch's."""
        return next(
            (n for n in reversed(self._device_mesh.axis_names) if n != self._batch_dim_name),
            self._batch_dim_name,
        )

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        return None if self._layout_map is None else self._layout_map[path]

    @property
    def _takes_part(self) -> bool:
        return self._layout_map is not None and any("output" in key for key in self._layout_map)


class FullyShardedDataParallel(Distribution):
    """Each device has a part of every weight, of its gradient and of the optimizer's state, and of every batch.

    A weight is gathered where a layer reads it, and its gradient is divided again, so no device holds more than the
    weights of the layers at work: memory for 1/p of the state, for half as much communication again as `DataParallel`.

    Args:
        device_mesh: The mesh. Weights and batches are divided along its first axis.
        devices: Instead of a mesh the names of the devices; all that there are by default.
        layout: "auto": of each weight the largest axis that divides is divided. Or a `LayoutMap` for those that it names.
        min_size: Weights of fewer entries are whole on each device.
        reshard_after_forward: Whether weights are gathered once more for the gradient. False keeps what was gathered: more
            memory for less communication.
        auto_shard_dataset: See `Distribution`.

    Raises:
        ValueError: for another `layout`.

    Example:
        >>> import lamina
        >>> sharded = lamina.distribution.FullyShardedDataParallel(devices=["cpu:0"])
        >>> sharded.num_model_replicas
        1

    Reference:
        Rajbhandari et al., 2020: ZeRO: Memory Optimizations Toward Training Trillion Parameter Models,
        https://arxiv.org/abs/1910.02054
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Any = None,
        layout: Any = "auto",
        min_size: int = 1024,
        reshard_after_forward: bool = True,
        auto_shard_dataset: bool = True,
    ) -> None:
        super().__init__(_mesh_of(device_mesh, devices), auto_shard_dataset=auto_shard_dataset)
        if layout != "auto" and not isinstance(layout, LayoutMap):
            raise ValueError(
                f"FullyShardedDataParallel: `layout` must be 'auto' or a LayoutMap, got {layout!r}."
            )
        self.layout: Any = layout
        self.min_size = min_size
        self.reshard_after_forward = self.gathers_again = reshard_after_forward

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        if variable.layout is not None and variable.layout.device_mesh == self._device_mesh:
            return variable.layout
        named: TensorLayout | None = None if self.layout == "auto" else self.layout[variable.path]
        size = 1
        for n in variable.shape:
            size *= n
        if named is not None:
            axes: Sequence[Any] = named.axes
        elif size < self.min_size:
            axes = ()
        else:
            axes = largest_axis(variable.shape, self._device_mesh, self._batch_dim_name)
        if not any(axes):
            return self._whole(variable)
        return TensorLayout.gathered(axes, self._device_mesh, self.reshard_after_forward)

    @property
    def _takes_part(self) -> bool:
        return True


def largest_axis(shape: Sequence[int], mesh: DeviceMesh, name: str) -> list[str | None]:
    """The layout that divides the largest axis that divides along an axis of a mesh; of equals the last one."""
    parts = mesh.size_of(name)
    fitting = [i for i, n in enumerate(shape) if n and n % parts == 0]
    best = max(fitting, key=lambda i: (shape[i], i), default=None)
    return [name if i == best else None for i in range(len(shape))]
