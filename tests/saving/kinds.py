"""Kinds of models, each written once for Lamina and for real Keras: what files must hold there and back.

A kind takes the package (`lamina` or `keras`) and returns a model and an input; the decorator names its optimizer.
Classes of the user's are made once for each package and registered under one name.
"""

from __future__ import annotations

import collections
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

Pair = collections.namedtuple("Pair", ["mean", "spread"])


class Kind(NamedTuple):
    """One kind of model.

    Attributes:
        make: Takes the package; gives a model and its input.
        optimizer: Takes the package; gives what `compile` takes.
        compile: Takes the package; further arguments of `compile`.
        old: Whether the old HDF5 format can hold it.
        unread: Formats that Keras itself does not read back: in ".h5" it does not tell operations from layers, and
            does not know bfloat16 and the name "lamb", and takes the text "dot" for a function; from JSON it makes two layers of one that two models share.
        unwritten: Formats that Keras itself does not write, or without what a reader needs: in ".h5" two variables of an
            Adafactor have one name, and bfloat16 are bytes without a dtype; JSON does not say that two models share a layer.
        half: Whether it computes in half precision, which rounds in another order.
        measured: Whether what it was compiled with is compared, too: its losses and metrics are unusual.
        quick: Whether it belongs to the quick form of the test.
    """

    name: str
    make: Callable[[Any], tuple[Any, Any]]
    optimizer: Callable[[Any], Any]
    compile: Callable[[Any], dict[str, Any]]
    old: bool
    unread: tuple[str, ...]
    unwritten: tuple[str, ...]
    half: bool
    measured: bool
    quick: bool


KINDS: list[Kind] = []


def kind(
    optimizer: Any = "adam", *, loss: Any = "mse", old: bool = True, unread: tuple[str, ...] = (),
    unwritten: tuple[str, ...] = (), half: bool = False, measured: bool = False, quick: bool = False, **others: Any,
) -> Any:  # fmt: skip
    """Put a function into the list of kinds. What depends on the package is a function of it."""

    def decorate(make: Any) -> Any:
        of = lambda value: value if callable(value) else lambda k: value
        more = lambda k: {"loss": of(loss)(k), **{name: of(value)(k) for name, value in others.items()}}
        KINDS.append(
            Kind(make.__name__, make, of(optimizer), more, old, unread, unwritten, half, measured, quick)
        )
        return make

    return decorate


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """A batch of four."""
    return np.random.default_rng(seed).normal(size=(4, *shape)).astype("float32")


def indices(*shape: int, below: int = 7) -> np.ndarray:
    """A batch of four of whole numbers; the last ones of each row are 0."""
    found = np.random.default_rng(1).integers(1, below, size=(4, *shape)).astype("int32")
    found[..., -2:] = 0
    return found


# -- what users write --------------------------------------------------------------------------------------------------


@cache
def own(k: Any) -> Any:
    """The user's classes and functions for one package, registered as "kinds"."""
    registered = k.saving.register_keras_serializable("kinds")
    ops, layers = k.ops, k.layers

    @registered
    class Scale(layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape):
            self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain")
            self.calls = self.add_weight(shape=(), initializer="ones", trainable=False, name="calls")

        def call(self, x):
            return x * self.gain * self.factor + self.calls

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    @registered
    class Residual(layers.Layer):
        """A layer that is given a layer."""

        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def build(self, input_shape):
            if not self.inner.built:
                self.inner.build(input_shape)

        def call(self, x):
            return x + self.inner(x)

        def get_config(self):
            return {**super().get_config(), "inner": k.saving.serialize_keras_object(self.inner)}

        @classmethod
        def from_config(cls, config):
            inner = k.saving.deserialize_keras_object(config.pop("inner"))
            return cls(inner=inner, **config)

    @registered
    class Branches(layers.Layer):
        """Layers in a list, in a dict, and in a list in it."""

        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.stack = [layers.Dense(u) for u in units]
            self.named = {"left": layers.Dense(2), "right": [layers.Dense(2), layers.LayerNormalization()]}

        def build(self, input_shape):
            shape = input_shape
            for layer in self.stack:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
            self.named["left"].build(shape)
            self.named["right"][0].build(shape)
            self.named["right"][1].build((*shape[:-1], 2))

        def call(self, x):
            for layer in self.stack:
                x = layer(x)
            right = self.named["right"][1](self.named["right"][0](x))
            return self.named["left"](x) + right

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @registered
    class Cell(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units, self.state_size = units, units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
            self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")

        def call(self, x, states):
            out = ops.tanh(ops.matmul(x, self.kernel) + ops.matmul(states[0], self.recurrent))
            return out, [out]

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @registered
    class Classifier(k.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.first = layers.Dense(units, activation="relu")
            self.norm = layers.BatchNormalization()
            self.last = layers.Dense(2)

        def call(self, x, training=False):
            return self.last(self.norm(self.first(x), training=training))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @registered
    class Tower(k.Model):
        """Models and layers in lists and dicts."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [Classifier(3), layers.Dense(3), Classifier(4)]
            self.heads = {"a": layers.Dense(2), "b": layers.Dense(1)}

        def call(self, x, training=False):
            for block in self.blocks:
                x = block(x)
            return {name: head(x) for name, head in self.heads.items()}

    @registered
    class Graph(k.Model):
        """A subclass that is a graph, with a constructor of its own."""

        def __init__(self, width, **kwargs):
            self.width = width
            x = k.Input((4,))
            out = layers.Dense(2)(layers.Dense(width, activation="tanh")(x))
            super().__init__(inputs=x, outputs=out, **kwargs)

        def get_config(self):
            return {"width": self.width, "name": self.name}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    @registered
    class Plain(k.Model):
        """A subclass that is a graph and keeps Model's constructor; it has another training step."""

        def halved(self):
            return 0.5

    @registered
    class Huberish(k.losses.Loss):
        def __init__(self, steepness=1.5, name="huberish", **kwargs):
            super().__init__(name=name, **kwargs)
            self.steepness = steepness

        def call(self, y_true, y_pred):
            return ops.mean(self.steepness * ops.sqrt(1.0 + ops.square(y_true - y_pred)), axis=-1)

        def get_config(self):
            return {**super().get_config(), "steepness": self.steepness}

    @registered
    class Largest(k.metrics.Metric):
        def __init__(self, floor=0.0, name="largest", **kwargs):
            super().__init__(name=name, **kwargs)
            self.floor = floor
            self.top = self.add_weight(shape=(), initializer="zeros", name="top")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.top.assign(
                ops.maximum(ops.maximum(ops.convert_to_tensor(self.top), ops.max(y_pred)), self.floor)
            )

        def result(self):
            return ops.convert_to_tensor(self.top)

        def get_config(self):
            return {**super().get_config(), "floor": self.floor}

    @registered
    class Signed(k.optimizers.Optimizer):
        """The sign of a running mean of gradients."""

        def __init__(self, learning_rate=0.01, keep=0.9, name="signed", **kwargs):
            super().__init__(learning_rate=learning_rate, name=name, **kwargs)
            self.keep = keep

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.means = [self.add_variable_from_reference(v, name="mean") for v in variables]

        def update_step(self, gradient, variable, learning_rate):
            mean = self.means[self._get_variable_index(variable)]
            self.assign(mean, self.keep * mean + (1 - self.keep) * gradient)
            self.assign_sub(variable, learning_rate * ops.sign(mean))

        def get_config(self):
            return {**super().get_config(), "keep": self.keep}

    @registered
    class Ramp(k.initializers.Initializer):
        def __init__(self, top=1.0):
            self.top = top

        def __call__(self, shape, dtype=None):
            size = int(np.prod(shape))
            return ops.reshape(ops.linspace(0.0, self.top, size, dtype=dtype), shape)

        def get_config(self):
            return {"top": self.top}

    @registered
    class Cubes(k.regularizers.Regularizer):
        def __init__(self, strength=0.01):
            self.strength = strength

        def __call__(self, x):
            return self.strength * ops.sum(ops.abs(x) ** 3)

        def get_config(self):
            return {"strength": self.strength}

    @registered
    class Below(k.constraints.Constraint):
        def __init__(self, limit=0.8):
            self.limit = limit

        def __call__(self, w):
            return ops.clip(w, -self.limit, self.limit)

        def get_config(self):
            return {"limit": self.limit}

    @registered
    class Warmup(k.optimizers.schedules.LearningRateSchedule):
        def __init__(self, top, steps):
            self.top, self.steps = top, steps

        def __call__(self, step):
            return self.top * ops.minimum(1.0, (ops.cast(step, "float32") + 1.0) / self.steps)

        def get_config(self):
            return {"top": self.top, "steps": self.steps}

    @registered
    def swish2(x):
        return x * ops.sigmoid(2.0 * x)

    @registered
    def doubled(x):
        return 2.0 * x

    @registered
    def power_loss(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 1.5, axis=-1)

    @registered
    def closeness(y_true, y_pred):
        return ops.mean(ops.exp(-ops.abs(y_true - y_pred)), axis=-1)

    kept = {
        name: thing for name, thing in locals().items() if name not in ("k", "ops", "layers", "registered")
    }
    return type(
        "Own", (), {name: staticmethod(v) if not isinstance(v, type) else v for name, v in kept.items()}
    )


# -- Sequential --------------------------------------------------------------------------------------------------------


@kind("sgd", quick=True)
def sequential(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="relu"), k.layers.Dense(2)]), numbers(4)


@kind("rmsprop")
def sequential_built_by_a_call(k):
    model = k.Sequential([k.layers.Dense(3, activation="relu"), k.layers.Dropout(0.0), k.layers.Dense(2)])
    model(numbers(4))
    return model, numbers(4)


@kind("adam", quick=True)
def convolutions(k):
    return k.Sequential(
        [
            k.Input((8, 8, 2)), k.layers.Conv2D(3, 3, padding="same", use_bias=False), k.layers.BatchNormalization(),
            k.layers.ReLU(), k.layers.MaxPooling2D(), k.layers.SeparableConv2D(3, 2), k.layers.DepthwiseConv2D(2),
            k.layers.GlobalMaxPooling2D(), k.layers.Dense(2),
        ]
    ), numbers(8, 8, 2)  # fmt: skip


@kind("sgd")
def convolutions_of_other_ranks(k):
    return k.Sequential(
        [
            k.Input((8, 4)), k.layers.Conv1D(3, 3, groups=1, dilation_rate=2), k.layers.Conv1DTranspose(2, 3, strides=2),
            k.layers.Reshape((3, 3, 2)), k.layers.Conv2DTranspose(3, 2), k.layers.Reshape((4, 4, 3, 1)),
            k.layers.Conv3D(2, 2), k.layers.AveragePooling3D((1, 1, 2)), k.layers.Flatten(), k.layers.Dense(1),
        ]
    ), numbers(8, 4)  # fmt: skip


@kind("sgd")
def shapes_alone(k):
    return k.Sequential(
        [
            k.Input((4, 6)), k.layers.Permute((2, 1)), k.layers.ZeroPadding1D(1), k.layers.Cropping1D((0, 1)),
            k.layers.UpSampling1D(2), k.layers.Reshape((7, 8, 1)), k.layers.UpSampling2D(2), k.layers.ZeroPadding2D((1, 2)),
            k.layers.Cropping2D(1), k.layers.Flatten(), k.layers.RepeatVector(2), k.layers.Dense(2),
        ]
    ), numbers(4, 6)  # fmt: skip


@kind("sgd")
def activations(k):
    return k.Sequential(
        [
            k.Input((5, 4)), k.layers.Dense(4), k.layers.PReLU(shared_axes=[1]), k.layers.LeakyReLU(0.2), k.layers.ELU(0.7),
            k.layers.Dense(4, activation="gelu"), k.layers.Softmax(axis=1), k.layers.Activation("softplus"),
            k.layers.Dense(3, activation="mish"), k.layers.ReLU(6.0, 0.1, 0.2),
        ]
    ), numbers(5, 4)  # fmt: skip


@kind("sgd")
def normalizations(k):
    return k.Sequential(
        [
            k.Input((6, 4)), k.layers.LayerNormalization(), k.layers.GroupNormalization(2), k.layers.RMSNormalization(),
            k.layers.UnitNormalization(), k.layers.BatchNormalization(momentum=0.8, center=False), k.layers.Dense(2),
            k.layers.SpectralNormalization(k.layers.Dense(3)),
        ]
    ), numbers(6, 4)  # fmt: skip


@kind("adam")
def noise(k):
    """Layers that draw numbers keep the state of their seeds in the file; they draw none here."""
    return k.Sequential(
        [
            k.Input((4, 4)), k.layers.GaussianNoise(0.5, seed=1), k.layers.Dropout(0.5, seed=2), k.layers.Dense(3),
            k.layers.SpatialDropout1D(0.3, seed=3), k.layers.AlphaDropout(0.2, seed=4), k.layers.Dense(2),
        ]
    ), numbers(4, 4)  # fmt: skip


# -- Functional: inputs and outputs ------------------------------------------------------------------------------------


@kind("adam")
def two_inputs(k):
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    return k.Model([a, b], k.layers.Dense(2)(k.layers.Concatenate()([a, b]))), [
        numbers(4),
        numbers(3, seed=1),
    ]


@kind("adam", quick=True)
def inputs_in_a_dict(k):
    given = {"right": k.Input((4,), name="right"), "left": k.Input((3,), name="left")}
    out = k.layers.Dense(2)(k.layers.Concatenate()([given["left"], given["right"]]))
    return k.Model(given, out), {"left": numbers(3), "right": numbers(4, seed=1)}


@kind("sgd")
def inputs_nested(k):
    a, b, c = k.Input((2,), name="a"), k.Input((2,), name="b"), k.Input((2,), name="c")
    model = k.Model({"one": a, "more": [b, c]}, k.layers.Dense(2)(k.layers.Add()([a, b, c])))
    return model, {"one": numbers(2), "more": [numbers(2, seed=1), numbers(2, seed=2)]}


@kind("sgd", quick=True)
def outputs_in_a_tuple(k):
    a = k.Input((4,))
    return k.Model(a, (k.layers.Dense(2)(a), k.layers.Dense(3)(a))), numbers(4)


@kind("sgd", quick=True)
def outputs_in_a_dict(k):
    a = k.Input((4,))
    return k.Model(a, {"two": k.layers.Dense(3)(a), "one": k.layers.Dense(2)(a)}), numbers(4)


@kind("sgd", quick=True)
def outputs_nested(k):
    a = k.Input((4,))
    dense = [k.layers.Dense(i + 1) for i in range(4)]
    return k.Model(a, {"b": [dense[0](a), (dense[1](a), dense[2](a))], "a": dense[3](a)}), numbers(4)


@kind("sgd", quick=True)
def outputs_in_a_namedtuple(k):
    a = k.Input((4,))
    return k.Model(a, Pair(k.layers.Dense(2)(a), k.layers.Dense(2, activation="softplus")(a))), numbers(4)


@kind("adam")
def an_output_of_the_middle(k):
    a = k.Input((4,))
    hidden = k.layers.Dense(3, activation="tanh")(a)
    return k.Model(a, [k.layers.Dense(2)(hidden), hidden]), numbers(4)


@kind("adam", quick=True)
def shared(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    dense = k.layers.Dense(3)
    return k.Model([a, b], k.layers.Subtract()([dense(a), dense(b)])), [numbers(4), numbers(4, seed=1)]


@kind("adam", quick=True)
def nested(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.BatchNormalization()])
    a = k.Input((4,))
    deeper = k.Model(a, inner(a))
    b = k.Input((4,))
    return k.Model(b, k.layers.Add()([deeper(b), deeper(k.layers.Dense(4)(b))])), numbers(4)


@kind("sgd")
def nested_with_outputs_in_a_dict(k):
    a = k.Input((4,))
    inner = k.Model({"x": a}, {"s": k.layers.Dense(2)(a), "t": k.layers.Dense(2)(a)})
    b = k.Input((4,))
    found = inner({"x": b})
    return k.Model(b, k.layers.Multiply()([found["s"], found["t"]])), numbers(4)


@kind("sgd", unread=(".json",), unwritten=(".json",))
def a_layer_shared_by_two_models(k):
    common = k.layers.Dense(3, name="common")
    a, b = k.Input((4,)), k.Input((4,))
    left, right = k.Model(a, common(a), name="left"), k.Sequential([k.Input((4,)), common], name="right")
    return k.Model(b, k.layers.Add()([left(b), right(b)])), numbers(4)


@kind("sgd")
def merges(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    x, y = k.layers.Dense(3)(a), k.layers.Dense(3)(b)
    parts = [k.layers.Add()([x, y]), k.layers.Average()([x, y]), k.layers.Maximum()([x, y]), k.layers.Minimum()([x, y]),
             k.layers.Multiply()([x, y]), k.layers.Dot(axes=-1, normalize=True)([x, y])]  # fmt: skip
    return k.Model([a, b], k.layers.Concatenate(axis=-1)(parts)), [numbers(4), numbers(4, seed=1)]


@kind("adam")
def frozen(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.BatchNormalization()], name="base")
    inner.trainable = False
    return k.Sequential([k.Input((4,)), inner, k.layers.Dense(2)]), numbers(4)


# -- operations as nodes -----------------------------------------------------------------------------------------------


@kind("adam", unread=(".h5",), quick=True)
def arithmetic(k):
    a = k.Input((4,))
    x = k.layers.Dense(4)(a)
    return k.Model(a, k.layers.Dense(2)(-((1.0 - x * 2.0) ** 2) / 3.0 + abs(a) - a)), numbers(4)


@kind("sgd", unread=(".h5",), quick=True)
def operations_on_shapes(k):
    a = k.Input((4, 6))
    x = k.layers.Dense(6)(a)
    x = k.ops.concatenate([x[:, 1:, ::2], k.ops.flip(x, axis=1)[:, :3, :3]], axis=-1)
    x = k.ops.reshape(k.ops.transpose(x, (0, 2, 1)), (-1, 18))
    x = k.ops.expand_dims(x, 1) + k.ops.ones((3, 1))
    return k.Model(a, k.layers.Dense(2)(k.ops.squeeze(x[:, 0:1], axis=1))), numbers(4, 6)


@kind("sgd", unread=(".h5",))
def operations_with_several_outputs(k):
    a = k.Input((6,))
    one, two, three = k.ops.split(k.layers.Dense(6)(a), 3, axis=-1)
    mean, spread = k.ops.moments(one, axes=[1], keepdims=True)
    joined = k.ops.stack([one, two, three], axis=1)
    return k.Model(a, [k.ops.mean(joined, axis=1), mean, spread, k.ops.max(two, axis=-1)]), numbers(6)


@kind("sgd", unread=(".h5",))
def operations_of_many_kinds(k):
    a = k.Input((3, 4))
    x = k.layers.Dense(4)(a)
    x = k.ops.einsum("bij,bkj->bik", x, k.ops.softmax(a, axis=-1))
    x = k.ops.where(x > 0.1, x, 0.5 * x) + k.ops.cast(x > 0, "float32")
    x = k.ops.matmul(x, k.ops.cumsum(a, axis=1))
    return k.Model(
        a, k.ops.clip(k.ops.logsumexp(x, axis=-1), -2.0, 2.0) + k.ops.sum(x * x, axis=(-1,))
    ), numbers(3, 4)


@kind("sgd", unread=(".h5",))
def operations_on_arrays(k):
    a = k.Input((4,))
    table = np.linspace(0, 1, 8, dtype="float32").reshape(4, 2)
    return k.Model(a, k.ops.matmul(k.layers.Dense(4)(a), table) + np.float32(0.5)), numbers(4)


# -- classes of the user's ---------------------------------------------------------------------------------------------


@kind("adam", quick=True)
def own_layer(k):
    return k.Sequential([k.Input((4,)), own(k).Scale(3.0), k.layers.Dense(2)]), numbers(4)


@kind("adam", quick=True)
def a_layer_given_a_layer(k):
    inner = own(k).Residual(k.layers.Dense(4, activation="tanh"))
    return k.Sequential([k.Input((4,)), own(k).Residual(inner), k.layers.Dense(2)]), numbers(4)


@kind("adam", quick=True)
def layers_in_lists_and_dicts(k):
    return k.Sequential([k.Input((4,)), own(k).Branches([3, 5])]), numbers(4)


@kind("adam", old=False, quick=True)
def subclassed(k):
    model = own(k).Classifier(3)
    model(numbers(4))
    return model, numbers(4)


@kind("adam", old=False)
def subclassed_with_models_in_lists(k):
    model = own(k).Tower()
    model(numbers(4))
    return model, numbers(4)


@kind("adam")
def subclassed_inside_a_graph(k):
    a = k.Input((4,))
    return k.Model(a, k.layers.Dense(1)(own(k).Classifier(3)(a))), numbers(4)


@kind("adam", old=False, quick=True)
def subclass_of_functional(k):
    return own(k).Graph(5), numbers(4)


@kind("adam", old=False)
def subclass_of_functional_with_its_constructor(k):
    a = k.Input((4,))
    return own(k).Plain(inputs=a, outputs=k.layers.Dense(2)(a), name="plain"), numbers(4)


@kind("adam", quick=True)
def lambda_of_a_registered_function(k):
    doubled = own(k).doubled
    return k.Sequential(
        [k.Input((4,)), k.layers.Dense(3), k.layers.Lambda(doubled), k.layers.Dense(2)]
    ), numbers(4)


@kind("adam", quick=True)
def own_parts_of_layers(k):
    mine = own(k)
    dense = k.layers.Dense(
        3, activation=mine.swish2, kernel_initializer=mine.Ramp(0.5), kernel_regularizer=mine.Cubes(0.02),
        kernel_constraint=mine.Below(0.4),
    )  # fmt: skip
    return k.Sequential([k.Input((4,)), dense, k.layers.Dense(2)]), numbers(4)


@kind(lambda k: own(k).Signed(0.02), measured=True, loss=lambda k: own(k).Huberish(2.0), metrics=lambda k: [own(k).Largest(-1.0), own(k).closeness], quick=True)  # fmt: skip
def own_loss_metric_and_optimizer(k):
    return sequential(k)


@kind(lambda k: k.optimizers.SGD(own(k).Warmup(0.1, 5)), measured=True, loss=lambda k: own(k).power_loss)
def own_loss_function_and_schedule(k):
    return sequential(k)


# -- compiled ----------------------------------------------------------------------------------------------------------


def trained_with(name: str, optimizer: Any, **more: Any) -> None:
    """A kind that differs from others by its optimizer."""

    def small(k):
        return k.Sequential(
            [k.Input((4,)), k.layers.Dense(6, activation="tanh"), k.layers.Dense(4)]
        ), numbers(4)

    small.__name__ = f"trained_with_{name}"
    kind(optimizer, **more)(small)


trained_with("momentum", lambda k: k.optimizers.SGD(0.05, momentum=0.9, nesterov=True, weight_decay=0.01))
trained_with("rmsprop", lambda k: k.optimizers.RMSprop(0.01, rho=0.8, momentum=0.5, centered=True))
trained_with("amsgrad", lambda k: k.optimizers.Adam(0.01, amsgrad=True, clipnorm=0.5), quick=True)
trained_with(
    "adamw",
    lambda k: k.optimizers.AdamW(k.optimizers.schedules.ExponentialDecay(0.01, 3, 0.7, staircase=True)),
)
trained_with("adamax", lambda k: k.optimizers.Adamax(0.01, global_clipnorm=1.0))
trained_with("nadam", lambda k: k.optimizers.Nadam(0.01))
trained_with("adagrad", lambda k: k.optimizers.Adagrad(0.05, initial_accumulator_value=0.3))
trained_with("adadelta", lambda k: k.optimizers.Adadelta(0.5))
trained_with("ftrl", lambda k: k.optimizers.Ftrl(0.05, l1_regularization_strength=0.01, beta=0.1))
trained_with("lion", lambda k: k.optimizers.Lion(0.002, clipvalue=0.2))
trained_with("lamb", lambda k: k.optimizers.Lamb(0.01), unread=(".h5",))
trained_with("adafactor", lambda k: k.optimizers.Adafactor(0.01), unwritten=(".h5",))
trained_with("muon", lambda k: k.optimizers.Muon(0.01))
trained_with(
    "averages", lambda k: k.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=3)
)
trained_with("accumulation", lambda k: k.optimizers.SGD(0.05, momentum=0.5, gradient_accumulation_steps=2))
trained_with("loss_scale", lambda k: k.optimizers.LossScaleOptimizer(k.optimizers.Adam(0.01), initial_scale=64.0, dynamic_growth_steps=2), quick=True)  # fmt: skip
trained_with("cosine", lambda k: k.optimizers.SGD(k.optimizers.schedules.CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=2)))  # fmt: skip


@kind("adam", loss=lambda k: {"one": "mse", "two": k.losses.Huber(0.5)}, loss_weights={"one": 0.3, "two": 2.0},
      metrics=lambda k: {"one": ["mae"], "two": [k.metrics.RootMeanSquaredError(name="root")]}, weighted_metrics=[], measured=True)  # fmt: skip
def losses_by_output(k):
    a = k.Input((4,))
    return k.Model(
        a, {"one": k.layers.Dense(2, name="one")(a), "two": k.layers.Dense(3, name="two")(a)}
    ), numbers(4)


# -- dtypes ------------------------------------------------------------------------------------------------------------


@kind("adam", half=True)
def mixed_precision(k):
    layers = [k.layers.Dense(4, dtype="mixed_bfloat16"), k.layers.LayerNormalization(dtype="mixed_bfloat16")]
    return k.Sequential([k.Input((4,)), *layers, k.layers.Dense(2, dtype="float32")]), numbers(4)


@kind("sgd", half=True, unread=(".h5",), unwritten=(".h5",))
def narrow_weights(k):
    return k.Sequential(
        [k.Input((4,)), k.layers.Dense(4, dtype="bfloat16"), k.layers.Dense(2, dtype="float16")]
    ), numbers(4)


@kind("sgd", half=True)
def a_map_of_dtype_policies(k):
    policies = k.dtype_policies.DTypePolicyMap(default_policy="float32")
    policies["inner"] = k.dtype_policies.DTypePolicy("mixed_bfloat16")
    return k.Sequential(
        [k.Input((4,)), k.layers.Dense(4, dtype=policies, name="inner"), k.layers.Dense(2)]
    ), numbers(4)


# -- preprocessing first -----------------------------------------------------------------------------------------------


@kind("adam", quick=True)
def normalization_first(k):
    norm = k.layers.Normalization()
    norm.adapt(3.0 * numbers(4) + 1.0)
    return k.Sequential([k.Input((4,)), norm, k.layers.Dense(2)]), numbers(4)


@kind("adam")
def images_first(k):
    return k.Sequential(
        [
            k.Input((9, 9, 3)), k.layers.Rescaling(1 / 255.0, -0.5), k.layers.CenterCrop(8, 8), k.layers.Resizing(6, 6),
            k.layers.Conv2D(2, 3), k.layers.Flatten(), k.layers.Dense(2),
        ]
    ), 100 * numbers(9, 9, 3)  # fmt: skip


@kind("adam")
def augmentation_first(k):
    return k.Sequential(
        [
            k.Input((6, 6, 3)), k.layers.RandomFlip(seed=1), k.layers.RandomRotation(0.2, seed=2),
            k.layers.RandomTranslation(0.1, 0.1, seed=3), k.layers.RandomZoom(0.2, seed=4), k.layers.RandomContrast(0.2, seed=5),
            k.layers.Conv2D(2, 3), k.layers.Flatten(), k.layers.Dense(2),
        ]
    ), numbers(6, 6, 3)  # fmt: skip


@kind("adam")
def buckets_first(k):
    a = k.Input((4,))
    bucket = k.layers.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])
    return k.Model(
        a, k.layers.Dense(2)(k.layers.CategoryEncoding(4, output_mode="multi_hot")(bucket(a)))
    ), numbers(4)


# -- sequences ---------------------------------------------------------------------------------------------------------


@kind("adam", quick=True)
def embedded_words_with_masks(k):
    return k.Sequential([k.Input((6,), dtype="int32"), k.layers.Embedding(7, 4, mask_zero=True), k.layers.LSTM(3), k.layers.Dense(1)]), indices(6)  # fmt: skip


@kind("adam")
def masking(k):
    x = numbers(5, 3)
    x[:, 3:] = 0.0
    return k.Sequential([k.Input((5, 3)), k.layers.Masking(), k.layers.GRU(3, return_sequences=True), k.layers.GlobalAveragePooling1D()]), x  # fmt: skip


@kind("adam")
def recurrent_stack(k):
    return k.Sequential(
        [
            k.Input((5, 3)), k.layers.LSTM(3, return_sequences=True, unit_forget_bias=False),
            k.layers.GRU(3, return_sequences=True, reset_after=False), k.layers.SimpleRNN(3, return_sequences=True, activation="relu"),
            k.layers.LSTM(2, go_backwards=True), k.layers.Dense(1),
        ]
    ), numbers(5, 3)  # fmt: skip


@kind("adam")
def cells_in_a_stack(k):
    cells = [k.layers.LSTMCell(3), k.layers.GRUCell(2), k.layers.SimpleRNNCell(2)]
    return k.Sequential(
        [k.Input((5, 3)), k.layers.RNN(cells, return_sequences=True), k.layers.RNN(own(k).Cell(2))]
    ), numbers(5, 3)


@kind("adam", quick=True)
def bidirectional(k):
    back = k.layers.GRU(2, go_backwards=True, return_sequences=True)
    first = k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True), backward_layer=back)
    return k.Sequential(
        [k.Input((5, 3)), first, k.layers.Bidirectional(k.layers.SimpleRNN(2), merge_mode="mul")]
    ), numbers(5, 3)


@kind("adam")
def recurrent_with_states(k):
    a, b = k.Input((5, 3), name="a"), k.Input((4,), name="b")
    out, h, c = k.layers.LSTM(2, return_state=True)(
        a, initial_state=[k.layers.Dense(2)(b), k.layers.Dense(2)(b)]
    )
    return k.Model([a, b], k.layers.Concatenate()([out, h, c])), [numbers(5, 3), numbers(4, seed=1)]


@kind("adam")
def encoder_and_decoder(k):
    source, target = k.Input((5,), dtype="int32", name="source"), k.Input((4,), dtype="int32", name="target")
    words = k.layers.Embedding(7, 3, name="words")
    _, state = k.layers.GRU(3, return_state=True, name="encoder")(words(source))
    out = k.layers.GRU(3, return_sequences=True, name="decoder")(words(target), initial_state=state)
    return k.Model([source, target], k.layers.Dense(7)(out)), [indices(5), indices(4)]


@kind("adam")
def time_distributed(k):
    inner = k.Sequential([k.Input((4, 4, 2)), k.layers.Conv2D(2, 3), k.layers.Flatten()])
    return k.Sequential([k.Input((3, 4, 4, 2)), k.layers.TimeDistributed(inner), k.layers.TimeDistributed(k.layers.Dense(2)), k.layers.LSTM(2)]), numbers(3, 4, 4, 2)  # fmt: skip


@kind("adam")
def convolutional_lstm(k):
    return k.Sequential([k.Input((3, 5, 5, 2)), k.layers.ConvLSTM2D(2, 3, padding="same"), k.layers.GlobalAveragePooling2D()]), numbers(3, 5, 5, 2)  # fmt: skip


@kind("adam", quick=True)
def transformer(k):
    a = k.Input((6,), dtype="int32")
    x = k.layers.Embedding(7, 4, mask_zero=True)(a)
    heads = k.layers.MultiHeadAttention(2, 3)
    x = k.layers.LayerNormalization()(k.layers.Add()([x, heads(x, x, use_causal_mask=True)]))
    x = k.layers.Add()([x, k.layers.Dense(4)(k.layers.Dense(8, activation="gelu")(x))])
    return k.Model(a, k.layers.Dense(2)(k.layers.GlobalAveragePooling1D()(x))), indices(6)


@kind("adam", unread=(".h5",))
def attention_of_other_kinds(k):
    a, b = k.Input((5, 4), name="a"), k.Input((3, 4), name="b")
    grouped = k.layers.GroupQueryAttention(2, 4, 2)(a, b)
    dot = k.layers.Attention(use_scale=True, score_mode="dot")([a, b])
    additive = k.layers.AdditiveAttention()([grouped, b])
    return k.Model([a, b], k.layers.Concatenate()([grouped, dot, additive])), [
        numbers(5, 4),
        numbers(3, 4, seed=1),
    ]


@kind("sgd")
def einsum_and_embeddings(k):
    a = k.Input((5,), dtype="int32")
    words = (
        k.layers.ReversibleEmbedding(7, 4)
        if hasattr(k.layers, "ReversibleEmbedding")
        else k.layers.Embedding(7, 4)
    )
    x = k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de")(words(a))
    return k.Model(a, k.layers.Reshape((5, 6))(x)), indices(5)


# -- whole networks ----------------------------------------------------------------------------------------------------


@kind("sgd")
def application(k):
    return k.applications.MobileNetV2(input_shape=(32, 32, 3), alpha=0.35, weights=None, classes=5), numbers(
        32, 32, 3
    )


@kind("adam")
def residual_network(k):
    a = x = k.Input((8, 8, 3))
    x = k.layers.Conv2D(4, 3, padding="same", kernel_regularizer=k.regularizers.L2(0.01))(x)
    for i in range(2):
        y = k.layers.BatchNormalization(name=f"norm_{i}")(x)
        y = k.layers.Conv2D(
            4, 3, padding="same", activation="relu", kernel_constraint=k.constraints.MaxNorm(2.0)
        )(y)
        x = k.layers.Add()([x, y])
    return k.Model(a, k.layers.Dense(2, bias_regularizer=k.regularizers.L1L2(0.01, 0.02))(k.layers.GlobalAveragePooling2D()(x))), numbers(8, 8, 3)  # fmt: skip


@kind("adam")
def autoencoder(k):
    code = k.Sequential(
        [k.Input((6,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2)], name="encoder"
    )
    back = k.Sequential(
        [k.Input((2,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(6)], name="decoder"
    )
    a = k.Input((6,))
    return k.Model(a, {"code": code(a), "again": back(code(a))}), numbers(6)
