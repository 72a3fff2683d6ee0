"""Checkpoints in parts, by `torch.distributed.checkpoint`: each process writes what it holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch.distributed as group


def write(folder: str, tensors: Mapping[str, Any]) -> Callable[[], None]:
    """Begin to write tensors; gives what waits until all processes have written theirs.

    Args:
        folder: Where; it is there, or made.
        tensors: By name; the same names in each process.
    """
    from torch.distributed.checkpoint.state_dict_saver import async_save

    alone = not (group.is_available() and group.is_initialized())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that a process is alone, and that it is an experiment
        written = async_save(
            {name: _own(x) for name, x in tensors.items()},
            storage_writer=_writer(folder),
            process_group=None if alone else _talk(),
            no_dist=alone,
        )
    return lambda: _wait(written)


def _wait(written: Any) -> None:
    getattr(written, "upload_completion", written).result()


def _own(x: Any) -> Any:
    """The tensor as it is now: what lies on the host is not copied by torch, and the next step writes to it."""
    x = x.detach()
    return x.clone() if x.device.type == "cpu" else x


def _writer(folder: str) -> Any:
    from torch.distributed.checkpoint.filesystem import FileSystemWriter
    from torch.distributed.checkpoint.metadata import StorageMeta

    class Writer(FileSystemWriter):
        def storage_meta(self) -> StorageMeta:
            return StorageMeta(save_id=self.save_id)  # without it the file tells whose folder it was

    return Writer(folder, sync_files=True)


@lru_cache(maxsize=1)
def _talk() -> Any:
    """Processes agree about files beside training, whose messages must not come in between."""
    return group.new_group(backend="gloo")
