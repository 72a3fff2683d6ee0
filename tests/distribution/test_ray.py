"""Ray: a trainer from a function. What trains in two workers, of which one fails and begins again, is what trains alone."""

import json
import os
import pathlib
import subprocess
import sys
from importlib.util import find_spec

import pytest

import lamina

SCRIPT = pathlib.Path(__file__).parent / "workers" / "script.py"
D = lamina.distribution


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_two_workers_of_which_one_fails(tmp_path, backend):
    environment = {
        **os.environ, "LAMINA_BACKEND": backend, "LAMINA_COMPILE_CACHE": "0", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join([str(SCRIPT.parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_raylet_start_wait_time_s": "300",
        "RAY_worker_register_timeout_seconds": "300", "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "900",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(SCRIPT), backend, str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    metrics, alone = json.loads(done.stdout.split("FOUND ")[1])
    assert metrics.pop("epoch") == 4
    assert metrics == pytest.approx(alone, rel=1e-5)
    assert (tmp_path / "failed").exists()
    seen = (tmp_path / "seen").read_text().splitlines()
    # after the failure in the third epoch nobody does the first ones again
    assert sorted(seen) == sorted(f"{rank} {epoch}" for rank in (0, 1) for epoch in (0, 1, 2, 2, 3))


def test_what_it_cannot_do_is_said():
    with pytest.raises(ValueError, match="Ray starts no workers for the backend 'numpy'"):
        D.ray.trainer(print, backend="numpy")
    with pytest.raises(ValueError, match="`workers` must be a positive number, got 0"):
        D.ray.trainer(print, backend="jax", workers=0)


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_line_to_install_it_is_said():
    for make in (lambda: D.ray.trainer(print, backend="jax"), D.ray.Report):
        with pytest.raises(ImportError, match=r"pip install lamina\[ray\]"):
            make()
