"""What an object owns, and how its structure counter follows what its parts gain and lose, in several threads."""

import gc
import pickle
import threading
import weakref

import pytest

import lamina
from lamina import layers
from lamina.core import tracking


class Block(layers.Layer):
    """A layer with a list of others."""

    def __init__(self, *inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = list(inner)


def nested():
    """Three levels: (outermost, innermost, the list of layers in it)."""
    low = Block(layers.Dense(2))
    return Block(Block(low)), low, low.inner


def test_layers_built_elsewhere_leave_a_model_as_it_is():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3)])
    before = model._structure
    lamina.Sequential([lamina.Input((4,)), layers.Dense(3)])
    layers.Dense(2).build((None, 3))
    assert model._structure == before


CHANGES = {
    "list append": lambda low: low.inner.append(layers.Dense(2)),
    "list pop": lambda low: low.inner.pop(),
    "new attribute": lambda low: setattr(low, "other", layers.Dense(2)),
    "weights of a layer": lambda low: low.inner[0].build((None, 3)),
    "a metric": lambda low: setattr(low, "mean", lamina.metrics.Mean()),
    "seeds": lambda low: setattr(low, "seeds", lamina.random.SeedGenerator(1)),
    "trainable of a layer": lambda low: setattr(low.inner[0], "trainable", False),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_three_levels_down_reaches_every_owner(change):
    top, low, _ = nested()
    owners = (top, top.inner[0], low)
    before = [o._structure for o in owners]
    CHANGES[change](low)
    assert all(o._structure > b for o, b in zip(owners, before, strict=True))


def test_trainable_of_a_variable_counts_and_the_same_value_again_does_not():
    layer = layers.Dense(2)
    layer.build((None, 3))
    model = Block(layer)
    before = model._structure
    layer.trainable = True
    layer.kernel.trainable = True
    assert model._structure == before
    layer.kernel.trainable = False
    assert model._structure > before


def test_a_shared_layer_tells_all_its_owners_and_those_it_left_no_more():
    shared = Block()
    one, other = Block(shared), Block(shared)
    x = lamina.Input((3,))
    dense = layers.Dense(2)
    graph = lamina.Model(x, dense(x))
    again = lamina.Model(x, dense(x))
    for thing, owners in ((shared, (one, other)), (dense, (graph, again))):
        before = [o._structure for o in owners]
        thing.extra = layers.Dense(1)
        assert [o._structure > b for o, b in zip(owners, before, strict=True)] == [True, True]
    other.inner.clear()
    left = other._structure
    shared.extra = layers.Dense(1)
    assert other._structure == left


def test_owners_in_a_cycle_end():
    one, other = Block(), Block()
    one.inner.append(other)
    other.inner.append(one)
    before = (one._structure, other._structure)
    one.extra = layers.Dense(1)
    assert one._structure > before[0]
    assert other._structure > before[1]


def test_a_layer_keeps_no_owner_alive_and_copies_have_none():
    shared = layers.Dense(2)
    shared.build((None, 3))
    owner = Block(shared)
    known = weakref.ref(owner)
    metric = lamina.metrics.Mean()
    owner.metric = metric
    assert not pickle.loads(pickle.dumps(shared)).__dict__.get("_owners")
    del owner
    gc.collect()
    assert known() is None
    assert not shared._owners


def test_sequential_counts_what_is_added_and_popped():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3)])
    seen = [model._structure]
    model.add(layers.Dense(2))
    seen.append(model._structure)
    gone = model.pop()
    seen.append(model._structure)
    assert seen == sorted(set(seen))
    gone.trainable = False
    assert model._structure == seen[-1]


def test_the_cost_of_building_stays_flat(monkeypatch):
    """As many steps upward for each layer in a model of 400 as in one of 100."""

    def steps(count):
        total = 0
        real = tracking.Owners.values

        def counted(self):
            nonlocal total
            found = list(real(self))
            total += len(found)
            return found

        with monkeypatch.context() as m:
            m.setattr(tracking.Owners, "values", counted)
            model = lamina.Sequential([lamina.Input((2,)), *(layers.Dense(2) for _ in range(count))])
            assert len(model.weights) == 2 * count
        return total / count

    assert steps(400) <= 1.5 * steps(100)


def test_threads_that_change_a_shared_part_lose_no_count():
    shared = Block()
    owners = [Block(shared) for _ in range(4)]
    before = [o._structure for o in owners]
    ready = threading.Barrier(8)
    failed = []

    def work():
        try:
            ready.wait()
            for _ in range(50):
                shared.inner.append(layers.Dense(1))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed
    assert [o._structure - b for o, b in zip(owners, before, strict=True)] == [400] * 4
    assert len(shared._layers) == 400


@pytest.mark.parametrize("backend", ["torch"])
def test_programs_stay_when_an_unrelated_layer_is_built(backend):
    with lamina.backend(backend):
        model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        x = lamina.ops.ones((4, 4))
        model.train_on_batch(x, x[:, :1])
        model.predict_on_batch(x)
        kept = dict(model._programs)
        layers.Dense(3).build((None, 2))
        model.train_on_batch(x, x[:, :1])
        model.predict_on_batch(x)
        assert model._programs == kept
        model.layers[0].trainable = False
        model.predict_on_batch(x)
        assert model._programs != kept
