"""What a layer owns, its config, its calls: the core, on one backend."""

import copy
import pickle

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.core.operation import Node

X = np.arange(8, dtype="float32").reshape(2, 4)


class Block(layers.Layer):
    _locks = False  # layers come and go here, as in a model

    """Layers in attributes, lists, dicts and nested lists."""

    def __init__(self, units=3, **kwargs):
        self.early = layers.Dense(units)  # before super().__init__, as old code does
        super().__init__(**kwargs)
        self.units = units
        self.stack = [layers.Dense(units), [layers.Dense(units)]]
        self.table = {"a": layers.Dense(units), "b": (layers.Dense(units),)}
        self.count = lamina.Variable(0.0, trainable=False, name="count")
        self.seeds = lamina.random.SeedGenerator(1)
        self.mean = lamina.metrics.Mean()

    def call(self, x):
        for layer in (self.early, self.stack[0], self.stack[1][0], self.table["a"], self.table["b"][0]):
            x = layer(x)
        return x


def test_tracking_reaches_lists_and_dicts():
    block = Block()
    block(X)
    assert len(block.trainable_weights) == 10
    assert len(block.weights) == 11
    assert len(block.variables) == 12  # the random seed besides
    block.stack.append(layers.Dense(2))
    block.stack[-1](np.ones((1, 3), "float32"))
    assert len(block.weights) == 13
    block.early = None
    assert len(block.weights) == 11


REMOVALS = {
    "attribute": lambda block, layer: delattr(block, "one"),
    "replaced attribute": lambda block, layer: setattr(block, "one", None),
    "list.pop": lambda block, layer: block.many.pop(),
    "list.remove": lambda block, layer: block.many.remove(layer),
    "list.clear": lambda block, layer: block.many.clear(),
    "del list[i]": lambda block, layer: block.many.__delitem__(-1),
    "list[i] =": lambda block, layer: block.many.__setitem__(-1, None),
    "list[i:j] =": lambda block, layer: block.many.__setitem__(slice(1, 2), []),
    "dict.pop": lambda block, layer: block.table.pop("a"),
    "dict.popitem": lambda block, layer: block.table.popitem(),
    "dict.clear": lambda block, layer: block.table.clear(),
    "del dict[k]": lambda block, layer: block.table.__delitem__("a"),
    "dict[k] =": lambda block, layer: block.table.__setitem__("a", None),
    "dict |=": lambda block, layer: block.table.__ior__({"a": None}),
}


@pytest.mark.parametrize("how", REMOVALS)
def test_what_is_taken_out_is_no_longer_tracked(how):
    """Unless another attribute holds it still; where Keras forgets it, or goes on training it."""
    layer, block = layers.Dense(4), layers.Layer()
    layer(X)
    where = "one" if "attribute" in how else "many" if "list" in how else "table"
    block.one, block.many, block.table = None, [None], {}
    {"one": lambda: setattr(block, "one", layer), "many": lambda: block.many.append(layer)}.get(
        where, lambda: block.table.update(a=layer)
    )()
    assert block.weights == layer.weights != []
    block.other = (0, {"x": layer})
    REMOVALS[how](block, layer)
    assert block.weights == layer.weights
    block.other = None
    assert block.weights == []


def test_a_table_joined_with_another_is_tracked():
    block = layers.Layer()
    block.table = {}
    block.table |= {"a": layers.Dense(4)}
    block.table["a"](X)
    assert len(block.weights) == 2


def test_shared_layers_count_once():
    shared = layers.Dense(4)
    block = layers.Layer()
    block.a, block.b = shared, [shared]
    shared(X)
    assert len(block.weights) == 2


def test_config_is_derived():
    config = Block(units=5, name="b").get_config()
    assert config["units"] == 5
    assert config["name"] == "b"
    again = Block.from_config(config)
    assert again.get_config() == config


def test_the_layer_of_the_old_tutorial():
    """A layer as it was written in 2017, with attributes before super().__init__ and super().build at the end."""

    class MyDense(layers.Layer):
        def __init__(self, output_dim, **kwargs):
            self.output_dim = output_dim
            super().__init__(**kwargs)

        def build(self, input_shape):
            self.kernel = self.add_weight(
                name="kernel", shape=(input_shape[1], self.output_dim), initializer="uniform", trainable=True
            )
            super().build(input_shape)

        def call(self, x):
            return ops.dot(x, self.kernel)

        def compute_output_shape(self, input_shape):
            return (input_shape[0], self.output_dim)

    layer = MyDense(3)
    y = layer(lamina.Input((4,)))
    assert y.shape == (None, 3)
    assert layer.kernel.path == "my_dense/kernel"
    assert MyDense.from_config(layer.get_config()).output_dim == 3


def test_build_runs_once_and_keeps_its_shape():
    calls = []

    class Counted(layers.Layer):
        def build(self, input_shape):
            calls.append(input_shape)

        def call(self, x):
            return x

    layer = Counted()
    layer(X)
    layer(X[:1])
    layer.build((9, 9))
    assert calls == [(2, 4)]
    assert layer.get_build_config() == {"input_shape": (2, 4)}


def test_lists_in_attributes_go_into_layers():
    """What a call collects in an attribute, as old code does, is an input like any other list."""

    class Collecting(layers.Layer):
        def call(self, x):
            self.parts = [x, 2 * x]
            self.table = {"a": x}
            return layers.add(self.parts) + layers.Identity()(self.table)["a"]

    np.testing.assert_array_equal(Collecting()(X), 4 * X)


def test_build_may_ask_for_the_shape_of_the_outputs():
    """As layers do that build a second part from what the first gives; `build` is not entered again for it."""

    class TwoParts(layers.Dense):
        def build(self, input_shape):
            super().build(input_shape)
            self.scale = self.add_weight(self.compute_output_shape(input_shape)[1:], "ones", name="scale")

    layer = TwoParts(3)
    assert layer(X).shape == (2, 3)
    assert [tuple(w.shape) for w in layer.weights] == [(4, 3), (3,), (3,)]


def test_nodes_and_history():
    a = lamina.Input((4,))
    dense = layers.Dense(2)
    y = dense(a)
    operation, node, tensor = y._keras_history
    assert (operation, node, tensor) == (dense, 0, 0)
    assert isinstance(dense._inbound_nodes[0], Node)
    assert dense._inbound_nodes[0].inbound_layers == [a._keras_history.operation]
    assert dense.input is a
    assert dense.output is y
    dense(lamina.Input((4,)))
    assert dense.input is a
    assert dense.output is y
    with pytest.raises(AttributeError, match="has no `input` yet: it was never called on a symbolic tensor"):
        _ = layers.Dense(2).input


def test_a_training_flag_may_be_an_object():
    """As packages pass one that is neither True nor False, and has no hash."""

    class Flag:
        __hash__ = None

        def __eq__(self, other):
            return other == "tracing"

        def __bool__(self):
            return False

    seen = []

    class Sees(layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    model = lamina.Sequential([lamina.Input((4,)), Sees()])
    seen.clear()
    flag = Flag()
    for _ in range(3):
        model(X, training=flag)
    assert len(seen) == 3
    assert all(one is flag for one in seen)


def test_training_flag_reaches_inner_layers():
    seen = []

    class Inner(layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, x):
            return self.inner(x)

    outer = Outer()
    outer(X, training=True)
    outer(X, training=False)
    outer(X)
    assert seen == [True, False, None]


def test_add_loss_and_regularizers():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    model = lamina.Sequential([lamina.Input((4,)), Penalty(), layers.Dense(1, kernel_regularizer="l2")])
    model(X)
    model(X)
    assert len(model.losses) == 2  # of the last call only
    assert float(model.losses[0]) == X.sum()


def test_mask_travels_and_reaches_the_parameter():
    got = []

    class Reader(layers.Layer):
        def call(self, x, mask=None):
            got.append(mask)
            return x

    layers_ = [layers.Embedding(5, 3, mask_zero=True), layers.Dense(2), Reader()]
    lamina.Sequential(layers_)(np.array([[1, 0]]))
    assert np.asarray(ops.convert_to_numpy(got[-1])).tolist() == [[True, False]]


def test_trainable_switch():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3), layers.Dense(2)])
    model.layers[0].trainable = False
    assert [v.path for v in model.trainable_weights] == [v.path for v in model.layers[1].weights]
    model.trainable = False
    assert model.trainable_weights == []
    assert len(model.non_trainable_weights) == 4


def test_copies_are_their_own():
    layer = layers.Dense(2)
    layer(X)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        other.kernel.assign(other.kernel * 0)
        assert np.abs(layer.kernel.numpy()).sum() > 0
        assert other(X).shape == (2, 2)


def test_output_shape_of_a_framework_call():
    """A layer that leaves lamina.ops: its own shape function, or the framework's abstract evaluation."""
    import jax.numpy as jnp

    class Native(layers.Layer):
        def call(self, x):
            return jnp.concatenate([x, jnp.tanh(x)], axis=-1)

    with lamina.backend("jax"):
        assert Native()(lamina.Input((4,))).shape == (None, 8)


def test_stateless_call():
    layer = layers.BatchNormalization()
    layer(X)
    before = layer.get_weights()
    out, updated = layer.stateless_call(
        [v.value for v in layer.trainable_variables],
        [v.value for v in layer.non_trainable_variables],
        X,
        training=True,
    )
    assert out.shape == (2, 4)
    assert any(not np.allclose(a, b) for a, b in zip(before[2:], map(np.asarray, updated), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))


def test_sequential_asks_the_layer_whether_it_takes_indices():
    class Words(layers.Embedding):
        pass

    class Embedding(layers.Dense):  # a name says nothing
        pass

    words, floats = lamina.Sequential([Words(5, 3)]), lamina.Sequential([Embedding(3)])
    words.build((None, 4))
    floats.build((None, 4))
    assert words.inputs[0].dtype == "int32"
    assert floats.inputs[0].dtype == "float32"
    assert words(np.array([[4, 1, 0, 2]])).shape == (1, 4, 3)


def test_seed_makes_the_same_weights_on_every_backend():
    drawn = []
    for name in lamina.backends.installed() if hasattr(lamina, "backends") else ("jax", "numpy"):
        with lamina.backend(name):
            lamina.utils.set_random_seed(7)
            dense = layers.Dense(5)
            dense(X)
            drawn.append(dense.kernel.numpy())
    assert all(np.array_equal(drawn[0], other) for other in drawn[1:])


def test_call_on_other_ranks_after_the_short_way():
    dense = layers.Dense(3)
    x = ops.convert_to_tensor(X)
    first = dense(x)
    assert np.array_equal(np.asarray(first), np.asarray(dense(x)))  # the second call takes the short way
    assert dense(X[None]).shape == (1, 2, 3)
    with pytest.raises(ValueError, match="size 4"):
        dense(ops.ones((2, 5)))
