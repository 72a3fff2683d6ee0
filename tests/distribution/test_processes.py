"""One script, unedited: on one device, on eight, and in two processes."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

SCRIPT = pathlib.Path(__file__).parent / "processes" / "script.py"
QUICK = "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(folder, parts, devices=1, processes=1, floatx="float32", backend="jax"):
    """What the script found, of each process."""
    address = f"127.0.0.1:{free_port()}"
    started, logs = [], []
    for rank in range(processes):
        environment = {
            **os.environ, "LAMINA_BACKEND": backend, "JAX_PLATFORMS": "cpu", "LAMINA_COMPILE_CACHE": "0",
            "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "LAMINA_CPU_DEVICES": str(devices),
            "PYTHONPATH": os.pathsep.join((str(SCRIPT.parents[3]), os.environ.get("PYTHONPATH", ""))), "TEST_FLOATX": floatx, "JAX_ENABLE_X64": str(int(floatx == "float64")),
        }  # fmt: skip
        if backend == "jax":
            environment["XLA_FLAGS"] = f"{QUICK} --xla_force_host_platform_device_count={devices}"
        if processes > 1:
            environment |= {
                "KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
                "KERAS_DISTRIBUTION_PROCESS_ID": str(rank),
            }  # fmt: skip
        command = [sys.executable, str(SCRIPT), str(folder), *parts]
        logs.append(folder / f"log{rank}")
        with open(logs[-1], "w") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT))
    try:
        while any(one.poll() is None for one in started) and not any(one.poll() for one in started):
            time.sleep(0.1)
    finally:
        for one in started:
            one.kill()  # one that failed would be waited for
    texts = [log.read_text() for log in logs]
    assert all(one.wait() == 0 for one in started), "\n".join(text[-4000:] for text in texts)
    return [json.loads(next(s for s in t.splitlines() if s.startswith("FOUND "))[6:]) for t in texts]


def same(one, other, where="", near=2e-5):
    if isinstance(one, dict):
        assert set(one) == set(other)
        for name in one:
            same(one[name], other[name], f"{where} {name}", near)
    elif isinstance(one, list):
        np.testing.assert_allclose(other, one, near, near, err_msg=where)
    else:
        assert one == other, where


# how the script is spread: each of these is compared with one process of one device
SPREAD = {
    "jax": [{"devices": 4, "processes": 2}, {"devices": 8}],
    "torch": [{"processes": 2}],  # where a device has a process of its own
    "tensorflow": [{"devices": 2, "processes": 2}],  # devices of one process: `logical/`
}


def compare(folder, parts, floatx="float32", backend="jax", ways=None):
    (alone,) = run(folder, parts, floatx=floatx, backend=backend)
    for how in SPREAD[backend][:ways]:
        for found in run(folder, parts, floatx=floatx, backend=backend, **how):
            same(alone, found, near=2e-5 if floatx == "float32" else 1e-10)
    return alone


@pytest.mark.parametrize(
    ("backend", "ways"), [("jax", 1), pytest.param("jax", None, marks=pytest.mark.slow), ("torch", 1)]
)
def test_two_processes(tmp_path, backend, ways):
    """One process with eight devices is a slow test here: `eight/` trains so."""
    parts = ["trained:mlp", *(["files"] if backend == "jax" else [])]
    found = compare(tmp_path, parts, backend=backend, ways=ways)
    if backend == "jax":
        assert found["files"] == {**found["files"], "same": True, "again": True}


@pytest.mark.slow
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["mlp", "conv", "lstm", "transformer"])
@pytest.mark.parametrize("backend", SPREAD)
def test_twenty_losses(tmp_path, backend, kind, floatx):
    compare(tmp_path, [f"trained:{kind}", f"sharded:{kind}"], floatx, backend)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_files_and_layouts(tmp_path, backend):
    """Saved whole from parts; a kernel of which each device holds a part; every optimizer and metric that has state."""
    found = compare(tmp_path, ["files", "layouts", "optimizers"], backend=backend)
    assert found["files"] == {**found["files"], "same": True, "again": True}


@pytest.mark.slow
def test_the_example_under_slurm_by_its_variables(tmp_path):
    """As `srun` starts it: two tasks, and the losses of a process that is alone."""
    script = SCRIPT.parents[3] / "examples" / "cluster" / "train.py"
    base = {
        **os.environ, "LAMINA_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "LAMINA_COMPILE_CACHE": "0",
        "PYTHONPATH": str(SCRIPT.parents[3]),
    }  # fmt: skip
    command = [sys.executable, str(script), "--epochs", "2"]
    alone = subprocess.run(command, env=base, capture_output=True, text=True, check=True).stdout
    slurm = {
        "SLURM_NTASKS": "2", "SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "localhost",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
    }  # fmt: skip
    tasks = [
        subprocess.Popen(
            [*command, "--checkpoints", str(tmp_path / "checkpoints")],
            env=base | slurm | {"SLURM_PROCID": str(rank)}, stdout=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    texts = [task.communicate(timeout=300)[0] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0]
    losses = lambda text: re.findall(r"loss: ([\d.]+)", text)
    assert losses(texts[0]) == losses(alone)
    assert losses(texts[1]) == []  # the first one tells
