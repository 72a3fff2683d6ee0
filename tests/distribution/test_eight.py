"""Runs the tests of `eight/` and `logical/` in processes with simulated devices: the quick ones, and all of them as slow tests."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent


ON = {
    "eight": {
        "LAMINA_TEST_DEVICES": "8",
        "LAMINA_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
        "JAX_PLATFORMS": "cpu",
    },
    "logical": {
        "LAMINA_TEST_DEVICES": "4",
        "LAMINA_BACKEND": "tensorflow",
        "LAMINA_CPU_DEVICES": "4",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    },
}


def run(folder, *options):
    environment = {**os.environ, **ON[folder]}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        *options,
        str(HERE / folder),
    ]
    done = subprocess.run(
        command, env=environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.parametrize("folder", ON)
def test_on_several_devices(folder):
    run(folder, "-m", "not slow")


@pytest.mark.slow
@pytest.mark.parametrize("folder", ON)
def test_on_several_devices_at_length(folder):
    run(folder, "-m", "slow")
