"""Checkpoints in parts, by `torch.distributed.checkpoint`: each process writes what it holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import torch.distributed as group


def write(folder: str, tensors: Mapping[str, Any]) -> Callable[[], None]:
    """Begin to write tensors; gives what waits until all processes have written theirs.

    Args:
        folder: Where; it is there, or made.
        tensors: By name; the same names in each process.
    """
    state = {name: _own(x) for name, x in tensors.items()}
    if not (group.is_available() and group.is_initialized()):
        return _by_one({name: x.cpu() for name, x in state.items()}, _writer(folder))
    from torch.distributed.checkpoint.state_dict_saver import async_save

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that it is an experiment
        written = async_save(state, storage_writer=_writer(folder), process_group=_talk())
    return lambda: _wait(written)


def _by_one(state: dict[str, Any], writer: Any) -> Callable[[], None]:
    """Of a process that is alone: step by step, since `async_save` warns in its thread that it is."""
    from torch.distributed.checkpoint.default_planner import DefaultSavePlanner

    def save() -> None:
        planner = DefaultSavePlanner()
        planner.set_up_planner(state, writer.storage_meta(), is_coordinator=True)
        writer.set_up_storage_writer(is_coordinator=True)
        plans, metadata = planner.create_global_plan([writer.prepare_local_plan(planner.create_local_plan())])
        plan = planner.finish_plan(writer.prepare_global_plan(plans)[0])
        writer.finish(metadata, [writer.write_data(plan, planner).wait()])

    thread = ThreadPoolExecutor(1, "lamina-checkpoint")
    written = thread.submit(save)
    thread.shutdown(wait=False)  # it ends when it has written
    return written.result


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
