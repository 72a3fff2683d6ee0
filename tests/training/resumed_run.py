"""Runs of training that the tests kill: for every line on stdin, of a step and a folder, one process.

It prints how many steps it took and a digest of its weights, or kills itself at that step. A step is the end of a batch, or
what Python reports of files (opened, renamed, removed): where a run is killed depends on no clock.
"""

import hashlib
import os
import signal
import sys

os.environ.setdefault("LAMINA_BACKEND", "torch")

import numpy as np
from models import data, mlp

import lamina

lamina.backend.backend()  # imports the framework


class Steps(lamina.callbacks.Callback):
    """Counts, and kills the process at a step; 0 is never reached."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.count, self.last = 0, last
        sys.addaudithook(
            lambda event, _: self.step() if event == "open" or event.startswith("os.re") else None
        )

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_end(self, batch, logs=None):
        self.step()


def train(folder: str, last: int) -> None:
    begun = os.path.exists(os.path.join(folder, "training.safetensors"))
    model = mlp(seed=os.getpid() if begun else 1, dropout=0.3)  # what a later run begins with does not matter
    x, y = data(128)
    steps = Steps(last)
    keep = lamina.callbacks.BackupAndRestore(folder, save_freq=3, delete_checkpoint=False)
    stop = lamina.callbacks.EarlyStopping("loss", patience=100)
    history = model.fit(x, y, batch_size=16, epochs=8, verbose=0, callbacks=[stop, steps], resume=keep)
    digest = hashlib.sha256(repr(history.history).encode())
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    print(steps.count, digest.hexdigest(), flush=True)


print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        step, _, folder = line.strip().partition(" ")
        train(folder, int(step))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("end", os.waitstatus_to_exitcode(status), flush=True)
