"""Dtypes."""

from .mistake import mistake


@mistake("A dtype with a typing error", "'flot32'", "'float32'")
def misspelt_dtype(keras, np):
    keras.layers.Dense(2, dtype="flot32")


@mistake("floatx with a typing error", "'float23'", "float32")
def misspelt_floatx(keras, np):
    keras.config.set_floatx("float23")


@mistake("A policy with a typing error", "'mixed_float15'", "'mixed_float16'")
def misspelt_policy(keras, np):
    keras.mixed_precision.set_global_policy("mixed_float15")


@mistake("cast to something that is no dtype", "'number'")
def cast_to_no_dtype(keras, np):
    keras.ops.cast(np.ones(2), "number")


@mistake("Embedding of an index that is too large", "10", "/words'", "12")
def embedding_beyond_its_size(keras, np):
    model = keras.Sequential([keras.Input((2,), dtype="int32"), keras.layers.Embedding(10, 4, name="words")])
    model.compile("sgd", "mse")
    model.evaluate(np.array([[3, 12]]), np.ones((1, 2, 4)), verbose=0)


@mistake("A variable of texts", "Texts", "numpy.unique")
def variable_of_strings(keras, np):
    keras.Variable(np.array(["a", "b"]))


@mistake("A weight of integers is to be trained", "int32", "trainable=False")
def trainable_integers(keras, np):
    class Mine(keras.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(3,), dtype="int32", initializer="ones", name="w")

        def call(self, x):
            return x * keras.ops.cast(self.w, x.dtype)

    model = keras.Sequential([keras.Input((3,)), Mine(name="mine"), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0)


@mistake("Bitwise on floats", "bitwise_and", "float32")
def bitwise_on_floats(keras, np):
    keras.ops.bitwise_and(np.ones(2, "float32"), np.ones(2, "float32"))
