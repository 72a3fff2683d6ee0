"""What fit, evaluate and predict are given."""

from .mistake import mistake


@mistake("Unequal numbers of rows", "x has 8", "y has 5")
def unequal_rows(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((5, 1)), verbose=0)


@mistake("Rows of another width", "'net/dense'", "4", "5")
def rows_of_another_width(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="dense")], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 5)), np.ones((8, 1)), verbose=0)


@mistake("No labels", "no target", "fit(x, y)")
def no_labels(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), verbose=0)


@mistake("A list of rows where an array was meant", "numpy.stack")
def list_of_arrays(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit([np.ones(4), np.ones(4), np.ones(4)], np.ones((3, 1)), verbose=0)


@mistake("One row without its batch", "(4,)", "x[None]")
def predict_one_row(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.predict(np.ones(4), verbose=0)


@mistake("Strings as data", "texts", "StringLookup")
def strings_as_data(keras, np):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.array([["red"], ["blue"]]), np.ones((2, 1)), verbose=0)


@mistake("Objects in an array: rows of different lengths", "object", "pad")
def rows_of_different_lengths(keras, np):
    rows = np.empty(2, dtype=object)
    rows[:] = [[1.0, 2.0], [1.0, 2.0, 3.0]]
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(rows, np.ones((2, 1)), verbose=0)


@mistake("One input where the model has two", "2", "1", "a", "b")
def one_input_of_two(keras, np):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    model = keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Concatenate()([a, b])), name="net")
    model.predict([np.ones((4, 2))], verbose=0)


@mistake("Inputs by a wrong name", "'c'", "'b'")
def input_by_a_wrong_name(keras, np):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    model = keras.Model({"a": a, "b": b}, keras.layers.Dense(1)(keras.layers.Concatenate()([a, b])))
    model.predict({"a": np.ones((4, 2)), "c": np.ones((4, 3))}, verbose=0)


@mistake("validation_split of a generator", "validation_split", "validation_data")
def validation_split_of_a_generator(keras, np):
    def batches():
        while True:
            yield np.ones((8, 4)), np.ones((8, 1))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(batches(), validation_split=0.2, steps_per_epoch=1, verbose=0)


@mistake("A validation_split of 20", "validation_split", "20", "0", "1")
def validation_split_in_percent(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), validation_split=20, verbose=0)


@mistake("validation_data without labels", "validation_data", "y_val")
def validation_data_without_labels(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), validation_data=np.ones((8, 4)), verbose=0)


@mistake("validation_data of another width", "'net/dense'", "4", "5")
def validation_data_of_another_width(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="dense")], name="net")
    model.compile("sgd", "mse")
    data = np.ones((8, 5)), np.ones((8, 1))
    model.fit(np.ones((8, 4)), np.ones((8, 1)), validation_data=data, verbose=0)


@mistake("A batch size of zero", "batch_size", "0")
def batch_size_of_zero(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), batch_size=0, verbose=0)


@mistake("A batch size for a generator", "batch_size", "batches", warns=True)
def batch_size_for_a_generator(keras, np):
    def batches():
        while True:
            yield np.ones((8, 4)), np.ones((8, 1))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(batches(), batch_size=8, steps_per_epoch=1, verbose=0)


@mistake("Labels beside a generator that has its own", "y", "generator")
def labels_beside_a_generator(keras, np):
    def batches():
        while True:
            yield np.ones((8, 4)), np.ones((8, 1))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(batches(), np.ones((8, 1)), steps_per_epoch=1, verbose=0)


@mistake("A generator that yields nothing", "no batch")
def empty_generator(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(iter(()), verbose=0)


@mistake("A generator of lists of pairs", "(x, y)", "4")
def generator_of_lists(keras, np):
    def batches():
        while True:
            yield [np.ones((8, 4)), np.ones((8, 1)), np.ones(8), np.ones(8)]

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="dense")], name="net")
    model.compile("sgd", "mse")
    model.fit(batches(), steps_per_epoch=1, verbose=0)


@mistake("A generator function that was not called", "batches", "call it")
def generator_function(keras, np):
    def batches():
        yield np.ones((8, 4)), np.ones((8, 1))

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(batches, steps_per_epoch=1, verbose=0)


@mistake("Data that hold no rows", "no rows")
def no_rows(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((0, 4)), np.ones((0, 1)), verbose=0)


@mistake("A class weight for a text", "'1'", "class_weight")
def class_weight_of_a_text(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((3, 4)), np.array([0, 1, 2]), class_weight={0: 1.0, "1": 2.0}, verbose=0)


@mistake("Sample weights of another length", "8", "5", "sample_weight")
def sample_weights_of_another_length(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), sample_weight=np.ones(5), verbose=0)


@mistake("NaN in the data", "NaN", "first batch", warns=True)
def nan_in_the_data(keras, np):
    x = np.ones((8, 4))
    x[3, 1] = np.nan
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(x, np.ones((8, 1)), verbose=0)


@mistake("An argument of fit with a typing error", "'epoch'", "epochs")
def misspelt_argument_of_fit(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), epoch=3)


@mistake("Epochs as a string", "epochs", "'3'")
def epochs_as_a_string(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), epochs="3", verbose=0)


@mistake("fit inside the file's name: a path as data", "'data.csv'", "array")
def path_as_data(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit("data.csv", np.ones((8, 1)), verbose=0)
