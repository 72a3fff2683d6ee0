"""Where data comes from: tables, sparse matrices, files, data sets, loaders; threads that end; errors that tell."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from models import data, linear, mlp, same_weights

import lamina
from lamina.training.feed import array_feed, arrays

X, Y = data()
ROWS = np.arange(8.0, dtype="float32")[:, None]
ZERO = np.zeros_like(ROWS)


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = [t for t in set(threading.enumerate()) - before if t.name.startswith("lamina")]
    assert not left


@pytest.fixture
def torch():
    """For tests in which the backend does not matter: the one that starts fastest."""
    with lamina.backend("torch"):
        yield


def loss_of(x, y=None, **options):
    return linear().fit(x, y, verbose=0, shuffle=False, **options).history["loss"][0]


# -- in memory -----------------------------------------------------------------------------------------------------------


def test_pandas(torch):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": ROWS[:, 0], "b": ZERO[:, 0]})
    assert loss_of(frame[["a"]], frame["b"]) == 3.5
    mixed = pandas.DataFrame({"a": [1, 2], "b": [True, False]})
    assert arrays.as_array(mixed, "x").tolist() == [[1.0, 1.0], [2.0, 0.0]]
    with pytest.raises(ValueError, match=r"holds texts .*Encode them first: categories with"):
        loss_of(pandas.DataFrame({"a": ["x", "y"]}), [0.0, 1.0])


def test_polars(torch):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": ROWS[:, 0], "b": ZERO[:, 0]})
    assert loss_of(frame.select("a"), frame["b"]) == 3.5


def test_arrow(torch):
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"a": ROWS[:, 0], "b": ZERO[:, 0]})
    assert loss_of(table.select(["a"]), table["b"]) == 3.5


class Columns:
    """A data set of named columns, as Hugging Face has them."""

    column_names = ["a", "label"]

    def __len__(self):
        return 8

    def with_format(self, kind):
        assert kind == "numpy"
        return self

    def __getitem__(self, rows):
        return {"a": ROWS[rows], "label": ZERO[rows]}


def test_data_sets_of_columns(torch):
    assert loss_of(Columns(), "label") == 3.5
    with pytest.raises(ValueError, match="needs the name of the target"):
        loss_of(Columns())
    with pytest.raises(ValueError, match=r"no column 'target'\. Columns: a, label"):
        loss_of(Columns(), "target")


def test_sparse(torch, monkeypatch):
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(64, 5, 0.3, format="csc", dtype="float64", random_state=0)
    dense = mlp()
    dense.fit(matrix.toarray(), Y[:64], verbose=0, batch_size=16)
    whole = mlp()
    whole.fit(matrix, Y[:64], verbose=0, batch_size=16)
    assert same_weights(whole, dense)
    monkeypatch.setattr(arrays, "MEMORY_BUDGET", 100)
    rows = mlp()
    rows.fit(matrix, Y[:64], verbose=0, batch_size=16)
    assert same_weights(rows, dense)
    assert isinstance(arrays.as_array(matrix, "x"), arrays.Rows)


def test_lists_and_64_bits(torch):
    assert loss_of(ROWS.tolist(), ZERO.tolist()) == 3.5
    assert loss_of(ROWS.astype("float64"), ZERO.astype("int64")) == 3.5
    assert loss_of(ROWS.astype("uint8"), ZERO) == 3.5


# -- files -----------------------------------------------------------------------------------------------------------------


@pytest.mark.around_the_step
def test_the_byte_order_of_other_machines(backend, tmp_path, monkeypatch):
    """As files of FITS, IDX or HDF5 give it; no framework takes it."""
    x, y = ROWS.astype(">f4"), np.zeros((8, 1), ">i4")
    assert loss_of(x, y) == loss_of(iter([(x, y)])) == loss_of(ROWS, ZERO)
    np.testing.assert_allclose(linear().predict(x, verbose=0), ROWS, rtol=1e-6)
    assert float(lamina.ops.sum(x)) == ROWS.sum()
    large = lamina.ops.convert_to_tensor(np.arange(1 << 19).astype(">i4"))
    assert int(lamina.ops.max(large)) == (1 << 19) - 1
    monkeypatch.setattr(arrays, "FILE_BUDGET", 10)
    np.save(tmp_path / "y.npy", y)
    assert loss_of(x, np.load(tmp_path / "y.npy", mmap_mode="r")) == loss_of(ROWS, ZERO)


@pytest.mark.around_the_step
def test_memory_map_is_read_in_chunks(backend, tmp_path, monkeypatch):
    path = tmp_path / "x.dat"
    mapped = np.memmap(path, "float64", "w+", shape=(70, 5))
    mapped[:] = X
    here = mlp(dropout=0.2)
    here.fit(X, Y, epochs=2, batch_size=8, verbose=0, validation_split=0.2)
    expected = here.predict(X, verbose=0, batch_size=8)
    monkeypatch.setattr(arrays, "FILE_BUDGET", 1000)
    monkeypatch.setattr(array_feed, "CHUNK", 400)
    streamed = mlp(dropout=0.2)
    assert isinstance(arrays.as_array(mapped, "x"), arrays.Rows)
    history = streamed.fit(mapped, Y, epochs=2, batch_size=8, verbose=0, validation_split=0.2)
    assert same_weights(here, streamed)
    assert history.history == here.history.history
    np.testing.assert_array_equal(streamed.predict(mapped, verbose=0, batch_size=8), expected)
    assert streamed.evaluate(mapped, Y, verbose=0) == pytest.approx(here.evaluate(X, Y, verbose=0), rel=1e-6)


def test_hdf5(torch, tmp_path, monkeypatch):
    import h5py

    monkeypatch.setattr(arrays, "FILE_BUDGET", 100)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        stored = file.create_dataset("x", data=X, chunks=(7, 5))
        model = mlp()
        model.fit(stored, Y, epochs=2, verbose=0)
        plain = mlp()
        plain.fit(X, Y, epochs=2, verbose=0)
    assert same_weights(model, plain)


# -- streams ---------------------------------------------------------------------------------------------------------------


class Numbered(lamina.utils.PyDataset):
    def __init__(self, fail_at=None, **options):
        super().__init__(**options)
        self.fail_at = fail_at
        self.hooks = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index == self.fail_at:
            raise KeyError("row that is not there")
        return ROWS[index * 2 : index * 2 + 2], ZERO[:2]

    def on_epoch_begin(self):
        self.hooks.append("begin")

    def on_epoch_end(self):
        self.hooks.append("end")


@pytest.mark.around_the_step
@pytest.mark.parametrize("options", [{}, {"workers": 3}, {"workers": 2, "max_queue_size": 1}])
def test_py_dataset(backend, options):
    source = Numbered(**options)
    history = linear().fit(source, epochs=2, verbose=0, validation_data=Numbered()).history
    assert history["loss"] == history["val_loss"] == [3.5, 3.5]
    assert source.hooks == ["begin", "end"] * 2
    assert linear().predict(source, verbose=0).ravel().tolist() == list(range(8))
    assert linear().evaluate(source, verbose=0) == 3.5


def test_py_dataset_in_processes(torch):
    assert loss_of(Numbered(workers=1, use_multiprocessing=True)) == 3.5


def test_order_of_a_py_dataset_is_drawn_anew(torch):
    seen = []

    class Seen(Numbered):
        def __getitem__(self, index):
            seen.append(index)
            return super().__getitem__(index)

    lamina.utils.set_random_seed(0)
    linear().fit(Seen(), epochs=3, verbose=0)
    orders = {tuple(seen[i : i + 4]) for i in range(1, 13, 4)}  # the first is the sample
    assert len(orders) > 1
    assert all(sorted(o) == [0, 1, 2, 3] for o in orders)


def test_an_endless_data_set(torch):
    class Endless(Numbered):
        num_batches = None

        def __getitem__(self, index):
            return np.full((1, 1), float(index), "float32"), ZERO[:1]

    assert linear().fit(Endless(), steps_per_epoch=4, epochs=2, verbose=0).history["loss"] == [1.5, 5.5]


def test_generators(backend):
    def batches():
        for i in range(5):
            yield ROWS[i : i + 1], ZERO[:1], np.ones(1, "float32")

    assert loss_of(batches()) == 2.0
    assert linear().fit(batches(), steps_per_epoch=2, epochs=2, verbose=0).history["loss"] == [0.5, 2.5]
    with pytest.warns(UserWarning, match="ended after 1 batches, 2 were asked for"):
        history = linear().fit(batches(), steps_per_epoch=2, epochs=4, verbose=0)
    assert history.epoch == [0, 1, 2]
    with pytest.raises(ValueError, match="no batch at all"):
        loss_of(iter(()))


class Refilled(lamina.utils.PyDataset):
    """Gives every batch in the same two arrays."""

    def __init__(self):
        super().__init__()
        self.x, self.y = np.zeros((7, 5), "float32"), np.zeros((7, 1), "float32")

    def __len__(self):
        return 10

    def __getitem__(self, i):
        self.x[:], self.y[:] = X[7 * i : 7 * i + 7], Y[7 * i : 7 * i + 7]
        return [self.x], self.y


@pytest.mark.around_the_step
@pytest.mark.parametrize("generator", [False, True])
def test_sources_may_fill_the_same_arrays_again(backend, generator):
    models = [mlp(1), mlp(1)]
    source = Refilled()
    models[0].fit((source[i] for i in range(10)) if generator else source, shuffle=False, verbose=0)
    models[1].fit(X, Y, batch_size=7, shuffle=False, verbose=0)
    for a, b in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_batches_of_unlike_sizes(backend):
    batches = [(ROWS[:3], ZERO[:3]), (ROWS[3:8], ZERO[3:8])]
    assert loss_of(iter(batches)) == 3.5


def test_torch_data_loader(backend):
    from torch import from_numpy
    from torch.utils.data import DataLoader, TensorDataset

    loader = DataLoader(TensorDataset(from_numpy(ROWS), from_numpy(ZERO)), batch_size=3)
    assert linear().fit(loader, epochs=2, verbose=0).history["loss"] == [3.5, 3.5]
    assert linear().predict(DataLoader(from_numpy(ROWS), batch_size=3), verbose=0).shape == (8, 1)


def test_tensorflow_data_set(backend):
    tensorflow = pytest.importorskip("tensorflow")
    made = tensorflow.data.Dataset.from_tensor_slices((ROWS, ZERO)).batch(3)
    assert linear().fit(made, epochs=2, verbose=0, validation_data=made).history["val_loss"] == [3.5, 3.5]
    assert linear().fit(made.repeat(), steps_per_epoch=3, epochs=2, verbose=0).history["loss"] == [3.5, 3.5]


class Mapped:
    """A data set by number without Lamina's class, as Grain's MapDataset is one."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return {"a": ROWS[index * 2 : index * 2 + 2]}, ZERO[:2]


def test_any_data_set_by_number(torch):
    x = lamina.Input((1,), name="a")
    model = lamina.Model({"a": x}, lamina.layers.Dense(1, kernel_initializer="ones")(x))
    model.compile(lamina.optimizers.SGD(0.0), "mae")
    assert model.fit(Mapped(), verbose=0).history["loss"] == [3.5]


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"workers": 2}])
def test_a_failure_has_its_own_traceback(torch, options):
    with pytest.raises(KeyError, match="row that is not there") as caught:
        loss_of(Numbered(fail_at=2, **options))
    assert any(entry.name == "__getitem__" for entry in caught.traceback)


def test_a_failing_generator(torch):
    def batches():
        yield ROWS, ZERO
        raise OSError("disk")

    with pytest.raises(OSError, match="disk") as caught:
        loss_of(batches())
    assert caught.traceback[-1].name == "batches"


def test_ctrl_c_ends_the_reader(torch):
    closed = []

    def batches():
        try:
            while True:
                time.sleep(0.001)
                yield ROWS, ZERO
        finally:
            closed.append(True)

    class CtrlC(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise KeyboardInterrupt

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        linear().fit(batches(), verbose=0, callbacks=[CtrlC()])
    assert not [t for t in set(threading.enumerate()) - before if t.name.startswith("lamina")]
    with pytest.raises(KeyboardInterrupt):
        linear().fit(Numbered(workers=2), verbose=0, epochs=9, callbacks=[CtrlC()])


def test_one_thread_reads_every_pass(torch, monkeypatch):
    """A thread for each epoch took memory from another of malloc's heaps each time, and left it there."""
    from lamina.training.feed import prefetch

    monkeypatch.setattr(prefetch, "_QUICK", 0.0)
    readers = set()

    class Source(Numbered):
        def __getitem__(self, index):
            readers.add(threading.current_thread())
            return super().__getitem__(index)

    for _ in range(2):
        linear().fit(Source(), verbose=0, epochs=3)
    assert len(readers - {threading.main_thread()}) == 1
    assert not [t for t in readers if t.name.startswith("lamina")]  # it is parked


@pytest.mark.parametrize(
    ("quick", "where"), [(9.0, {"MainThread"}), (0.0, {"MainThread", "lamina-prefetch"})]
)
def test_a_source_that_is_not_quick_is_read_in_a_thread(torch, monkeypatch, quick, where):
    from lamina.training.feed import prefetch

    monkeypatch.setattr(prefetch, "_QUICK", quick)
    names, seen = [], []

    def batches():
        for i in range(6):
            names.append(threading.current_thread().name)
            yield ROWS[i : i + 1], ZERO[:1]

    class See(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    linear().fit(batches(), verbose=0, callbacks=[See()])
    assert seen == [*range(6)]
    assert names[0] == "MainThread"
    assert set(names) == where


def test_batches_that_were_read_ahead_are_not_lost(torch):
    def batches():
        for i in range(8):
            yield ROWS[i : i + 1], ZERO[:1]

    class Stop(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    from lamina.training.feed.stream_feed import StreamFeed

    feed = StreamFeed(batches())
    with lamina.backend("torch") as k:
        first = feed.batches(0, 0, None, k)
        assert next(first)[0].item() == 0.0
        time.sleep(0.05)
        first.close()
        assert [float(b[0].item()) for b in feed.batches(1, 0, None, k)] == [1, 2, 3, 4, 5, 6, 7]


def test_sources_that_are_none(torch):
    with pytest.raises(ValueError, match="cannot be given beside a data source"):
        loss_of(Numbered(), ZERO)
    with pytest.raises(ValueError, match="Cannot read data from object"):
        loss_of(object())
    with pytest.raises(NotImplementedError, match="must define `__getitem__"):
        lamina.utils.PyDataset()[0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_million_rows_from_a_file_keep_memory_small(tmp_path):
    """In a process of its own: its peak says it all."""
    script = Path(__file__).with_name("million_rows.py")
    for name in ("jax", "torch", "tensorflow"):
        out = subprocess.run(
            [sys.executable, str(script), str(tmp_path / "x.dat"), name],
            capture_output=True,
            text=True,
            check=True,
        )
        peak, seconds = map(float, out.stdout.split()[-2:])
        assert peak < 1.5e9, f"{name}: {peak / 1e9:.2f} GB after {seconds:.0f} s"
