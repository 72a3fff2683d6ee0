"""One script, unedited, for one device, several, and two processes; it prints what it found as JSON.

python script.py FOLDER PART...
"""

import json
import os
import pathlib
import sys

import numpy as np

import lamina

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "eight"))
from same import data, network  # noqa: E402

D = lamina.distribution
FOLDER = pathlib.Path(sys.argv[1])
if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
    D.initialize()
lamina.utils.set_random_seed(3)
lamina.config.set_floatx(os.environ.get("TEST_FLOATX", "float32"))
MANY = D.get_device_count() > 1


def losses(kind, distribution, steps=20):
    """The loss and the metrics after each of 20 steps, on 101 rows in batches of 32, and the predictions."""
    D.set_distribution(distribution)
    lamina.utils.set_random_seed(1)
    model = network(kind)
    loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Adam makes whole steps of gradients that are rounding, which 16 digits tell from others and 7 do not
    slow = kind == "conv" and lamina.config.floatx() == "float32"
    optimizer = lamina.optimizers.SGD(0.05) if slow else lamina.optimizers.Adam(0.01)
    model.compile(optimizer, loss, metrics=["accuracy"])
    found = []

    class Watch(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.append([logs["loss"], logs["accuracy"]])

    x, y = data(101, lamina.config.floatx())
    model.fit(x, y, batch_size=32, epochs=steps // 4, verbose=0, callbacks=[Watch()])
    return {
        "steps": found,
        "predicted": model.predict(x[:10], verbose=0).tolist(),
        "rows": model.evaluate(x[:13], y[:13], verbose=0),
    }


def parallel(**more):
    return D.DataParallel(**more) if MANY else None


def trained(kind):
    return losses(kind, parallel())


def sharded(kind):
    return losses(kind, D.FullyShardedDataParallel(min_size=8) if MANY else None)


class Ids(lamina.Model):
    """Adds up the numbers of the rows that it sees: their count, sum and sum of squares say whether each came once."""

    def __init__(self):
        super().__init__()
        self.w = self.add_weight((), "zeros", name="w")
        self.sums = [lamina.metrics.Sum(name=n) for n in ("count", "total", "squares")]

    def call(self, x):
        return x * self.w

    def train_step(self, data):
        x, _, _ = lamina.utils.unpack_x_y_sample_weight(data)
        for metric, power in zip(self.sums, (0, 1, 2), strict=True):
            metric.update_state(x**power)
        return {m.name: m.result() for m in self.sums}


class Numbers(lamina.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, i):
        return np.arange(i * 8, min(i * 8 + 8, 45), dtype="float32")[:, None]


def seen(source, distribution=None, **how):
    D.set_distribution(distribution or parallel())
    model = Ids()
    model.compile()
    return {n: float(v[-1]) for n, v in model.fit(source, epochs=2, verbose=0, **how).history.items()}


def records():
    rows = np.arange(45, dtype="float32")[:, None]
    out = {
        "arrays": seen(rows, batch_size=8),
        "dataset": seen(Numbers()),
        "generator": seen((Numbers()[i % 6] for i in range(12)), steps_per_epoch=6),
    }
    if FOLDER.joinpath("rows.npy").exists():
        out["file"] = seen(np.load(FOLDER / "rows.npy", mmap_mode="r"), batch_size=8)
    out["own rows"] = out["own empty"] = out["own equal"] = out["arrays"]
    count = D.DataParallel().num_processes if MANY else 1
    if count == 2:  # each process is given rows of its own: 13 and 32, none and 45, equal parts
        rank, own = D.DataParallel().data_shard_id, parallel(auto_shard_dataset=False)
        out["own rows"] = seen(rows[:13] if rank else rows[13:], own, batch_size=8)
        out["own empty"] = seen(rows[:0] if rank else rows, own, batch_size=8)
        out["own equal"] = seen(
            (rows[rank:44:2][i * 4 : i * 4 + 4] for i in list(range(6)) * 2), own, steps_per_epoch=6
        )
        out["own equal"] = {
            n: v + 44.0 ** ["count", "total", "squares"].index(n) for n, v in out["own equal"].items()
        }
    return out


def files():
    """Saved and loaded under a distribution, whole and by weights; and a checkpoint of Orbax."""
    D.set_distribution(D.FullyShardedDataParallel(min_size=8) if MANY else None)
    lamina.utils.set_random_seed(1)
    model = network("conv")
    model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = data(64)
    model.fit(x, y, shuffle=False, verbose=0)
    name = FOLDER / f"model{D.get_device_count()}.keras"
    model.save(name)
    model.save_weights(name.with_suffix(".weights.h5"))
    loaded = lamina.models.load_model(name)
    other = network("conv")
    other.load_weights(name.with_suffix(".weights.h5"))
    before = model.get_weights()
    same = all(
        np.array_equal(a, b) for m in (loaded, other) for a, b in zip(before, m.get_weights(), strict=True)
    )
    loaded.fit(x, y, shuffle=False, verbose=0)
    model.fit(x, y, shuffle=False, verbose=0)
    again = max(np.abs(a - b).max() for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))
    return {"same": same, "again": float(again) < 1e-5, "weights": [w.sum().item() for w in before]}


def small(optimizer="adam", distribution=None, metrics=("mae",)):
    """The history of a dense network on 101 rows."""
    D.set_distribution(distribution)
    lamina.utils.set_random_seed(1)
    model = lamina.Sequential(
        [
            lamina.Input((16,)),
            lamina.layers.Dense(64, "relu", name="up"),
            lamina.layers.Dense(1, "sigmoid", name="down"),
        ],
        name="net",
    )
    model.compile(optimizer, "mse", metrics=list(metrics))
    x = np.random.RandomState(0).rand(101, 16).astype("float32")
    y = (x.sum(axis=1, keepdims=True) > 8).astype("float32")
    weight = np.arange(101) / 50
    return model, model.fit(x, y, batch_size=32, epochs=2, sample_weight=weight, verbose=0).history


def layouts():
    """Each of two devices holds half of the units; with one device all of them."""
    distribution = None
    if MANY:
        layout = D.LayoutMap(D.DeviceMesh((1, D.get_device_count()), ["batch", "model"]))
        layout[".*/up/kernel"], layout[".*/up/bias"] = (None, "model"), ("model",)
        layout[".*/down/kernel"] = ("model", None)
        distribution = D.ModelParallel(layout_map=layout, batch_dim_name="batch")
    model, history = small("adam", distribution)
    return {
        "history": history,
        "whole": part_of(model.get_layer("up").kernel).shape[1] * D.get_device_count(),
    }


def part_of(variable):
    """What one device of this process holds of a variable."""
    held = variable._stored.tensor
    if hasattr(held, "layout") and MANY and lamina.config.backend() == "tensorflow":
        import tensorflow as tf

        return tf.experimental.dtensor.unpack(held.value())[0]
    return variable.value.to_local() if MANY else variable.value


def optimizers():
    O = lamina.optimizers  # noqa: N806, E741
    made = {
        "sgd": lambda: O.SGD(0.01, 0.9, global_clipnorm=0.1, gradient_accumulation_steps=2, use_ema=True),
        "adam": lambda: O.Adam(0.01, amsgrad=True), "adamw": lambda: O.AdamW(0.01, clipnorm=0.1),
        "rmsprop": lambda: O.RMSprop(0.01, momentum=0.5), "lion": lambda: O.Lion(0.001), "muon": lambda: O.Muon(0.01),
        "scaled": lambda: O.LossScaleOptimizer(O.Adam(0.01)), "adafactor": lambda: O.Adafactor(0.01),
    }  # fmt: skip
    M = lamina.metrics  # noqa: N806
    metrics = lambda: (
        "mae",
        "accuracy",
        M.AUC(name="auc"),
        M.Precision(name="p"),
        M.RootMeanSquaredError(name="rmse"),
    )
    return {name: small(optimizer(), parallel(), metrics())[1] for name, optimizer in made.items()}


PARTS = {"records": records, "files": files, "layouts": layouts, "optimizers": optimizers}
found = {}
for part in sys.argv[2:]:
    name, _, argument = part.partition(":")
    found[part] = {"trained": trained, "sharded": sharded}[name](argument) if argument else PARTS[name]()
print("FOUND " + json.dumps(found), flush=True)
