"""Trains a small network, keeping its state in a folder, and is killed on the way where it is told to be.

python kept.py FOLDER [PLAN]

PLAN is what a run of `kills.py` drew, as JSON: for each start of the group null or [process, phase, amount]. The weights and
the history of the first process are in FOLDER/end.npz when training has come to its end.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time

ATTEMPT, RANK = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")), int(os.environ.get("RANK", "0"))
FOLDER = pathlib.Path(sys.argv[1])
plan = json.loads(sys.argv[2]) if len(sys.argv) > 2 else []
told = dict(enumerate(plan)).get(ATTEMPT)
phase, amount = told[1:] if told and told[0] == RANK else (None, 0)


def die():
    print(f"KILLED {time.time()}", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


if phase == "start":
    die()

import numpy as np  # noqa: E402

import lamina  # noqa: E402
from lamina.saving import atomic  # noqa: E402

D, layers = lamina.distribution, lamina.layers
if int(os.environ.get("WORLD_SIZE", "1")) > 1:
    D.initialize()
    D.set_distribution(D.DataParallel())
print(f"JOINED {time.time()}", flush=True)
if phase == "joined":
    die()
if phase == "time":

    def later():
        time.sleep(amount)
        die()

    threading.Thread(target=later, daemon=True).start()


def at(count, function):
    """The function; at its so-manieth call the process is killed first."""
    left = [count]

    def run(*args):
        left[0] -= 1
        if not left[0]:
            die()
        return function(*args)

    return run


if phase == "temporary":  # the state is written and not yet in its place; others wait for that
    if RANK:
        atomic.gather = at(amount, atomic.gather)
    else:
        atomic.os.fsync = at(2 * amount - 1, os.fsync)
if phase == "replaced":  # it is in its place, and the others do not know
    atomic.gather = at(amount, atomic.gather)


class Killed(lamina.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epoch = at(amount if phase == "epoch" else 0, lambda: None)
        self.step = at(amount if phase == "step" else 0, lambda: None)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch()

    def on_train_batch_end(self, batch, logs=None):
        self.step()


lamina.utils.set_random_seed(5)
# the moments of batches before the first weights: behind them a bias would have a gradient of nothing but rounding, of which
# Adam makes whole steps
model = lamina.Sequential(
    [
        lamina.Input((12,)), layers.BatchNormalization(), layers.Dense(32, "relu"), layers.Dropout(0.3), layers.Dense(1),
    ]
)  # fmt: skip
model.compile(lamina.optimizers.Adam(0.01), "mse", metrics=["mae"])
x = np.random.RandomState(0).rand(101, 12).astype("float32")
y = x.sum(axis=1, keepdims=True)
kept = lamina.callbacks.BackupAndRestore(FOLDER / "kept", save_freq=3, delete_checkpoint=False)
history = model.fit(x, y, batch_size=32, epochs=6, verbose=0, callbacks=[Killed()], resume=kept).history
if RANK == 0:
    weights = {f"weight{i}": w for i, w in enumerate(model.get_weights())}
    np.savez(FOLDER / "end.npz", **weights, **{name: np.asarray(v) for name, v in history.items()})
print(f"ENDED {time.time()}", flush=True)
