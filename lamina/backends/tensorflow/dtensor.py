"""Tensors on several devices: TensorFlow's DTensor, which divides a program and puts in what must be exchanged."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.experimental import dtensor

from lamina.backends import process
from lamina.backends.rendezvous import addresses_of_all
from lamina.kernel import contract
from lamina.kernel.contract import Placement

Layout: Any = dtensor.Layout  # which its stub takes for a class without anything


class Spread(contract.Spread):
    """TensorFlow's meshes and DTensors; several processes by its servers, which exchange what collectives need."""

    regrids = False
    stacks_apart = False  # a program of other shapes has other collectives
    runs_as_written = False

    def native(self, placement: Placement, /) -> Any:
        return _layout(placement, len(placement.axes))

    def mesh(self, placement: Placement, /) -> Any:
        return _mesh(placement.sizes, placement.names, placement.devices)

    def constrain(self, x: Any, placement: Placement, /) -> Any:
        return _laid(x, _layout(placement, x.shape.rank))

    def gather(self, x: Any, placement: Placement, /) -> Any:
        return _laid(x, _layout(placement.whole, x.shape.rank))

    def join(
        self,
        address: str | None,
        processes: int | None,
        rank: int | None,
        addresses: Sequence[str] = (),
        /,
    ) -> None:
        if (address, processes, rank) == (None, None, None):
            return  # nobody started several
        if address is None or processes is None or rank is None:
            raise ValueError(
                "On TensorFlow, several processes need an address to meet at, their number and the number of this one; got "
                f"{address!r}, {processes!r}, {rank!r}."
            )
        found = list(addresses)
        if len(set(found)) != processes:
            found = addresses_of_all(address, processes, rank)
        process.tensorflow_cluster(found, rank)
        _started("initialize", lambda: dtensor.initialize_accelerator_system(_kind().upper()))
        _group.rank, _group.count = rank, processes

    def processes(self) -> tuple[int, int]:
        return _group.rank, _group.count

    def opened(self) -> list[str] | None:
        if not tf.distribute.has_strategy():
            return None
        strategy = tf.distribute.get_strategy()
        if strategy.num_replicas_in_sync == 1:
            return None
        if not isinstance(strategy, tf.distribute.MirroredStrategy):
            raise contract.BackendError(
                f"compile: in the scope of {type(strategy).__name__}. Of TensorFlow's strategies Lamina knows MirroredStrategy. In "
                "place of others call lamina.distribution.initialize() right after the imports (it reads TF_CONFIG, too), and then "
                "lamina.distribution.set_distribution(lamina.distribution.DataParallel())."
            )
        found = [tf.DeviceSpec.from_string(name) for name in strategy.extended.worker_devices]
        return [f"{spec.device_type.lower()}:{spec.device_index}" for spec in found]

    def rank_of(self, device: str, /) -> int:
        return _specs()[device].task if _group.count > 1 else 0

    def collect(self, x: Any, /) -> np.ndarray:
        x = np.asarray(x)
        if _group.count == 1:
            return x[None]
        names = [n for n in devices(None) or () if _specs()[n].device_index == 0]
        grid = Placement((_group.count,), ("process",), tuple(names))
        # as numbers of one kind, whatever is collected: not every dtype has a collective
        mine = np.frombuffer(x.tobytes(), np.uint8).astype(np.int32)
        stacked = placed(_Own(mine, _group), None, grid._replace(axes=("process",)))
        every = to_numpy(stacked).astype(np.uint8)
        return np.stack([np.frombuffer(row.tobytes(), x.dtype).reshape(x.shape) for row in every])

    def broken(self, error: Exception, /) -> bool:
        if isinstance(error, tf.errors.UnavailableError | tf.errors.DeadlineExceededError):
            return True  # of a collective that was aborted, and of the service by which processes know each other
        return isinstance(error, tf.errors.OpError) and bool(_BROKEN.search(str(error)))

    def own_parts(self, x: Any, /) -> list[tuple[tuple[int, ...], np.ndarray]]:
        x = x.value() if isinstance(x, tf.Variable) else x
        layout = dtensor.fetch_layout(x)
        among = [name for name in layout.mesh.dim_names if name not in layout.sharding_specs]
        places = layout.mesh.local_device_locations()
        parts = zip(places, _parts(tuple(x.shape), layout), dtensor.unpack(x), strict=True)
        return [
            (tuple(begin for begin, _ in bounds), part.numpy())
            for place, bounds, part in parts
            if not any(place[name] for name in among)  # else another device has the same
        ]


# words of NCCL and gRPC, where the kind of the error does not tell
_BROKEN = re.compile(
    r"nccl|connection (reset|closed|refused)|broken pipe|socket closed|heartbeat|coordination service",
    re.IGNORECASE,
)


class _Group:
    """Which of several processes this is."""

    rank, count = 0, 1


_group = _Group()


class _Own:
    """One row for each process, of which this one has its own."""

    def __init__(self, row: np.ndarray, group: _Group) -> None:
        self.row, self.dtype, self.shape = row, row.dtype, (group.count, *row.shape)

    def __getitem__(self, index: tuple[slice, ...]) -> np.ndarray:
        return self.row[None]


def _started(what: str, start: Callable[[], Any]) -> None:
    try:
        start()
    except (RuntimeError, ValueError) as error:
        if "initialized" not in str(error):
            raise
        raise RuntimeError(
            f"{what}: TensorFlow has computed something already, and then it can no longer become one of several processes. Call "
            "lamina.distribution.initialize() first of all, right after the imports."
        ) from error


def refuse_replica() -> None:
    """Each replica of a strategy would change the variable by its own rows alone."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        raise contract.BackendError(
            "A variable is changed inside strategy.run, where each replica has its own rows, and nothing brings their gradients "
            "together. Write the step as `train_step` of a model and call `fit` (in the scope of a MirroredStrategy, or under "
            "lamina.distribution.DataParallel): there a step sees the whole batch."
        )


# -- devices -------------------------------------------------------------------------------------------------------------


def _kind() -> str:
    return "gpu" if tf.config.list_physical_devices("GPU") else "cpu"


def devices(kind: str | None) -> list[str] | None:
    """The devices of all processes; None where there is one process."""
    if _group.count == 1:
        return None
    wanted = {"cuda": "gpu"}.get((kind or _kind()).lower(), (kind or _kind()).lower())
    return [name for name in _specs() if name.startswith(f"{wanted}:")]


def _specs() -> dict[str, Any]:
    """The device of each name: numbered over all processes, by kind."""
    found: dict[str, Any] = {}
    kinds: dict[str, int] = {}
    whole = {"job": "localhost", "replica": 0, "task": 0}  # what names lack where there is one process
    specs = [tf.DeviceSpec.from_string(d.name) for d in tf.config.list_logical_devices()]
    if _group.count == 1:
        specs = [spec.replace(**whole) for spec in specs]
    for spec in sorted(specs, key=lambda d: (d.task, d.device_index)):
        kind = spec.device_type.lower()
        number = kinds.get(kind, 0)
        kinds[kind] = number + 1
        found[f"{kind}:{number}"] = spec
    return found


@lru_cache(maxsize=256)
def _mesh(sizes: Sequence[int], names: Sequence[str], devices: Sequence[str]) -> Any:
    known = _specs()
    missing = [name for name in devices if name not in known]
    if missing:
        raise ValueError(f"No device {missing[0]!r}. TensorFlow sees: {', '.join(known)}.")
    kinds = {name.partition(":")[0] for name in devices}
    if len(kinds) > 1:
        raise ValueError(f"On TensorFlow the devices of a mesh are of one kind, got {', '.join(devices)}.")
    if _group.count == 1 and _kind() == "gpu":
        _settle_accelerators()
    ids = np.arange(len(devices)).reshape(sizes)
    specs = [known[name] for name in devices]
    mine = [i for i, spec in enumerate(specs) if (spec.task or 0) == _group.rank]
    if not mine:
        raise ValueError(f"Process {_group.rank} has no device in the mesh of {', '.join(devices)}.")
    return dtensor.Mesh(
        dim_names=list(names), global_device_ids=ids, local_device_ids=mine,
        local_devices=[specs[i].to_string() for i in mine], global_devices=[s.to_string() for s in specs],
    )  # fmt: skip


@lru_cache(maxsize=1)
def _settle_accelerators() -> None:
    _started("A mesh", lambda: dtensor.initialize_accelerator_system("GPU"))


@lru_cache(maxsize=4096)
def _layout(placement: Placement, rank: int) -> Any:
    axes = [*placement.axes, *[None] * rank][:rank]
    for axis in axes:
        if isinstance(axis, tuple) and len(axis) > 1:
            raise contract.BackendError(
                f"TensorFlow divides an axis of a tensor along one axis of the mesh, not along {', '.join(map(repr, axis))}. Make "
                "a mesh in which they are one axis."
            )
    names = [axis[0] if isinstance(axis, tuple) and axis else axis or dtensor.UNSHARDED for axis in axes]
    return Layout(names, _mesh(placement.sizes, placement.names, placement.devices))


# -- tensors -------------------------------------------------------------------------------------------------------------


def is_spread(x: Any) -> bool:
    """Whether a tensor lies on several devices; of a symbolic one nobody knows."""
    return in_use() and isinstance(x, tf.Tensor) and not tf.is_symbolic_tensor(x) and dtensor.is_dtensor(x)


def in_use() -> bool:
    """Whether there is a mesh."""
    return _mesh.cache_info().currsize > 0


def placed(x: Any, dtype: str | None, placement: Placement) -> Any:
    """A tensor on the devices of a placement.

    Args:
        x: A tensor, or anything of a shape whose parts are read by slices: each process reads the parts of its own devices.
        dtype: The name of the dtype; that of x when None.
        placement: Where its parts are to lie.
    """
    layout = _layout(placement, len(x.shape))
    if isinstance(x, tf.Tensor):
        x = x if dtype is None or x.dtype.name == dtype else tf.cast(x, dtype)
        if tf.is_symbolic_tensor(x) or is_spread(x):
            return _laid(x, layout)
        x = x.numpy()
    made: dict[Any, Any] = {}
    parts = []
    for index in _parts(tuple(x.shape), layout):
        if index not in made:
            part = np.asarray(x[tuple(slice(*one) for one in index)])
            made[index] = tf.convert_to_tensor(
                part if dtype is None else part.astype(tf.as_dtype(dtype).as_numpy_dtype)
            )
        parts.append(made[index])
    return dtensor.pack(parts, layout)


def _parts(shape: tuple[int, ...], layout: Any) -> list[tuple[tuple[int, int], ...]]:
    """For each device of this process the bounds of its part along each axis."""
    found = []
    for place in layout.mesh.local_device_locations():
        bounds = []
        for n, name in zip(shape, layout.sharding_specs, strict=True):
            if name == dtensor.UNSHARDED:
                bounds.append((0, n))
            else:
                each = n // layout.mesh.dim_size(name)
                bounds.append((place[name] * each, (place[name] + 1) * each))
        found.append(tuple(bounds))
    return found


def _laid(x: Any, layout: Any) -> Any:
    if is_spread(x):
        before = dtensor.fetch_layout(x)
        if before == layout:
            return x
        if before.mesh != layout.mesh:
            whole = to_numpy(x)
            return dtensor.pack(
                [whole[tuple(slice(*one) for one in index)] for index in _parts(whole.shape, layout)], layout
            )
    return dtensor.relayout(x, layout)


def to_numpy(x: Any) -> np.ndarray:
    """All of a tensor on several devices, for which every process must ask."""
    return taken(x).numpy()


def variable(value: Any, dtype: str, placement: Placement, trainable: bool) -> Any:
    """A variable on the devices of a placement."""
    return dtensor.DVariable(placed(value, dtype, placement), trainable=trainable, dtype=dtype)


DVariable = dtensor.DVariable


def read(storage: Any) -> Any:
    """The value of a variable: in a program as it lies, outside of one whole on one device.

    An operation outside of a program takes no tensors of both kinds, so there are none of several devices.
    """
    trace = _tracing.trace
    if tf.executing_eagerly() or trace is None:
        return taken(storage.value())
    if trace.mesh is None:
        trace.mesh = storage.layout.mesh
    written = trace.written.get(id(storage))
    return storage.value() if written is None else _read_after_write(storage.value(), written[1])


@tf.custom_gradient
def _read_after_write(before: Any, value: Any) -> tuple[Any, Callable]:
    """What was written, as the value of a variable whose gradient is asked for by its handle."""
    return tf.identity(value), lambda upstream: (upstream, None)


def write(storage: Any, value: Any) -> None:
    """A new value: in a program it is one more result, which is assigned when the program has run.

    TensorFlow divides a program without the order of what it reads of a variable and what it writes to it.
    """
    trace = _tracing.trace
    if tf.executing_eagerly() or trace is None:
        storage.assign(value if is_spread(value) else on_mesh(value, storage.layout.mesh))
        return
    if value.graph is not trace.graph:
        raise contract.BackendError(
            "On several devices TensorFlow changes no variable inside a loop, or a branch of tf.cond (`lamina.ops.cond` may). Let it "
            "give the value, and assign that outside."
        )
    trace.written[id(storage)] = storage, value


def like(value: Any, storage: Any) -> Any:
    """A value in a program, lying as a variable does."""
    return dtensor.relayout(value, storage.layout)


# -- programs ------------------------------------------------------------------------------------------------------------


class Trace:
    """A program that is being traced.

    Args:
        mesh: The mesh that it is for; None until a variable tells, and for programs of one device.
        around: The program that this one is a branch of.
    """

    def __init__(self, mesh: Any, around: Trace | None = None) -> None:
        self.mesh, self.graph = mesh, tf.compat.v1.get_default_graph()
        self._before = {} if around is None else around.written
        self.written: dict[int, tuple[Any, Any]] = dict(self._before)  # by id: a variable and its new value

    def own(self) -> list[Any]:
        """The variables that are written here, and not around it."""
        return [v for key, (v, value) in self.written.items() if not self._had(key, value)]

    def _had(self, key: int, value: Any) -> bool:
        return key in self._before and self._before[key][1] is value

    def value_of(self, storage: Any, before: Any) -> Any:
        """What a variable is to hold afterwards."""
        found = self.written.get(id(storage))
        return before if found is None or self._had(id(storage), found[1]) else found[1]


class _Tracing(threading.local):
    def __init__(self) -> None:
        self.trace: Trace | None = None


_tracing = _Tracing()


@contextmanager
def tracing(mesh: Any) -> Iterator[Trace]:
    """Inside, in the graph of a program, this program is traced."""
    before, _tracing.trace = _tracing.trace, Trace(mesh)
    try:
        yield _tracing.trace
    finally:
        _tracing.trace = before


@contextmanager
def inside() -> Iterator[Trace]:
    """Inside, what a branch writes is kept for who chooses one."""
    before = _tracing.trace
    assert before is not None
    _tracing.trace = Trace(before.mesh, before)
    try:
        yield _tracing.trace
    finally:
        _tracing.trace = before


def mesh_in_force() -> Any:
    """The mesh that the program being traced is for; None for one device."""
    return None if _tracing.trace is None else _tracing.trace.mesh


def mesh_of(tensors: Sequence[Any]) -> Any:
    """The mesh of the first of the tensors that lies on one."""
    if not in_use():
        return None
    return next((dtensor.fetch_layout(x).mesh for x in tensors if is_spread(x)), None)


def on_mesh(x: Any, mesh: Any) -> Any:
    """A tensor of one device, whole on each of a mesh."""
    return x if is_spread(x) else dtensor.copy_to_mesh(x, Layout.replicated(mesh, x.shape.rank))


def select(condition: Any, x1: Any, x2: Any) -> Any:
    """`tf.where`; in a program for several devices with a condition of as many axes as the result, see `check`."""
    if mesh_in_force() is None:
        return tf.where(condition, x1, x2)
    shape = tf.broadcast_static_shape(tf.broadcast_static_shape(condition.shape, x1.shape), x2.shape)
    if condition.shape.rank < shape.rank:
        condition = tf.broadcast_to(condition, shape)
    return tf.where(condition, x1, x2)


def without_axes(x: Any, axes: list[int]) -> Any:
    """`tf.squeeze`; DTensor has it wrong where the result is divided and x is not.

    Args:
        x: A tensor.
        axes: Axes of one entry, counted from the front.
    """
    if mesh_in_force() is None or not x.shape.is_fully_defined():
        return tf.squeeze(x, axes)
    return tf.reshape(x, [n for axis, n in enumerate(x.shape) if axis not in axes])


def check(graph: Any) -> None:
    """That dividing a program does not end the process.

    TensorFlow 2.21 dies of a slice with a new axis whose key does not name all axes, and of a choice whose condition has
    fewer axes than the result.

    Raises:
        BackendError: if it would.
    """
    for node in graph.get_operations():
        if node.type == "SelectV2" and (node.inputs[0].shape.rank or 0) < (node.outputs[0].shape.rank or 0):
            raise contract.BackendError(
                "On several devices tf.where takes a condition with as many axes as its result; got one of shape "
                f"{node.inputs[0].shape} for {node.outputs[0].shape}. Use lamina.ops.where, or tf.broadcast_to on the condition."
            )
        if node.type != "StridedSlice" or not node.get_attr("new_axis_mask"):
            continue
        named, rank = node.inputs[1].shape[0], node.inputs[0].shape.rank
        new = node.get_attr("new_axis_mask").bit_count()
        if (
            not node.get_attr("ellipsis_mask")
            and named is not None
            and rank is not None
            and named - new < rank
        ):
            raise contract.BackendError(
                "On several devices TensorFlow cannot add an axis by a key that leaves axes out, such as x[:, None] of a matrix. "
                "Write x[:, None, :], x[:, None, ...] or lamina.ops.expand_dims(x, 1)."
            )


@contextmanager
def telling() -> Iterator[None]:
    """Inside, a program runs on several devices: what TensorFlow cannot divide is told in words."""
    try:
        yield
    except (tf.errors.UnknownError, tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
        text = str(error)
        if not any(word in text for word in ("layout", "DTensor", "SPMD", "sharding")):
            raise
        found = re.search(r"error: (.*)", text)
        words = found[1] if found else text.split("\n", 1)[0]
        raise contract.BackendError(
            f"TensorFlow cannot divide an operation of this program over several devices: {words[:300]} jax divides every "
            "operation (LAMINA_BACKEND=jax); or train on one device."
        ) from error


def whole(y: Any) -> Any:
    """A result of a program: all of it on each device."""
    mesh = mesh_in_force()
    if mesh is None or not isinstance(y, tf.Tensor) or not tf.is_symbolic_tensor(y):
        return y
    return dtensor.relayout(y, Layout.replicated(mesh, y.shape.rank))


def taken(x: Any) -> Any:
    """A tensor, from several devices to one."""
    if not is_spread(x):
        return x
    layout = dtensor.fetch_layout(x)
    if not layout.is_fully_replicated():
        x = dtensor.relayout(x, Layout.replicated(layout.mesh, x.shape.rank))
    return dtensor.unpack(x)[0]


def as_on_one_device(draw: Any) -> Any:
    """A random draw in a program: all of it on each device, so that its numbers are those of one device."""
    return whole(draw)
