"""Large files: loading takes the model's memory and that of one tensor more."""

import subprocess
import sys

import pytest

CODE = """
import sys, tracemalloc, numpy as np, lamina
from lamina.saving import weights
weights.AT_ONCE = 1 << 20
path, what = sys.argv[1:]
def made():
    return lamina.Sequential([lamina.Input((1000,)), *(lamina.layers.Dense(1000, use_bias=False) for _ in range(8))])
model = made()
size = 8 * 4_000_000
if what == "save":
    for v in model.weights:
        v.assign(np.ones(v.shape, "float32"))
import io
warm = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(2)])
lamina.saving.save_model(warm, data := io.BytesIO())
lamina.models.load_model(io.BytesIO(data.getvalue()))  # what is imported late is not the file's memory
tracemalloc.start()
if what == "save":
    model.save(path + ".keras"); model.save_weights(path + ".weights.h5")
    limit = 0
elif path.endswith("model"):
    model = lamina.models.load_model(path + ".keras"); limit = size
else:
    model.load_weights(path); limit = size
print(max(0, tracemalloc.get_traced_memory()[1] - limit) / 4_000_000)
"""


def measured(path, what="load"):
    command = [sys.executable, "-c", CODE, str(path), what]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_memory_of_saving_and_loading(tmp_path):
    assert (
        measured(tmp_path / "model", "save") < 4
    )  # tensors of 4 MB: the one that is written, the next, and copies
    assert measured(tmp_path / "model") < 2.5
    assert measured(tmp_path / "model.weights.h5") < 2.5
