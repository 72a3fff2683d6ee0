"""Runs the tests of `eight/` in a process with eight devices: the quick ones, and all of them as a slow test."""

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent


def run(*options):
    environment = {
        **os.environ,
        "LAMINA_TEST_DEVICES": "8",
        "LAMINA_BACKEND": "jax",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
        "JAX_PLATFORMS": "cpu",
    }
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
        str(HERE / "eight"),
    ]
    done = subprocess.run(
        command, env=environment, cwd=HERE.parent.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_on_eight_devices():
    run("-m", "not slow")


@pytest.mark.slow
def test_on_eight_devices_at_length():
    run("-m", "slow")
