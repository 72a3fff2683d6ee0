"""Batches of a stream that go into one dispatch: the same results as one by one, and none is lost."""

import itertools
import time

import numpy as np
import pytest
from models import data, linear, mlp, same_weights

import lamina
from lamina.training.feed import chunks, prefetch
from lamina.training.feed.chunks import Group, Pass
from lamina.training.feed.stream_feed import StreamFeed
from lamina.training.run import program

X, Y = data(230)
ROWS = np.arange(8.0, dtype="float32")[:, None]
ZERO = np.zeros_like(ROWS)


@pytest.fixture
def dispatches(monkeypatch):
    """How many steps each dispatch takes."""
    taken = []
    run, run_batch = program.Program.run, program.Program.run_batch

    def counted(self, data, indices, start, stop):
        taken.append(stop - start)
        return run(self, data, indices, start, stop)

    def alone(self, batch):
        taken.append(1)
        return run_batch(self, batch)

    monkeypatch.setattr(program.Program, "run", counted)
    monkeypatch.setattr(program.Program, "run_batch", alone)
    return taken


def batches(rows=10):
    return ((X[i : i + rows], Y[i : i + rows]) for i in range(0, len(X), rows))


class Each(lamina.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


def trained(source, **options):
    model = mlp(dropout=0.3)
    model.fit(source, verbose=0, **options)
    return model


@pytest.mark.steps_as_users_have_them
def test_steps_together_give_what_single_ones_give(backend, dispatches, monkeypatch):
    monkeypatch.setattr(prefetch, "_QUICK", 9.0)
    together = trained(batches())
    assert sum(dispatches) == 23
    assert len(dispatches) == 23 if backend == "torch" else len(dispatches) < 10
    dispatches.clear()
    each = trained(batches(), callbacks=[Each()])
    assert dispatches == [1] * 23
    monkeypatch.setattr(prefetch, "_QUICK", 0.0)
    assert same_weights(together, each)
    assert same_weights(together, trained(batches()))


@pytest.mark.around_the_step
def test_inputs_by_name_do_not_change_places(backend, dispatches, monkeypatch):
    """Whatever order the dicts of a stream have: steps together give what single ones give."""
    monkeypatch.setattr(prefetch, "_QUICK", 9.0)
    a, b = (lamina.Input((1,), name=n) for n in "ab")
    model = lamina.Model({"b": b, "a": a}, lamina.layers.Lambda(lambda x: x[0] - 10 * x[1])([a, b]))
    model.compile(loss="mean_absolute_error")
    stream = (({"b": ROWS[i : i + 1], "a": 5 * ROWS[i : i + 1]}, ZERO[:1]) for i in range(8))
    assert model.evaluate(stream, verbose=0) == 5 * ROWS.mean()
    assert len(dispatches) == 8 if backend == "torch" else len(dispatches) < 8


@pytest.mark.around_the_step
def test_an_indexed_set_too(backend, dispatches, monkeypatch):
    class Indexed(lamina.utils.PyDataset):
        def __len__(self):
            return 23

        def __getitem__(self, i):
            return X[10 * i : 10 * i + 10], Y[10 * i : 10 * i + 10]

    monkeypatch.setattr(prefetch, "_QUICK", 9.0)
    assert same_weights(trained(Indexed(), shuffle=False), trained(batches()))
    assert (max(dispatches) > 1) == (backend != "torch")


@pytest.mark.around_the_step
def test_callbacks_are_called_when_they_ask(backend, dispatches):
    seen = []

    class See(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))

    model = linear(steps_per_execution=3)
    model.fit(((ROWS[i : i + 1], ZERO[:1]) for i in range(8)), verbose=0, callbacks=[See()])
    assert seen == [(2, 1.0), (5, 2.5), (7, 3.5)]
    assert dispatches[:2] == ([1, 1] if backend == "torch" else [3, 3])


def test_sizes_in_turn(backend):
    cuts = [0, 2, 4, 5, 6, 8]
    source = ((ROWS[a:b], ZERO[a:b]) for a, b in itertools.pairwise(cuts))
    assert linear().fit(source, verbose=0).history["loss"] == [3.5]
    assert linear().evaluate((batch for batch in [(ROWS, ZERO)] * 3), verbose=0) == 3.5


@pytest.mark.around_the_step
def test_large_batches_come_alone(backend, dispatches, monkeypatch):
    monkeypatch.setattr(chunks, "_ROOM", 2 * X[:10].nbytes)
    trained(batches())
    assert dispatches == [1] * 23


def test_what_was_read_and_not_taken_is_not_lost():
    with lamina.backend("jax") as k:
        feed = StreamFeed((ROWS[i : i + 1], ZERO[:1]) for i in range(8))
        passing = feed.chunks(Pass(0, 0, None, k, want=lambda: 5))
        chunk = next(passing)
        assert chunk.count == 5
        assert chunk.lines.shape == (16, 1)
        assert chunk.data[0][:6, 0].tolist() == [0, 1, 2, 3, 4, 0]
        feed.taken(3)
        passing.close()
        assert [float(b[0].item()) for b in feed.batches(1, 0, None, k)] == [3, 4, 5, 6, 7]


@pytest.mark.around_the_step
def test_nothing_is_read_once_training_stops(backend):
    class Stop(lamina.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    source = iter([(ROWS[i : i + 1], ZERO[:1]) for i in range(8)])
    model = linear(steps_per_execution=3)
    model.fit(source, verbose=0, callbacks=[Stop()])
    assert float(next(source)[0].item()) == 3.0


@pytest.mark.parametrize(
    "batch",
    [
        (np.array([["a"], ["b"]], object), ZERO[:2], None),
        (ROWS, ZERO[:2], None),
        (np.float32(1), None, None),
        (np.zeros((0, 3), "float32"), None, None),
        (np.zeros((2, 70_000), "float32"), None, None),
        (None, None, None),
    ],
    ids=["texts", "rows of two counts", "a number", "no row", "large", "nothing"],
)
def test_what_cannot_be_put_side_by_side(batch):
    group = Group()
    group.add(batch)
    chunk = group.chunk()
    assert chunk.lines is None
    assert chunk.data is batch
    assert chunk.count == 1


def test_memory_begins_where_no_copy_is_needed():
    group = Group()
    batch = {"a": ROWS.astype("float16"), "b": ROWS.astype("int64")}, ZERO[:, 0], None
    for _ in range(3):
        assert group.takes(batch)
        group.add(batch)
    assert not group.takes(({"a": ROWS, "b": ROWS}, ZERO[:, 0], None))
    (x, y, w), lines, count = group.chunk()
    assert (count, lines.shape, w) == (3, (16, 8), None)
    for leaf in (x["a"], x["b"], y):
        assert leaf.ctypes.data % 64 == 0
        assert leaf.shape[0] == 16 * 8
    np.testing.assert_array_equal(x["b"][lines[2], 0], ROWS[:, 0])
    assert not group.batches


def test_batches_that_are_there_do_not_wait_for_others(dispatches, monkeypatch):
    monkeypatch.setattr(prefetch, "_QUICK", 0.0)
    waited = []

    def source():
        for batch in itertools.islice(batches(), 6):
            yield batch
            for _ in range(
                6000
            ):  # for the step of this batch: a minute, which a loaded machine may need to compile it
                if sum(dispatches) > len(waited):
                    break
                time.sleep(0.01)
            waited.append(sum(dispatches) > len(waited))
            if not waited[-1]:
                return

    with lamina.backend("jax"):
        trained(source())
    assert waited == [True] * 6


@pytest.mark.around_the_step
def test_what_came_before_a_failure_is_trained_on(backend, dispatches):
    def source():
        yield from itertools.islice(batches(), 5)
        raise OSError("disk")

    with pytest.raises(OSError, match="disk") as caught:
        trained(source())
    assert caught.traceback[-1].name == "source"
    assert sum(dispatches) == 5


def test_a_batch_of_another_kind_is_not_lost():
    with lamina.backend("jax") as k:
        feed = StreamFeed(iter([(ROWS[:1], ZERO[:1]), (ROWS[1:3], ZERO[1:3]), (ROWS[3:5], ZERO[3:5])]))
        passing = feed.chunks(Pass(0, 0, None, k, want=lambda: 8))
        assert next(passing).count == 1
        feed.taken(1)
        passing.close()
        assert [b[0][0].item() for b in feed.batches(1, 0, None, k)] == [1, 3]
