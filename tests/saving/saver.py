"""Saves that the tests stop: for every line of JSON on stdin a forked process, which saves and is killed at a step.

A step is a call or a return, of Python or C, as `sys.setprofile` counts them: where a save is stopped depends on no clock.
"""

import json
import os
import pathlib
import resource
import signal
import sys
import warnings

if __name__ == "__main__":  # a process of tests that imports this keeps its backend
    os.environ["LAMINA_BACKEND"] = "numpy"

import numpy as np

import lamina
from lamina import layers

KINDS = ("x.keras", "x", "x.h5", "x.weights.h5", "x.safetensors", "x.npz", "x.weights.json")


def made(value: float, size: int = 3):
    """A model whose weights all have one value."""
    model = lamina.Sequential(
        [
            lamina.Input((4,)),
            layers.Dense(size, name="a"),
            layers.BatchNormalization(name="n"),
            layers.Dense(2, name="b"),
        ],
        name="m",
    )
    for v in model.weights:
        v.assign(np.full(v.shape, value, "float32"))
    return model


def save(model, path: pathlib.Path) -> None:
    """Save by what the name says: a model, a folder, or weights; shards are of two tensors each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.name == "x.weights.json":
            model.save_weights(path, max_shard_size=60 / 2**30)
        elif path.name in ("x.weights.h5", "x.safetensors", "x.npz"):
            model.save_weights(path)
        else:
            model.save(path, zipped=False if path.name == "x" else None)


def stopped(model, path: pathlib.Path, step: int | None) -> int:
    """Save, and be killed at a step; without one, the number of steps."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += 1
        if count == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(counted)
    try:
        save(model, path)
    finally:
        sys.setprofile(None)
    return count


def job(given: dict) -> None:
    """Save once, as one line asks for."""
    model = made(given["value"], given.get("size", 3))
    if "bytes" in given:
        resource.setrlimit(resource.RLIMIT_FSIZE, (given["bytes"], given["bytes"]))
    try:
        print("steps", stopped(model, pathlib.Path(given["path"]), given.get("step")), flush=True)
    except OSError as error:
        print("error", type(error).__name__, error, flush=True)


def main() -> None:
    model = made(0)
    for kind in KINDS:  # what is imported late is no step
        save(model, pathlib.Path(sys.argv[1]) / kind)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            job(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print("end", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
