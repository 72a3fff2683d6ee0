"""The devices that there are, and the processes that they belong to."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.core.devices import devices
from lamina.core.seeds import make_seed
from lamina.distribution.group import open_watch
from lamina.distribution.world import split, world
from lamina.errors import ProcessError
from lamina.kernel.context import real_kernel
from lamina.kernel.contract import JOINING


def list_devices(device_type: str | None = None) -> list[str]:
    """The devices of all processes that the backend in force sees.

    Args:
        device_type: "cpu", "gpu" or "tpu"; None for those that the backend computes on by default.

    Returns:
        Names such as "gpu:0".

    Raises:
        RuntimeError: if there are none of that kind.

    Example:
        >>> import lamina
        >>> lamina.distribution.list_devices("cpu")[0]
        'cpu:0'
    """
    found = devices(device_type)
    if not found:
        raise RuntimeError(
            f"There is no device of kind {device_type!r}. The backend computes on: {', '.join(devices())}."
        )
    return found


def get_device_count(device_type: str | None = None) -> int:
    """How many devices there are.

    Args:
        device_type: "cpu", "gpu" or "tpu"; None for those that the backend computes on by default.

    Returns:
        A number, at least 1.

    Raises:
        RuntimeError: if there are none of that kind.

    Example:
        >>> import lamina
        >>> lamina.distribution.get_device_count("cpu") >= 1
        True
    """
    return len(list_devices(device_type))


def initialize(
    job_addresses: str | None = None, num_processes: int | None = None, process_id: int | None = None
) -> None:
    """Make this process one of several that run the same script; call it before anything else of a framework.

    What is not given is read from the environment: `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `KERAS_DISTRIBUTION_NUM_PROCESSES` and
    `KERAS_DISTRIBUTION_PROCESS_ID`, else `TF_CONFIG`, what torchrun, a JobSet of Kubernetes, JAX, Slurm or Open MPI set; the rest is left
    to the framework to find out. Processes whose random seeds differ are given those of the first one, so that they begin
    with equal weights. Where the framework knows its processes already (Ray joins them, or the program itself did), it stays so.
    They watch each other from here on, so that the end of one is the end of all. `lamina launch` starts such processes on one
    machine.

    Args:
        job_addresses: Addresses "host:port" of the processes, separated by commas; the first is where they meet.
        num_processes: How many processes there are.
        process_id: The number of this one, from 0.

    Raises:
        RuntimeError: if the framework computed already, cannot start, or not all processes come within 300 seconds.
        ValueError: if a variable of the environment is not what it should be.

    Example:
        >>> import lamina
        >>> lamina.distribution.initialize("10.0.0.1:1234", 2, 0)  # doctest: +SKIP
    """
    found = world()
    addresses = split(job_addresses) if job_addresses else found.addresses
    address = addresses[0] if addresses else found.address
    count = found.processes if num_processes is None else num_processes
    rank = found.rank if process_id is None else process_id
    if count == 1:
        return
    spread = real_kernel().spread
    _join(spread, address, count, rank, addresses)
    if spread.processes()[1] > 1:
        open_watch(spread, address)
        _agree_on_seeds(spread)


def _join(
    spread: Any, address: str | None, count: int | None, rank: int | None, addresses: Sequence[str]
) -> None:
    try:
        spread.join(address, count, rank, addresses)
    except Exception as error:
        if not spread.broken(error):
            raise
        first = str(error).strip().split("\n", 1)[0][:300]
        raise ProcessError(
            f"initialize: process {rank} of {count} could not meet the others at {address}: in {JOINING} s not all of them "
            f"have come, or one has ended meanwhile ({first})."
        ) from error


def _agree_on_seeds(spread: Any) -> None:
    """Where processes would draw other numbers, all go on with a seed of the first one."""
    here = hashlib.sha256(repr(random.getstate()).encode()).digest()
    states = spread.collect(np.frombuffer(here, np.uint8))
    if (states == states[0]).all():
        return
    seeds = spread.collect(np.asarray(make_seed(), np.int32))
    random.seed(int(seeds[0]))
