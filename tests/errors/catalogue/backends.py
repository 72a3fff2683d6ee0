"""Backends, devices, and things of another library."""

from .mistake import mistake


@mistake(
    "A NumPy function on a value that is being traced",
    "'net/mine'",
    "lamina.ops",
    backends=("jax", "tensorflow"),
)
def numpy_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return np.clip(np.asarray(x), 0, 1)

    model = keras.Sequential([keras.Input((3,)), Mine(name="mine"), keras.layers.Dense(2)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)


@mistake("print(float(x)) in call", "'net/mine'", "run_eagerly=True", backends=("jax", "tensorflow"))
def float_in_call(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            print(float(keras.ops.mean(x)))
            return x

    model = keras.Sequential([keras.Input((3,)), Mine(name="mine"), keras.layers.Dense(2)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)


@mistake("A layer's weight is changed by a plain assignment", "assign")
def weight_replaced_by_an_array(keras, np):
    layer = keras.layers.Dense(2, name="head")
    layer.build((None, 3))
    layer.kernel = np.zeros((3, 2))


@mistake("A device that is not there", "'gpu:7'", "cpu")
def device_that_is_not_there(keras, np):
    with keras.device("gpu:7"):
        keras.ops.add(np.ones(2), 1.0)


@mistake("convert_to_tensor of texts", "Texts", "StringLookup", backends=("jax", "torch"))
def tensor_of_strings(keras, np):
    keras.ops.convert_to_tensor(["red", "blue"])


@mistake("A backend with a typing error", "'jaxx'", "'jax'")
def misspelt_backend(keras, np):
    keras.config.set_backend("jaxx")
