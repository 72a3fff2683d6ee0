"""Layers and models of one's own."""

from .mistake import mistake


@mistake("super().__init__() is forgotten", "super().__init__()", "Mine")
def forgotten_super(keras, np):
    class Mine(keras.layers.Layer):
        def __init__(self):
            self.inner = keras.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    Mine()(np.ones((2, 3)))


@mistake("call is forgotten", "Mine", "`call`")
def forgotten_call(keras, np):
    class Mine(keras.layers.Layer):
        pass

    Mine()(np.ones((2, 3)))


@mistake("call of a model is forgotten", "Mine", "`call`")
def forgotten_call_of_a_model(keras, np):
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(2)

    Mine()(np.ones((2, 3)))


@mistake("call without self", "call", "self")
def call_without_self(keras, np):
    class Mine(keras.layers.Layer):
        def call(x):
            return x

    Mine()(np.ones((2, 3)))


@mistake("forward, as in torch, in place of call", "Mine", "`call`")
def forward_in_place_of_call(keras, np):
    class Mine(keras.layers.Layer):
        def forward(self, x):
            return x

    Mine()(np.ones((2, 3)))


@mistake("A weight is used that build does not make", "'kernel'", "Mine")
def weight_that_is_not_made(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return keras.ops.matmul(x, self.kernel)

    Mine(name="mine")(np.ones((2, 3)))


@mistake("A weight of the wrong shape", "(None, 4)", "(3, 3)", "'net/mine'")
def weight_of_a_wrong_shape(keras, np):
    class Mine(keras.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(3, 3))

        def call(self, x):
            return keras.ops.matmul(x, self.w)

    keras.Sequential([keras.Input((4,)), Mine(name="mine")], name="net")


@mistake("build takes too many arguments", "build", "key_shape")
def build_with_an_argument_too_many(keras, np):
    class Mine(keras.layers.Layer):
        def build(self, x_shape, key_shape):
            self.w = self.add_weight(shape=(3, 3))

        def call(self, x):
            return x

    Mine(name="mine")(np.ones((2, 3)))


@mistake("A positional name in place of a shape", "shape", "'kernel'")
def add_weight_by_name_first(keras, np):
    class Mine(keras.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight("kernel", shape=(3, 3))

        def call(self, x):
            return x

    Mine(name="mine")(np.ones((2, 3)))


@mistake("A weight is made at each call", "'mine'", "build")
def weight_made_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            w = self.add_weight(shape=(3, 3))
            return keras.ops.matmul(x, w)

    layer = Mine(name="mine")
    layer(np.ones((2, 3)))
    layer(np.ones((2, 3)))


@mistake("A layer is made at each call", "build", "'net/mine'")
def layer_made_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            self.inner = keras.layers.Dense(2)
            return self.inner(x)

    model = keras.Sequential([keras.Input((3,)), Mine(name="mine")], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)


@mistake("call returns nothing", "'mine'", "None", "return")
def call_without_return(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            x + 1

    keras.Sequential([keras.Input((3,)), Mine(name="mine"), keras.layers.Dense(2)], name="net")


@mistake("get_config lacks an argument", "units", "get_config")
def incomplete_get_config(keras, np):
    class Mine(keras.layers.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

        def get_config(self):
            return super().get_config() | {"size": self.units}

    Mine.from_config(Mine(3).get_config())


@mistake(
    "`if` on a value in call",
    "'net/mine'",
    "value",
    "ops.where",
    "run_eagerly=True",
    backends=("jax", "tensorflow"),
)
def if_on_a_value_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            if keras.ops.mean(x) > 0:
                return x
            return -x

    model = keras.Sequential([keras.Input((3,)), Mine(name="mine")], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 3)), verbose=0)


@mistake("training is passed to a layer that does not take it by position", "training", "name")
def training_by_position(keras, np):
    keras.layers.Dropout(0.5, name="drop")(np.ones((2, 3)), True)


@mistake("A mistake deep inside", "'net/block/inner'", "(2, 5)", "4")
def mistake_deep_inside(keras, np):
    class Block(keras.layers.Layer):
        def __init__(self, name):
            super().__init__(name=name)
            self.inner = keras.layers.Dense(2, name="inner")

        def call(self, x):
            return self.inner(x)

    class Net(keras.Model):
        def __init__(self):
            super().__init__(name="net")
            self.block = Block("block")

        def call(self, x):
            return self.block(x)

    net = Net()
    net(np.ones((2, 4)))
    net(np.ones((2, 5)))


@mistake("An attribute with a name of Keras's own", "layers", "name")
def attribute_that_is_taken(keras, np):
    class Net(keras.Model):
        def __init__(self):
            super().__init__(name="net")
            self.layers = [keras.layers.Dense(2)]

    Net()


@mistake("A misspelt attribute inside call", "'inneer'", "Mine")
def misspelt_attribute_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def __init__(self):
            super().__init__(name="mine")
            self.inner = keras.layers.Dense(2)

        def call(self, x):
            return self.inneer(x)

    keras.Sequential([keras.Input((3,)), Mine()], name="net")


@mistake("A layer is added after building", "'mine'", "__init__")
def layer_added_after_building(keras, np):
    layer = keras.layers.Dense(2, name="mine")
    layer(np.ones((2, 3)))
    layer.extra = keras.layers.Dense(2)


@mistake("A Lambda that fails", "'half'", "(2, 3)", "(2, 4)")
def lambda_that_fails(keras, np):
    keras.layers.Lambda(lambda x: keras.ops.add(x, np.ones((2, 4))), name="half")(np.ones((2, 3)))


@mistake("Inputs in a list for a layer that takes two arguments", "b", "list")
def list_for_two_arguments(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, a, b):
            return a + b

    Mine(name="mine")([np.ones((2, 3)), np.ones((2, 3))])


@mistake("Weights of a model that was never called are saved", "'net'", "not built")
def summary_of_an_unbuilt_subclass(keras, np):
    class Net(keras.Model):
        def __init__(self):
            super().__init__(name="net")
            self.inner = keras.layers.Dense(2)

        def call(self, x):
            return self.inner(x)

    Net().save_weights("net.weights.h5")
