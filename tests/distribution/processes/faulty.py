"""What differs between processes is said; then one of them does something that the others do not.

python faulty.py END PLACE
"""

import os
import signal
import sys
import time
import warnings

import numpy as np

import lamina

warnings.simplefilter("ignore")
D, layers = lamina.distribution, lamina.layers
D.initialize()
D.set_distribution(D.DataParallel())
RANK = int(os.environ["RANK"])
x = np.random.RandomState(0).rand(32, 4).astype("float32")
y = x.sum(axis=1, keepdims=True)


def network(units=3, rate=0.1):
    model = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(units, name="up"), layers.Dense(1, name="down")]
    )
    model.compile(lamina.optimizers.SGD(rate), "mse")
    return model


def refused(name, run):
    try:
        run()
    except lamina.errors.ProcessError as error:
        print(f"REFUSED {name}: " + " | ".join(str(error).splitlines()), flush=True)
    else:
        print(f"TAKEN {name}", flush=True)


def other_seed():
    lamina.utils.set_random_seed(RANK)
    network().fit(x, y, verbose=0)


def differ():
    lamina.utils.set_random_seed(3)
    model = network()
    refused("units", lambda: network(3 + RANK).fit(x, y, verbose=0))
    refused("rate", lambda: network(rate=0.1 + 0.1 * RANK).fit(x, y, verbose=0))
    refused("batch", lambda: model.fit(x, y, batch_size=8 << RANK, verbose=0))
    refused("rows", lambda: model.fit(x[: 32 - 16 * RANK], y[: 32 - 16 * RANK], verbose=0))
    refused("labels", lambda: model.evaluate(x, y if RANK else y[:, 0], verbose=0))
    refused("folder", lambda: model.fit(x, y, verbose=0, resume=f"{sys.argv[2]}/{RANK}"))
    refused("seed", other_seed)
    lamina.utils.set_random_seed(3)
    refused("nothing", lambda: network().fit(x, y, verbose=0))


class Fault(lamina.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1 and RANK == 1:
            print(f"FAULT {time.time()}", flush=True)
            if END == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if END == "error":
                raise ValueError("of the user")
            if END == "exit":
                sys.exit(0)


class Slow(lamina.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        time.sleep(RANK)
        return x[i * 8 : i * 8 + 8], y[i * 8 : i * 8 + 8]


END = sys.argv[1]
if END == "kill":
    differ()
model = network()
if END == "uneven":
    model.fit(((x[:8], y[:8]) for _ in range(9 - 3 * RANK)), steps_per_epoch=9, epochs=2, verbose=0)
elif END == "other line" and RANK:
    model.evaluate(x, y, verbose=0)
elif END == "save alone":
    if RANK:
        model.save(sys.argv[2])
elif END == "slow":
    model.fit(Slow(), epochs=2, verbose=0)
else:
    model.fit(x, y, batch_size=8, epochs=4, verbose=0, callbacks=[Fault()])
if END == "save alone":
    model.fit(x, y, verbose=0)
print("ENDED", flush=True)
