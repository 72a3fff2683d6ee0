"""Labels that do not fit the loss."""

from .mistake import mistake


@mistake("One-hot labels for a sparse loss", "one-hot", "'categorical_crossentropy'")
def one_hot_for_a_sparse_loss(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((8, 4)), np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]], verbose=0)


@mistake("Class numbers for a one-hot loss", "class numbers", "'sparse_categorical_crossentropy'")
def class_numbers_for_a_one_hot_loss(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", "categorical_crossentropy")
    model.fit(np.ones((8, 4)), np.zeros(8), verbose=0)


@mistake("A class number that is too large", "3", "0", "2")
def class_number_too_large(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((4, 4)), np.array([1, 2, 3, 1]), verbose=0)


@mistake("A class number of -1", "-1", "2")
def class_number_below_zero(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((4, 4)), np.array([0, -1, 2, 1]), verbose=0)


@mistake("Labels that are strings", "'cat'", "numpy.unique")
def labels_that_are_strings(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((3, 4)), np.array(["cat", "dog", "cat"]), verbose=0)


@mistake("Labels in a list of strings", "'cat'", "numpy.unique")
def labels_in_a_list_of_strings(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")], name="net")
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(np.ones((3, 4)), ["cat", "dog", "cat"], verbose=0)


@mistake("Three classes, one unit and binary crossentropy", "0", "1", "2", warns=True)
def classes_for_a_binary_loss(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")], name="net")
    model.compile("sgd", "binary_crossentropy")
    model.fit(np.ones((3, 4)), np.array([[0], [1], [2]]), verbose=0)


@mistake("softmax over one unit", "softmax", "one unit", "sigmoid", warns=True)
def softmax_over_one_unit(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="softmax")], name="net")
    model.compile("sgd", "binary_crossentropy")
    model.fit(np.ones((4, 4)), np.array([[0], [1], [0], [1]]), verbose=0)


@mistake("softmax and from_logits", "softmax", "from_logits=True", warns=True)
def softmax_and_from_logits(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")], name="net")
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(np.ones((4, 4)), np.array([0, 1, 2, 0]), verbose=0)


@mistake("sigmoid and from_logits", "sigmoid", "from_logits=True", warns=True)
def sigmoid_and_from_logits(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")], name="net")
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(np.ones((4, 4)), np.array([[0], [1], [0], [1]]), verbose=0)


@mistake("Labels of another width", "(None, 7)", "(None, 3)")
def labels_of_another_width(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 7)), verbose=0)


@mistake("One label array for two outputs", "one value", "2", "left, right")
def one_label_for_two_outputs(keras, np):
    x = keras.Input((4,))
    heads = [keras.layers.Dense(1, name="left")(x), keras.layers.Dense(1, name="right")(x)]
    model = keras.Model(x, heads, name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("Labels by a wrong name", "'rihgt'", "'right'")
def labels_by_a_wrong_name(keras, np):
    x = keras.Input((4,))
    model = keras.Model(x, {n: keras.layers.Dense(1, name=n)(x) for n in ("left", "right")})
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), {"left": np.ones((8, 1)), "rihgt": np.ones((8, 1))}, verbose=0)


@mistake("Pictures as labels of a classifier", "(None, 8, 8, 1)", "(None, 3)")
def pictures_as_labels(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 8, 8, 1)), verbose=0)


@mistake("to_categorical with too few classes", "0 to 3", "3 classes")
def to_categorical_with_too_few_classes(keras, np):
    keras.utils.to_categorical([0, 1, 3], num_classes=3)


@mistake("to_categorical of numbers below zero", "-1")
def to_categorical_of_negative_numbers(keras, np):
    keras.utils.to_categorical([0, -1, 2])


@mistake("Segmentation labels with a channel too many", "(None, 8, 8, 3)", "(None, 8, 8, 2)")
def segmentation_labels_of_another_depth(keras, np):
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 1, name="head")], name="net")
    model.compile("sgd", "categorical_crossentropy")
    model.fit(np.ones((2, 8, 8, 1)), np.ones((2, 8, 8, 3)), verbose=0)
