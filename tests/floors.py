"""`make test-floors`: the oldest declared version of each dependency, in a fresh environment, runs a smoke test.

    python tests/floors.py [jax] [torch] [tensorflow] [numpy]

Each backend gets an environment of its own, `.venv-floors/<backend>`, with exactly the versions that `pyproject.toml`
names as the oldest; what those need themselves pip resolves. For TensorFlow its build for CPUs is installed, which is the
same code. `PIP_FLAGS` goes to pip, as everywhere in the Makefile: an index of torch's CPU builds, say.
"""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv

ROOT = pathlib.Path(__file__).parent.parent
BACKENDS = ("numpy", "jax", "torch", "tensorflow")

SMOKE = """
import sys, tempfile, warnings
import numpy as np
import lamina

lamina.utils.set_random_seed(0)
name = sys.argv[1]
assert lamina.config.backend() == name, lamina.config.backend()
rng = np.random.default_rng(0)
x = rng.random((64, 8, 8, 1), "float32") * rng.random((64, 1, 1, 1), "float32")
y = np.digitize(x.mean((1, 2, 3)), [0.15, 0.3])
L = lamina.layers
model = lamina.Sequential([
    lamina.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(),
    L.Reshape((9, 4)), L.LSTM(6, return_sequences=True), L.GRU(5), L.Dropout(0.2), L.Dense(3),
])
model.compile(lamina.optimizers.Adam(0.02), lamina.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
if name != "numpy":  # which does not train
    history = model.fit(x, y, epochs=8, batch_size=16, verbose=0, validation_split=0.25).history
    assert np.isfinite(history["loss"]).all() and history["loss"][-1] < history["loss"][0], history
    model.train_on_batch(x[:7], y[:7])
outputs = model.predict(x, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    for file in ("model.keras", "model.weights.h5"):
        path = f"{folder}/{file}"
        (model.save_weights if "weights" in file else model.save)(path)
        if "weights" in file:
            model.load_weights(path)
        else:
            loaded = lamina.models.load_model(path)
    for again in (model, loaded):
        np.testing.assert_allclose(again.predict(x, verbose=0), outputs, rtol=1e-5, atol=1e-6)
if name == "torch":
    model.compile("adam", "mse", jit_compile=True)
    model.fit(x, np.eye(3, dtype="float32")[y], batch_size=32, verbose=0)
print("smoke test passed on", name)
"""


def floors(backend: str) -> list[str]:
    """The requirements of a backend, each at its oldest version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"].get(backend, ())]
    return [oldest(w).replace("tensorflow==", "tensorflow-cpu==") for w in wanted]


def oldest(requirement: str) -> str:
    """`name>=1.2` as `name==1.2`.

    Raises:
        ValueError: if a requirement names no oldest version.
    """
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)>=([0-9.]+)(,.*)?", requirement)
    if found is None:
        raise ValueError(f"{requirement!r} in pyproject.toml names no oldest version: write `name>=version`.")
    return f"{found[1]}=={found[2]}"


def run(backend: str) -> bool:
    """Make the environment anew and run the smoke test in it."""
    place = ROOT / ".venv-floors" / backend
    shutil.rmtree(place, ignore_errors=True)
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    required = floors(backend)
    print(f"{backend}: {' '.join(required)}", flush=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *shlex.split(os.environ.get("PIP_FLAGS", "")), *required],
        check=True,
    )
    environment = {"PYTHONPATH": str(ROOT), "LAMINA_BACKEND": backend, "LAMINA_COMPILE_CACHE": "0"}
    done = subprocess.run(
        [python, "-c", SMOKE, backend], env=os.environ | environment, cwd=place, check=False
    )
    return done.returncode == 0


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(BACKENDS))
    if unknown:
        print(f"Unknown: {', '.join(unknown)}. Backends: {', '.join(BACKENDS)}.")
        return 2
    failed = [name for name in names or BACKENDS if not run(name)]
    print(f"failed: {', '.join(failed)}" if failed else "every floor holds")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
