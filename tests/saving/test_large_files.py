"""Large files: loading takes the model's memory and that of one tensor more, as the system counts it."""

import pathlib
import subprocess
import sys

import pytest

TENSORS, WIDTH = 12, 1000  # tensors of 4 MB
LARGEST = 4 * WIDTH * WIDTH

CODE = f"""
import os, sys, numpy as np, lamina
from lamina.saving import weights
weights.AT_ONCE = 1 << 20
path, what = sys.argv[1:]

def made(tensors={TENSORS}, width={WIDTH}):
    layers = [lamina.layers.Dense(width, use_bias=False) for _ in range(tensors)]
    return lamina.Sequential([lamina.Input((width,)), *layers])

def filled(model):
    for v in model.weights:
        v.assign(np.ones(v.shape, "float32"))
        v.value  # on the device
        v.numpy()  # and there: jax copies in a thread of its own
    return model

def peak(forget=False):
    if forget:
        open("/proc/self/clear_refs", "w").write("5")
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

def save(model, path):
    if path.endswith((".keras", ".h5")) and not path.endswith(".weights.h5"):
        model.save(path)
    else:
        model.save_weights(path)

def load(path, model):
    if path.endswith((".keras", ".h5")) and not path.endswith(".weights.h5"):
        return lamina.models.load_model(path)
    model.load_weights(path)
    return model

import warnings
warnings.simplefilter("ignore")
if what == "save":
    save(filled(made()), path)
    raise SystemExit
small = filled(made(2, 8))  # what is imported late is not the file's memory
warm = os.path.join(os.path.dirname(path), "warm_" + os.path.basename(path))
save(small, warm)
load(warm, small)
model = filled(made()) if what == "over" else made()
begin = peak(forget=True)
model = load(path, model)
print(peak() - begin)
"""


def process(path, what, backend):
    environment = {"LAMINA_BACKEND": backend, "PATH": "", "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1",
                   "PYTHONPATH": str(pathlib.Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip
    command = [sys.executable, "-c", CODE, str(path), what]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def taken(path, what, backend):
    """Memory in tensors. Pages of a mapped file count as the process's own, but cost nothing that is not there: they go."""
    mapped = path.stat().st_size if path.suffix == ".safetensors" else 0
    return (int(process(path, what, backend)) - mapped) / LARGEST


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/clear_refs").exists(), reason="the system counts no peak")
@pytest.mark.parametrize("name", ["x.keras", "x.weights.h5", "x.safetensors", "x.npz", "x.h5"])
@pytest.mark.parametrize("backend", ["numpy", "jax", "torch", "tensorflow"])
def test_memory_of_loading(tmp_path, backend, name):
    """In tensors of 4 MB: a new model takes its own 12, and at most one more.

    One that has its weights already takes one more: the one that is read. Half a tensor on top is what the allocators and the
    file's own tables take.
    """
    process(tmp_path / name, "save", "numpy")
    assert taken(tmp_path / name, "new", backend) < TENSORS + 1.5
    if name not in ("x.keras", "x.h5"):
        assert taken(tmp_path / name, "over", backend) < 1.5
