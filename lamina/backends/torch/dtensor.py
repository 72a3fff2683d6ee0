"""Tensors on several devices: DTensor, one device for each process. Operations on its parts put in what must be exchanged."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.distributed as group
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from lamina.backends import process
from lamina.backends.torch import checkpoint
from lamina.backends.torch._support import DTYPES, is_spread
from lamina.backends.torch.array import asarray, from_numpy, to_numpy
from lamina.kernel import contract
from lamina.kernel.contract import JOINING, Placement


class Spread(contract.Spread):
    """torch's device meshes and DTensors; processes by `torch.distributed`.

    A tensor that is no DTensor is the same in every process, and counts as whole where it meets one.
    """

    regrids = False
    checkpoints = "dcp"
    workers = ("ray.train.torch", "TorchTrainer")

    def native(self, placement: Placement, /) -> Sequence[Any]:
        return placements(placement)

    def mesh(self, placement: Placement, /) -> Any:
        return _mesh(placement.sizes, placement.names, placement.devices)

    def constrain(self, x: Any, placement: Placement, /) -> Tensor:
        return _laid(x, placement)

    def gather(self, x: Any, placement: Placement, /) -> Tensor:
        return _laid(x, placement.whole)

    def join(
        self, address: str | None, processes: int | None, rank: int | None, addresses: Sequence[str] = (), /
    ) -> None:
        if _joined():  # by who started this process
            if torch.cuda.is_available():
                torch.cuda.set_device(group.get_rank() % torch.cuda.device_count())
            return
        if (address, processes, rank) == (None, None, None):
            return  # nobody started several
        if address is None or processes is None or rank is None:
            raise ValueError(
                "On torch, several processes need an address to meet at, their number and the number of this one; got "
                f"{address!r}, {processes!r}, {rank!r}."
            )
        if torch.cuda.is_available():
            torch.cuda.set_device(rank % torch.cuda.device_count())
        kind = "nccl" if torch.cuda.is_available() else "gloo"
        # all have to come soon; what they compute together later may take longer
        found = rendezvous(f"tcp://{address}", rank, processes, timeout=timedelta(seconds=JOINING))
        store, _, _ = next(iter(found))
        # torchrun may keep the store when it starts a group again: what the last one wrote is not read
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = group.PrefixStore(f"lamina/{attempt}", store)  # pyright: ignore[reportPrivateImportUsage]
        group.init_process_group(kind, store=store, world_size=processes, rank=rank)
        process.at_end(_leave)

    def processes(self) -> tuple[int, int]:
        return (group.get_rank(), group.get_world_size()) if _joined() else (0, 1)

    def rank_of(self, device: str, /) -> int:
        return int(device.partition(":")[2] or 0) if _joined() else 0

    def collect(self, x: Any, /) -> np.ndarray:
        if not _joined():
            return np.asarray(x)[None]
        mine = np.array(x)
        found: list[Any] = [None] * group.get_world_size()
        group.all_gather_object(found, mine)
        return np.stack(found)

    def broken(self, error: Exception, /) -> bool:
        return isinstance(error, RuntimeError) and bool(_BROKEN.search(str(error)))

    def own_parts(self, x: Any, /) -> list[tuple[tuple[int, ...], np.ndarray]]:
        where, mesh = x.placements, x.device_mesh
        if any(mesh.get_local_rank(axis) for axis, p in enumerate(where) if not p.is_shard()):
            return []  # another process has the same
        begins = tuple(s.start for s in _own_part(tuple(x.shape), mesh, where))
        return [(begins, to_numpy(x.detach().to_local()))]

    def write_parts(self, folder: str, tensors: Mapping[str, Any], /) -> Callable[[], None]:
        return checkpoint.write(folder, tensors)


# gloo's words, NCCL's, and those of the store
_BROKEN = re.compile(
    r"gloo|nccl|connection (reset|closed|refused)|broken pipe|socket|timed out|DistStoreError", re.IGNORECASE
)


def _leave() -> None:
    """End the groups' own threads before the interpreter is gone: torch ends the process when it finds one afterwards."""
    if _joined():
        group.destroy_process_group()


def _joined() -> bool:
    return group.is_available() and group.is_initialized()


def devices(kind: str | None) -> list[str] | None:
    """The devices of all processes, one each; None where there is one process."""
    if not _joined() or group.get_world_size() == 1:
        return None
    own = "gpu" if group.get_backend() == "nccl" else "cpu"
    wanted = {"cuda": "gpu"}.get((kind or own).lower(), (kind or own).lower())
    return [f"{own}:{i}" for i in range(group.get_world_size())] if wanted == own else []


def like(x: Tensor, other: Tensor) -> Tensor:
    """x, lying as another tensor does."""
    if not is_spread(other) or not is_spread(x):
        return x
    return x if x.placements == other.placements else x.redistribute(other.device_mesh, other.placements)  # type: ignore[attr-defined]


def placed(x: Any, dtype: Any, placement: Placement, copy: bool = False) -> Tensor:
    """A tensor on the devices of a placement.

    Args:
        x: A tensor, or anything of a shape whose parts are read by slices: each process reads its own part alone.
        dtype: The name of the dtype; that of x when None.
        placement: Where its parts are to lie.
        copy: Whether the result must have memory of its own.
    """
    if isinstance(x, Tensor):
        moved = _laid(x if dtype is None else x.to(DTYPES[dtype]), placement)
        return moved.clone() if copy and moved is x else moved
    from torch.distributed.tensor import DTensor

    process.mix_spread_tensors()
    mesh, where = _mesh(placement.sizes, placement.names, placement.devices), placements(placement)
    shape = tuple(x.shape)
    part = np.asarray(x[_own_part(shape, mesh, where)])
    local = from_numpy(part, dtype, copy=True) if part.dtype.name in DTYPES else asarray(part, dtype)
    local = local if dtype is None else local.to(DTYPES[dtype])
    strides = torch.empty(shape, device="meta").stride()
    return DTensor.from_local(
        local.to(mesh.device_type), mesh, where, run_check=False, shape=torch.Size(shape), stride=strides
    )


def _own_part(shape: tuple[int, ...], mesh: Any, where: Sequence[Any]) -> tuple[slice, ...]:
    """The slices of this process's part."""
    begin, size = [0] * len(shape), list(shape)
    for axis, placement in enumerate(where):
        if placement.is_shard():
            each = -(-size[placement.dim] // mesh.size(axis))
            at = min(mesh.get_local_rank(axis) * each, size[placement.dim])
            begin[placement.dim] += at
            size[placement.dim] = max(0, min(each, size[placement.dim] - at))
    return tuple(slice(b, b + n) for b, n in zip(begin, size, strict=True))


def _laid(x: Any, placement: Placement) -> Any:
    from torch.distributed.tensor import DTensor, Replicate

    process.mix_spread_tensors()
    mesh, where = _mesh(placement.sizes, placement.names, placement.devices), placements(placement)
    if not isinstance(x, DTensor):
        x = DTensor.from_local(x, mesh, [Replicate()] * mesh.ndim, run_check=False)
    elif x.device_mesh != mesh:
        x = DTensor.from_local(x.full_tensor(), mesh, [Replicate()] * mesh.ndim, run_check=False)
    return x if tuple(x.placements) == tuple(where) else x.redistribute(mesh, where)


@lru_cache(maxsize=4096)
def placements(placement: Placement) -> tuple[Any, ...]:
    """For each axis of the mesh what it does to a tensor."""
    from torch.distributed.tensor import Replicate, Shard

    axis_of: dict[str, int] = {}
    for i, names in enumerate(placement.axes):
        for name in (names,) if isinstance(names, str) else names or ():
            axis_of[name] = i
    return tuple(Shard(axis_of[name]) if name in axis_of else Replicate() for name in placement.names)


@lru_cache(maxsize=256)
def _mesh(sizes: Sequence[int], names: Sequence[str], devices: Sequence[str]) -> Any:
    from torch.distributed.device_mesh import DeviceMesh

    if not _joined():
        raise contract.BackendError(
            "On torch every device belongs to a process of its own. Call lamina.distribution.initialize() first, in each of "
            "several processes: `lamina launch --processes 2 script.py` starts them."
        )
    ranks = np.asarray([int(name.partition(":")[2] or 0) for name in devices]).reshape(sizes)
    if sorted(ranks.ravel().tolist()) != list(range(group.get_world_size())):
        raise ValueError(
            f"On torch a mesh has one device of each process; got {list(devices)} for {group.get_world_size()} processes."
        )
    kind = "cuda" if devices[0].startswith(("gpu", "cuda")) else "cpu"
    return DeviceMesh(kind, torch.from_numpy(ranks), mesh_dim_names=tuple(names))
