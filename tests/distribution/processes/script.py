"""One script, unedited, for one device, several, and two processes; it prints what it found as JSON.

python script.py FOLDER PART...
"""

import hashlib
import json
import os
import pathlib
import sys

import numpy as np

import lamina
from lamina.callbacks.journal import Journal

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "eight"))
from same import data, network  # noqa: E402
from sources import sources as every_source  # noqa: E402

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


def sources(which):
    return every_source(FOLDER, MANY, which == "all")


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


def stated(distribution, last="bfloat16", optimizer=None):
    """A network with state of all kinds."""
    D.set_distribution(distribution)
    lamina.utils.set_random_seed(1)
    L = lamina.layers  # noqa: N806
    model = lamina.Sequential(
        [
            lamina.Input((16,)), L.Dense(64, "relu", name="up"), L.Dropout(0.1, name="drop"),
            L.BatchNormalization(name="norm"), L.Dense(3, dtype=last, name="down"),
        ],
        name="net",
    )  # fmt: skip
    model.compile(optimizer or lamina.optimizers.Adam(0.01, name="adam"), "mse")
    return model


def rows_of(count):
    x = np.random.RandomState(0).rand(count, 16).astype("float32")
    return x, np.stack([x.sum(axis=1)] * 3, axis=1)


def how(kind):
    """A distribution by name, over all devices."""
    if not MANY:
        return None
    if kind == "grid":
        mesh = D.DeviceMesh((2, D.get_device_count() // 2), ["batch", "model"])
        return D.ModelParallel(layout_map="auto", device_mesh=mesh, batch_dim_name="batch")
    return {"sharded": lambda: D.FullyShardedDataParallel(min_size=8), "data": D.DataParallel}[kind]()


def hashes(model):
    """A hash of each number that counts, in order."""
    state = [*model.weights, *model.optimizer.variables]
    return [hashlib.sha256(v.numpy().tobytes()).hexdigest()[:16] for v in state]


def checkpoint(kind, name):
    model = stated(how(kind))
    keep = lamina.callbacks.ShardedCheckpoint(FOLDER / name, max_to_keep=2)
    model.fit(*rows_of(64), epochs=3, verbose=0, callbacks=[keep])
    return {"state": hashes(model), "kept": sorted(p.name for p in (FOLDER / name).iterdir())}


def restored(kind, name):
    model = stated(how(kind))
    number = lamina.callbacks.ShardedCheckpoint.restore(model, FOLDER / name)
    kernel = model.get_layer("up").kernel
    found = {
        "number": number,
        "state": hashes(model),
        "parts": int(np.prod(kernel.placement.parts)) if MANY else 1,
    }
    loaded = lamina.saving.load_model(FOLDER / name)
    other = stated(how(kind))
    other.load_weights(FOLDER / name / "2")
    found["loaded"] = hashes(loaded) == found["state"]
    found["weights"] = hashes(loaded)[: len(other.weights)] == hashes(other)[: len(other.weights)]
    return found


PARTS = {"files": files, "layouts": layouts, "optimizers": optimizers}


class Interrupt(lamina.callbacks.Callback):
    """Ends training in the second epoch, as Ctrl-C does."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 4):
            raise KeyboardInterrupt


def own_rows():
    """Batches of the rows of this process alone, of which others have more or fewer, with numbers of its own."""
    parallel = D.DataParallel(auto_shard_dataset=False)
    rank, count = (parallel.data_shard_id, parallel.num_data_shards) if MANY else (0, 1)
    x, y = rows_of(101)
    while True:
        for _ in range(6 - 2 * rank):
            rows = np.random.randint(0, 101, 16)[rank::count]
            yield x[rows], y[rows]


class Uneven:
    """Of two processes one has three batches, the other seven."""

    def __iter__(self):
        parallel = D.DataParallel(auto_shard_dataset=False)
        x, y = rows_of(101)
        rows = slice(0, 24) if parallel.data_shard_id else slice(24, 80)
        x, y = x[rows], y[rows]
        return ((x[i : i + 8], y[i : i + 8]) for i in range(0, len(x), 8))


def train(kind, folder, *callbacks, seed=0):
    own = kind in ("own", "uneven")
    distribution = D.DataParallel(auto_shard_dataset=False) if own and MANY else how("data" if own else kind)
    # Adam makes whole steps of gradients that are rounding, which differs from world to world
    model = stated(distribution, "float32", lamina.optimizers.SGD(0.002, momentum=0.9, nesterov=True))
    lamina.utils.set_random_seed(5 + seed)
    np.random.seed(5 + seed + (distribution.data_shard_id if own and MANY else 0))
    backup = lamina.callbacks.BackupAndRestore(
        folder, save_freq=2, double_checkpoint=True, delete_checkpoint=False
    )
    data = {
        "own": lambda: {"x": own_rows(), "steps_per_epoch": 7}, "uneven": lambda: {"x": Uneven()},
    }.get(kind, lambda: dict(zip("xy", rows_of(101), strict=True)))()  # fmt: skip
    try:
        history = model.fit(
            **data, batch_size=None if own else 16, epochs=3, verbose=0, resume=backup, callbacks=callbacks
        )
    except KeyboardInterrupt:
        return None
    return {"losses": history.history["loss"], "state": hashes(model)}


def begun(kind, name):
    assert train(kind, FOLDER / name, Interrupt()) is None
    return sorted(p.name for p in (FOLDER / name).iterdir())


def dies(kind, name):
    """The process ends at the sixth state, in the second epoch: its parts are there, the file that names them is not."""
    plain, calls = Journal._write_parts, []

    def write_parts(journal):
        found = plain(journal)
        calls.append(found)
        if len(calls) == 6:
            print("FOUND " + json.dumps(sorted(p.name for p in (FOLDER / name).iterdir())), flush=True)
            os._exit(0)
        return found

    Journal._write_parts = write_parts
    train(kind, FOLDER / name)


def ended(kind, name):
    return train(kind, FOLDER / name, seed=3)


def at_one_go(kind):
    return train(kind, FOLDER / f"{kind}.whole")


def resumed(kind):
    """Training at one go, and training that was interrupted inside an epoch."""
    whole = at_one_go(kind)
    begun(kind, f"{kind}.part")
    return {"whole": whole, "again": ended(kind, f"{kind}.part")}


WITH_ARGUMENTS = {
    "sources": sources, "at_one_go": at_one_go, "begun": begun, "dies": dies, "ended": ended, "resumed": resumed,
    "trained": trained, "sharded": sharded, "checkpoint": checkpoint, "restored": restored,
}  # fmt: skip
found = {}
for part in sys.argv[2:]:
    name, *arguments = part.split(":")
    found[part] = (WITH_ARGUMENTS if arguments else PARTS)[name](*arguments)
print("FOUND " + json.dumps(found), flush=True)
