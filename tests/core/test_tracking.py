"""What an object owns, and how its structure counter follows what its parts gain and lose, in several threads."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
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
    dense = type("Open", (layers.Dense,), {"_locks": False})(2)
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
    assert not shared._owners.living()


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
        real = tracking.Owners.living

        def counted(self):
            nonlocal total
            found = list(real(self))
            total += len(found)
            return found

        with monkeypatch.context() as m:
            m.setattr(tracking.Owners, "living", counted)
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
        kept = dict(model._model_state.programs._programs)
        layers.Dense(3).build((None, 2))
        model.train_on_batch(x, x[:, :1])
        model.predict_on_batch(x)
        assert model._model_state.programs._programs == kept
        model.layers[0].trainable = False
        model.predict_on_batch(x)
        assert model._model_state.programs._programs != kept


class Doubled(lamina.metrics.Metric):
    """A metric that holds others, in a list that grows."""

    def __init__(self, name="doubled"):
        self.parts = []  # before super().__init__, as old code does
        super().__init__(name=name)
        self.total = self.add_variable((), "zeros", name="total")
        self.direct = lamina.Variable(0.0, trainable=False, name="direct")

    def update_state(self, values):
        self.total.assign_add(lamina.ops.sum(values))

    def result(self):
        return self.total.value


def test_metrics_own_what_their_attributes_hold():
    metric = Doubled()
    layer = Block()
    layer.metric = metric
    before = layer._structure
    metric.parts.append(lamina.metrics.Mean())
    assert [v.name for v in metric.variables] == ["total", "direct", "total", "count"]
    assert layer._structure > before
    assert len(layer.metrics_variables) == 4
    metric.update_state(np.ones(3, "float32"))
    for again in (copy.deepcopy(metric), pickle.loads(pickle.dumps(metric))):
        assert float(again.result()) == 3
        again.parts.append(lamina.metrics.Sum())  # the list of a copy goes on tracking
        assert len(again.variables) == 5
        again.update_state(np.ones(1, "float32"))
        assert float(metric.result()) == 3
    metric.parts.clear()
    assert len(metric.variables) == 2


def test_optimizers_own_what_they_made_and_not_the_weights():
    class Own(lamina.optimizers.Optimizer):
        def build(self, variables):
            self.seen = list(variables)  # the model's
            self.kept = [self.add_variable_from_reference(v, "kept") for v in self.seen]
            super().build(self.seen)

        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient)

    with lamina.backend("torch"):
        w = lamina.Variable([1.0, 2.0], name="w")
        optimizer = Own(0.5)
        model = lamina.Sequential([lamina.Input((2,)), layers.Dense(1)])
        model.compile(optimizer, "mse")
        before = model._structure, optimizer._structure
        optimizer.learning_rate = lamina.optimizers.schedules.ExponentialDecay(0.5, 1, 1.0)
        assert optimizer._structure > before[1]  # the rate was a variable
        assert model._structure == before[0]  # what predicts does not depend on it
        assert [v.name for v in optimizer.variables][:1] == ["iteration"]
        assert len(optimizer.variables) == 3
        free = Own(0.5)
        free.build([w])
        assert [v.name for v in free.variables] == ["iteration", "learning_rate", "w_kept"]


@pytest.mark.parametrize("made", ["Adam", "LossScaleOptimizer", "MultiOptimizer"])
def test_optimizers_copy_and_pickle_with_their_state(made):
    def fresh():
        if made == "Adam":
            return lamina.optimizers.Adam(0.1)
        if made == "LossScaleOptimizer":
            return lamina.optimizers.LossScaleOptimizer(lamina.optimizers.Adam(0.1))
        return lamina.optimizers.MultiOptimizer(lamina.optimizers.OptimizerMap(lamina.optimizers.Adam(0.1)))

    with lamina.backend("torch"):
        w = lamina.Variable([1.0, 2.0], name="w")
        optimizer = fresh()
        if made == "Adam":
            optimizer.exclude_from_weight_decay([w])
        g = lamina.ops.array([1.0, -1.0])
        optimizer.apply([g], [w])
        for again in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
            mine = again._trainable_variables
            assert mine[0] is not w
            if made == "Adam":
                assert again._undecayed == {id(mine[0])}
            again.apply([g], mine)
            for a, b in zip(optimizer.variables, again.variables, strict=True):
                assert a is not b
                if a.name == "iteration":
                    assert int(b.numpy()) >= int(a.numpy())
        assert [int(v.numpy()) for v in optimizer.variables if v.name == "iteration"].count(2) == 0


def test_models_own_their_optimizers_and_files_follow_what_is_owned():
    from lamina.saving.tree import places

    class Net(lamina.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [layers.Dense(2), {"last": layers.Dense(1)}]
            self.second = lamina.optimizers.SGD(0.1)
            self.__dict__["aside"] = layers.Dense(3)  # the object's own business

    with lamina.backend("numpy"):
        net = Net()
        net.compile(lamina.optimizers.SGD(0.1), "mse")
        assert tracking.owned(net, "optimizer") == [net.second, net.optimizer]
        assert [p.path for p in places(net)] == [
            "",
            "blocks/dense",
            "blocks/container/dense",
            "optimizer",
            "second",
        ]
        first = net.optimizer
        net.compile(lamina.optimizers.Adam(0.1), "mse")
        assert first not in tracking.owned(net, "optimizer")


def test_what_cannot_be_set_is_not_owned():
    class Fixed(layers.Layer):
        @property
        def inner(self):
            return None

    layer = Fixed()
    with pytest.raises(AttributeError, match="inner"):
        layer.inner = layers.Dense(1)
    assert layer._layers == []
