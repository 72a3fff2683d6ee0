"""Who this process is among several: read from what the program that started them put into the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple


class World(NamedTuple):
    """One process of several that run the same script.

    Fields:
        address: Where the processes meet, "host:port"; None where the framework has to find out.
        processes: How many there are, or None.
        rank: The number of this one, from 0, or None.
        source: Who said so, for messages.
        addresses: The addresses of all processes, in their order, where somebody has said them; TensorFlow needs them, and
            finds them out by itself where they are missing.
    """

    address: str | None = None
    processes: int | None = None
    rank: int | None = None
    source: str = "arguments"
    addresses: tuple[str, ...] = ()


Environment = Mapping[str, str]


def world(env: Environment | None = None) -> World:
    """What the environment tells; the first of `READERS` that finds its variables is believed.

    Args:
        env: The variables; those of the process by default.

    Returns:
        A World, empty where no launcher is recognised.

    Raises:
        ValueError: if a variable is not what it should be.
    """
    env = os.environ if env is None else env
    for name, read in READERS.items():
        found = read(env)
        if found is not None:
            _check(found._replace(source=name))
            return found._replace(source=name)
    return World(source="nothing in the environment")


def _check(found: World) -> None:
    count, rank = found.processes, found.rank
    if count is not None and rank is not None and not 0 <= rank < count:
        raise ValueError(f"{found.source} says that this is process {rank} of {count}; they count from 0.")


def _number(env: Environment, name: str) -> int | None:
    given = env.get(name)
    if given is not None and not given.strip().isdigit():
        raise ValueError(f"{name} must be a number, got {given!r}.")
    return None if given is None else int(given)


def _own(env: Environment) -> World | None:
    names = [f"KERAS_DISTRIBUTION_{part}" for part in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")]
    if not any(name in env for name in names):
        return None
    addresses = split(env.get(names[0], ""))
    first = addresses[0] if addresses else None
    return World(first, _number(env, names[1]), _number(env, names[2]), addresses=addresses)


def split(addresses: str) -> tuple[str, ...]:
    """Addresses that are separated by commas."""
    return tuple([one.strip() for one in addresses.split(",") if one.strip()])


def _coordinator(env: Environment) -> World | None:
    if "JAX_COORDINATOR_ADDRESS" not in env or "JAX_PROCESS_ID" not in env:
        return None
    return World(
        env["JAX_COORDINATOR_ADDRESS"], _number(env, "JAX_NUM_PROCESSES"), _number(env, "JAX_PROCESS_ID")
    )


def _torchrun(env: Environment) -> World | None:
    if not {"MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK"} <= set(env):
        return None
    address = f"{env['MASTER_ADDR']}:{env['MASTER_PORT']}"
    return World(address, _number(env, "WORLD_SIZE"), _number(env, "RANK"))


def _tf_config(env: Environment) -> World | None:
    if "TF_CONFIG" not in env:
        return None
    try:
        given = json.loads(env["TF_CONFIG"])
        cluster, task = given["cluster"], given["task"]
        kinds = [kind for kind in ("chief", "worker") if cluster.get(kind)]
        addresses = [address for kind in kinds for address in cluster[kind]]
        before = len(cluster[kinds[0]]) if task["type"] != kinds[0] else 0
        rank = before + int(task["index"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            "TF_CONFIG must be JSON of the form {'cluster': {'worker': ['host:port', ...]}, 'task': {'type': 'worker', "
            f"'index': 0}}}}; got {env['TF_CONFIG']!r} ({type(error).__name__}: {error})."
        ) from None
    if task["type"] not in kinds:
        raise ValueError(
            f"TF_CONFIG says that this process is a {task['type']!r}; workers train together, and a chief with them. There are "
            "no parameter servers and no evaluators: start them with no TF_CONFIG, or leave them out."
        )
    return World(addresses[0], len(addresses), rank, addresses=tuple(addresses))


def _slurm(env: Environment) -> World | None:
    count, rank = _number(env, "SLURM_NTASKS"), _number(env, "SLURM_PROCID")
    nodes = env.get("SLURM_STEP_NODELIST") or env.get("SLURM_JOB_NODELIST")
    if count is None or rank is None or not nodes:
        return None  # inside `sbatch` but not started by `srun`: one process
    job = _number(env, "SLURM_JOB_ID") or 0
    return World(f"{first_host(nodes)}:{port_of(job)}", count, rank)


def _open_mpi(env: Environment) -> World | None:
    count, rank = _number(env, "OMPI_COMM_WORLD_SIZE"), _number(env, "OMPI_COMM_WORLD_RANK")
    if count is None or rank is None:
        return None
    uri = env.get("OMPI_MCA_orte_hnp_uri", "")  # 1531576320.0;tcp://10.96.0.1,10.148.0.1:34911
    host = re.search(r"tcp6?://\[?([^,;:\]]+)", uri)
    if host is None and _number(env, "OMPI_COMM_WORLD_LOCAL_SIZE") != count:
        return World(None, count, rank)
    job = int((re.match(r"\d+", uri) or [str(count)])[0])
    address = f"{host[1] if host else '127.0.0.1'}:{port_of(job)}"
    return World(address, count, rank)


def _job_set(env: Environment) -> World | None:
    index, each = _number(env, "JOB_COMPLETION_INDEX"), _number(env, "PROCESSES_IN_JOB")
    if index is None or each is None:
        return None
    jobs, job = _number(env, "JOBS_IN_SET") or 1, _number(env, "JOB_INDEX") or 0
    address = env.get("JAX_COORDINATOR_ADDRESS")
    if address is None and "JOBSET_NAME" in env:
        name, part = env["JOBSET_NAME"], env.get("REPLICATED_JOB_NAME", "workers")
        address = f"{name}-{part}-0-0.{name}"  # the first pod, by the name that the set's service gives it
    if address is not None and ":" not in address:
        address += ":1234"
    return World(address, jobs * each, job * each + index)


READERS: dict[str, Callable[[Environment], World | None]] = {
    "KERAS_DISTRIBUTION_*": _own,
    "TF_CONFIG": _tf_config,
    "torchrun": _torchrun,
    "JobSet": _job_set,
    "JAX_COORDINATOR_ADDRESS": _coordinator,
    "Slurm": _slurm,
    "Open MPI": _open_mpi,
}


def port_of(job: int) -> int:
    """A port that all processes of a job agree on without talking: one of the last 4,096."""
    return 65535 - 4095 + job % 4096


def first_host(nodes: str) -> str:
    """The first name in Slurm's short form of a list: `gpu[07-09,12],login1` begins with `gpu07`."""
    first = re.match(r"(?:[^,\[]|\[[^\]]*\])*", nodes)  # up to a comma outside of brackets
    return re.sub(r"\[([^\],-]+)[^\]]*\]", r"\1", first[0] if first else nodes)
