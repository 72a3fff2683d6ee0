"""Every kind of data that `fit` takes, over 45 numbered rows: which rows a model saw, and which a process read."""

import importlib.util
from typing import NamedTuple

import numpy as np

import lamina

D = lamina.distribution
COUNT, SIZE = 45, 8
ROWS = np.arange(COUNT, dtype="float32")[:, None]


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


class Shard(NamedTuple):
    """What a source is told: its part of so many."""

    number: int = 0
    count: int = 1

    def own(self, rows):
        """The rows of this part; the last part is shorter."""
        return rows[self.number :: self.count]


class Batches(lamina.utils.PyDataset):
    def __init__(self, rows=ROWS, **how):
        super().__init__(**how)
        self.all = rows

    def __len__(self):
        return -(-len(self.all) // SIZE)

    def __getitem__(self, i):
        return self.all[i * SIZE : i * SIZE + SIZE]


class Logged:
    """Rows in a file, as HDF5 gives them, that remembers which of them were read."""

    chunks = None

    def __init__(self):
        self.shape, self.dtype, self.seen = ROWS.shape, ROWS.dtype, set()

    def __getitem__(self, index):
        found = ROWS[index]
        self.seen |= set(found.ravel().astype(int).tolist())
        return found


class ByRows(Batches):
    """A data set that can give some rows of a batch."""

    seen = set()

    def __getitem__(self, i):
        return self.read_rows(i, 0, self.count_rows(i))

    def count_rows(self, i):
        return len(ROWS[i * SIZE : i * SIZE + SIZE])

    def read_rows(self, i, start, stop):
        found = ROWS[i * SIZE : i * SIZE + SIZE][start:stop]
        type(self).seen |= set(found.ravel().astype(int).tolist())
        return found


class Again:
    """Can be read again and again; has neither length nor numbers."""

    def __init__(self, rows=ROWS):
        self.all = rows

    def __iter__(self):
        return (self.all[i : i + SIZE] for i in range(0, len(self.all), SIZE))


def loader(rows, iterable):
    from torch.utils.data import DataLoader, IterableDataset, TensorDataset

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(rows)

    if iterable:
        return DataLoader(Stream(), batch_size=SIZE)
    import torch

    made = TensorDataset(torch.from_numpy(np.ascontiguousarray(rows)))
    return DataLoader(made, batch_size=SIZE, shuffle=True, generator=torch.Generator().manual_seed(3))


def frame(rows):
    import pandas

    return pandas.DataFrame(rows, columns=["id"])


def tf_data(rows):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(rows).shuffle(COUNT, seed=3).batch(SIZE)


class Records:
    """Rows by number, for Grain."""

    def __init__(self, rows):
        self.all, self.seen = rows, set()

    def __len__(self):
        return len(self.all)

    def __getitem__(self, i):
        self.seen.add(int(self.all[i][0]))
        return self.all[i]


def grain_map(rows, shard=None):
    import grain

    records = Records(rows)
    made = grain.MapDataset.source(records).shuffle(seed=3)
    return (made if shard is None else made[shard.number :: shard.count]).batch(SIZE), records


def grain_loader(rows):
    import grain

    sampler = grain.samplers.IndexSampler(
        len(rows), shard_options=grain.sharding.NoSharding(), shuffle=True, num_epochs=1, seed=3
    )
    batch = [grain.transforms.Batch(SIZE)]
    return grain.DataLoader(data_source=Records(rows), sampler=sampler, operations=batch, worker_count=0)


def there(name):
    return importlib.util.find_spec(name) is not None


def shared(folder, everything):
    """Sources that every process is given alike: (source, how to fit)."""
    np.save(folder / "ids.npy", ROWS)
    rows = {"batch_size": SIZE, "shuffle": False}
    found = {
        "arrays": lambda: (ROWS, rows), "shuffled": lambda: (ROWS, {**rows, "shuffle": True}),
        "blocks": lambda: (ROWS, {**rows, "shuffle": "batch"}),
        "memory map": lambda: (np.load(folder / "ids.npy", mmap_mode="r"), {**rows, "shuffle": True}),
        "dataset": lambda: (Batches(), {"shuffle": True}), "workers": lambda: (Batches(workers=2), {}),
        "again": lambda: (Again(), {}), "tensors": lambda: (lamina.ops.convert_to_tensor(ROWS), rows),
        "generator": lambda: ((Batches()[i % 6] for i in range(12)), {"steps_per_epoch": 6}),
        "pandas": lambda: (frame(ROWS), {**rows, "shuffle": True}),
        "lists": lambda: (ROWS.tolist(), rows),
    }  # fmt: skip
    if everything and there("torch"):
        found |= {"loader": lambda: (loader(ROWS, False), {}), "stream": lambda: (loader(ROWS, True), {})}
    if everything and there("jax"):
        found["jax arrays"] = lambda: (__import__("jax").numpy.asarray(ROWS), rows)
    if everything and there("tensorflow"):
        found["tf.data"] = lambda: (tf_data(ROWS), {})
    if everything and there("grain"):
        found |= {
            "grain map": lambda: (grain_map(ROWS)[0], {}), "grain loader": lambda: (grain_loader(ROWS), {}),
            "grain stream": lambda: (grain_map(ROWS)[0].to_iter_dataset(), {}),
        }  # fmt: skip
    return found


def told(shard, everything):
    """Sources that are told their part and give no other rows; parts are not of one size."""
    own, rows = shard.own(ROWS), {"batch_size": SIZE}
    few = ROWS[:3] if shard.number else ROWS[3:] if shard.count > 1 else ROWS
    none = ROWS[:0] if shard.number else ROWS
    found = {
        "own arrays": lambda: (own, rows), "own, few": lambda: (few, rows), "own, none": lambda: (none, rows),
        "own dataset": lambda: (Batches(own), {}), "own again": lambda: (Again(own), {}),
        "own generator": lambda: (iter([*Again(own), *Again(own)]), {"steps_per_epoch": -(-len(own) // SIZE)}),
        "own pandas": lambda: (frame(own), rows),
    }  # fmt: skip
    if everything and there("torch"):
        found |= {
            "own loader": lambda: (loader(own, False), {}),
            "own stream": lambda: (loader(few, True), {}),
        }
    if everything and there("tensorflow"):
        found["own tf.data"] = lambda: (
            tf_data(ROWS).unbatch().shard(shard.count, shard.number).batch(SIZE),
            {},
        )
    if everything and there("grain"):
        found["own grain map"] = lambda: (grain_map(ROWS, shard)[0], {})
    return found


def sums(model, source, how):
    """The three sums, of each of two epochs where they differ."""
    history = model.fit(source, epochs=2, verbose=0, **how).history
    found = [[float(v) for v in history[name]] for name in ("count", "total", "squares")]
    return found if any(len(set(one)) > 1 or len(one) < 2 for one in found) else [one[0] for one in found]


def model_under(distribution):
    D.set_distribution(distribution)
    model = Ids()
    model.compile()
    return model


def sources(folder, many, everything):
    """For each source the sums of what was seen; and which rows this process read of those that can be asked for rows."""
    model = model_under(D.DataParallel() if many else None)
    seen = {name: sums(model, *make()) for name, make in shared(folder, everything).items()}
    file = Logged()
    seen["file"] = sums(model, file, {"batch_size": SIZE, "shuffle": False})
    seen["by rows"] = sums(model, ByRows(), {"shuffle": True})
    read = {"file": sorted(file.seen), "by rows": sorted(ByRows.seen)}
    parallel = D.DataParallel(auto_shard_dataset=False) if many else None
    shard = Shard(parallel.data_shard_id, parallel.num_data_shards) if parallel else Shard()
    model = model_under(parallel)
    seen |= {name: sums(model, *make()) for name, make in told(shard, everything).items()}
    if many:  # along an axis that does not divide rows all processes are told the same part
        grid = D.DeviceMesh((1, D.get_device_count()), ["batch", "model"])
        parallel = D.ModelParallel(layout_map="auto", device_mesh=grid, auto_shard_dataset=False)
        assert (parallel.data_shard_id, parallel.num_data_shards) == (0, 1)
        seen["the same part"] = sums(model_under(parallel), Batches(), {})
        D.set_distribution(D.DataParallel(auto_shard_dataset=False))
    if everything and there("grain"):
        source, records = grain_map(ROWS, shard)
        seen["own grain"] = sums(model, source, {})
        read["own grain"] = sorted(records.seen)
    return {"seen": seen, "read": read}
