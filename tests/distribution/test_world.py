"""Who this process is, from the variables that launchers set."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from lamina.backends import rendezvous
from lamina.backends.rendezvous import addresses_of_all
from lamina.distribution.world import World, first_host, world

CASES = {
    "nothing": ({}, World(None, None, None, "nothing in the environment")),
    "own": (
        {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": "10.0.0.1:1234, 10.0.0.2:1234",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": "1",
            "SLURM_NTASKS": "9",
        },
        World("10.0.0.1:1234", 2, 1, "KERAS_DISTRIBUTION_*", ("10.0.0.1:1234", "10.0.0.2:1234")),
    ),
    "torchrun": (
        {"MASTER_ADDR": "head", "MASTER_PORT": "29500", "WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1"},
        World("head:29500", 8, 5, "torchrun"),
    ),
    "a worker of TensorFlow": (
        {
            "TF_CONFIG": '{"cluster": {"chief": ["a:1"], "worker": ["b:2", "c:3"]}, "task": {"type": "worker", "index": 1}}',
            "MASTER_ADDR": "other",
        },
        World("a:1", 3, 2, "TF_CONFIG", ("a:1", "b:2", "c:3")),
    ),
    "the chief of TensorFlow": (
        {
            "TF_CONFIG": '{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 0}}'
        },
        World("a:1", 2, 0, "TF_CONFIG", ("a:1", "b:2")),
    ),
    "jax": (
        {"JAX_COORDINATOR_ADDRESS": "head:1234", "JAX_NUM_PROCESSES": "4", "JAX_PROCESS_ID": "3"},
        World("head:1234", 4, 3, "JAX_COORDINATOR_ADDRESS"),
    ),
    "srun": (
        {
            "SLURM_JOB_ID": "70001",
            "SLURM_NTASKS": "16",
            "SLURM_PROCID": "9",
            "SLURM_LOCALID": "1",
            "SLURM_STEP_NODELIST": "gpu[07-09,12],login1",
        },
        World(f"gpu07:{61440 + 70001 % 4096}", 16, 9, "Slurm"),
    ),
    "sbatch without srun": (
        {"SLURM_JOB_ID": "70001", "SLURM_NTASKS": "16"},
        World(source="nothing in the environment"),
    ),
    "mpirun on several hosts": (
        {
            "OMPI_COMM_WORLD_SIZE": "4",
            "OMPI_COMM_WORLD_RANK": "2",
            "OMPI_COMM_WORLD_LOCAL_RANK": "0",
            "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
            "OMPI_MCA_orte_hnp_uri": "1531576320.0;tcp://10.96.0.1,10.148.0.1:34911",
        },
        World(f"10.96.0.1:{61440 + 1531576320 % 4096}", 4, 2, "Open MPI"),
    ),
    "mpirun on one host": (
        {
            "OMPI_COMM_WORLD_SIZE": "2",
            "OMPI_COMM_WORLD_RANK": "1",
            "OMPI_COMM_WORLD_LOCAL_RANK": "1",
            "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
        },
        World(f"127.0.0.1:{61440 + 2}", 2, 1, "Open MPI"),
    ),
    "a set of jobs": (
        {
            "JOB_COMPLETION_INDEX": "1",
            "PROCESSES_IN_JOB": "4",
            "JOB_INDEX": "1",
            "JOBS_IN_SET": "2",
            "JOBSET_NAME": "train",
            "REPLICATED_JOB_NAME": "slice",
        },
        World("train-slice-0-0.train:1234", 8, 5, "JobSet"),
    ),
    "an indexed job": (
        {
            "JOB_COMPLETION_INDEX": "0",
            "PROCESSES_IN_JOB": "4",
            "JAX_COORDINATOR_ADDRESS": "train-0.train:8476",
        },
        World("train-0.train:8476", 4, 0, "JobSet"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_launchers(name: str) -> None:
    env, expected = CASES[name]
    assert world(env) == expected


def test_what_makes_no_sense_is_said() -> None:
    with pytest.raises(ValueError, match="RANK must be a number, got 'first'"):
        world({"MASTER_ADDR": "a", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "first"})
    with pytest.raises(ValueError, match=r"torchrun says that this is process 2 of 2; they count from 0"):
        world({"MASTER_ADDR": "a", "MASTER_PORT": "1", "WORLD_SIZE": "2", "RANK": "2"})


def test_tasks_that_do_not_train_with_others() -> None:
    task = '{"cluster": {"worker": ["b:2"], "ps": ["c:3"]}, "task": {"type": "ps", "index": 0}}'
    with pytest.raises(ValueError, match="this process is a 'ps'; workers train together"):
        world({"TF_CONFIG": task})
    for given in ("{", '{"cluster": {"worker": ["b:2"]}}', "[]"):
        with pytest.raises(ValueError, match="TF_CONFIG must be JSON of the form"):
            world({"TF_CONFIG": given})


def test_processes_that_know_one_address_learn_those_of_all() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda rank: addresses_of_all(address, 3, rank), range(3)))
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == 3
    assert all(one.startswith("127.0.0.1:") for one in found[0])


def test_one_that_does_not_come_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "PATIENCE", 0.05)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with pytest.raises(TimeoutError, match="of 2 processes 1 did not come"):
        addresses_of_all(f"127.0.0.1:{port}", 2, 0)
    with pytest.raises(TimeoutError, match="nobody listens at"):
        addresses_of_all(f"127.0.0.1:{port}", 2, 1)


@pytest.mark.parametrize(
    ("nodes", "first"),
    [
        ("gpu1", "gpu1"),
        ("a,b", "a"),
        ("n[3,5-7]", "n3"),
        ("n[03-05]-ib,m1", "n03-ib"),
        ("rack1-n[12]", "rack1-n12"),
        ("rack[2-3]_blade[04-41],login1", "rack2_blade04"),
    ],
)
def test_the_first_host_of_a_short_list(nodes: str, first: str) -> None:
    assert first_host(nodes) == first
