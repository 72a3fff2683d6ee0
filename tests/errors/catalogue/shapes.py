"""Shapes that do not fit."""

from .mistake import mistake


@mistake("Pictures without channels", "rank 4", "(None, 28, 28)", "x[..., None]")
def pictures_without_channels(keras, np):
    keras.layers.Conv2D(8, 3, name="conv")(keras.Input((28, 28)))


@mistake("A layer is used on another width", "'narrow'", "4", "5")
def another_width(keras, np):
    dense = keras.layers.Dense(2, name="narrow")
    dense(np.ones((8, 4)))
    dense(np.ones((8, 5)))


@mistake("A kernel larger than the picture", "'conv'", "(None, 4, 4, 1)", "7", 'padding="same"')
def kernel_larger_than_picture(keras, np):
    keras.layers.Conv2D(8, 7, name="conv")(keras.Input((4, 4, 1)))


@mistake("Pooling until nothing is left", "'pool'", "(None, 1, 1, 4)", 'padding="same"')
def pooling_until_nothing_is_left(keras, np):
    keras.layers.MaxPooling2D(2, name="pool")(keras.Input((1, 1, 4)))


@mistake("Add of two widths", "'sum'", "(None, 3)", "(None, 4)")
def add_of_two_widths(keras, np):
    a, b = keras.Input((3,)), keras.Input((4,))
    keras.layers.Add(name="sum")([a, b])


@mistake("Concatenate of two lengths", "(None, 5, 3)", "(None, 6, 3)", "axes")
def concatenate_of_two_lengths(keras, np):
    a, b = keras.Input((5, 3)), keras.Input((6, 3))
    keras.layers.Concatenate(name="join")([a, b])


@mistake("Add of one tensor", "'sum'", "list")
def add_of_one_tensor(keras, np):
    keras.layers.Add(name="sum")(keras.Input((3,)))


@mistake("Merging tensors without a list", "list", "[")
def add_without_a_list(keras, np):
    a, b = keras.Input((3,)), keras.Input((3,))
    keras.layers.Add(name="sum")(a, b)


@mistake("Reshape into another number of values", "(4, 4)", "12")
def reshape_to_another_size(keras, np):
    keras.layers.Reshape((4, 4), name="fold")(keras.Input((12,)))


@mistake("LSTM on a matrix", "'memory'", "rank 3", "(None, 8)")
def lstm_on_a_matrix(keras, np):
    keras.layers.LSTM(4, name="memory")(keras.Input((8,)))


@mistake("Two LSTMs without return_sequences", "rank 3", "return_sequences=True")
def lstm_after_lstm(keras, np):
    keras.Sequential([keras.Input((5, 8)), keras.layers.LSTM(4), keras.layers.LSTM(4, name="second")])


@mistake("Embedding of something that is already embedded", "rank", "(None, 5)")
def conv1d_on_a_matrix(keras, np):
    keras.layers.Conv1D(4, 3, name="conv")(keras.Input((5,)))


@mistake("Matrices that do not multiply", "(2, 3)", "(4, 5)")
def matrices_that_do_not_multiply(keras, np):
    keras.ops.matmul(np.ones((2, 3)), np.ones((4, 5)))


@mistake("Arrays that do not add", "(2, 3)", "(2, 4)")
def arrays_that_do_not_add(keras, np):
    keras.ops.add(np.ones((2, 3)), np.ones((2, 4)))


@mistake("An axis that is not there", "axis 2", "rank 2")
def axis_that_is_not_there(keras, np):
    keras.ops.sum(np.ones((2, 3)), axis=2)


@mistake("Reshape of an array", "(2, 3)", "(4, 2)")
def reshape_of_an_array(keras, np):
    keras.ops.reshape(np.ones((2, 3)), (4, 2))


@mistake("Concatenate arrays of different rank", "(2, 3)", "(2,)")
def concatenate_of_two_ranks(keras, np):
    keras.ops.concatenate([np.ones((2, 3)), np.ones((2,))])


@mistake("Attention of different widths", "(None, 5, 8)", "(None, 7, 4)")
def attention_of_two_widths(keras, np):
    keras.layers.Attention(name="look")([keras.Input((5, 8)), keras.Input((7, 4))])


@mistake("MultiHeadAttention without a value", "`value`", "layer(")
def attention_without_value(keras, np):
    keras.layers.MultiHeadAttention(2, 4, name="look")(keras.Input((5, 8)))


@mistake("Channels first where channels come last", "'conv'", "3", "groups")
def groups_that_do_not_divide(keras, np):
    keras.layers.Conv2D(4, 3, groups=2, name="conv")(keras.Input((8, 8, 3)))


@mistake("Dot of two axes of different size", "3", "4", "axes")
def dot_of_two_sizes(keras, np):
    keras.layers.Dot(axes=1, name="dot")([keras.Input((3,)), keras.Input((4,))])


@mistake("Weights of another shape", "(4, 3)", "(3, 4)", "head/kernel")
def set_weights_of_another_shape(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="head")], name="net")
    model.set_weights([np.ones((3, 4)), np.ones((3,))])


@mistake("A variable gets a value of another shape", "(2, 3)", "(3, 2)")
def assign_another_shape(keras, np):
    keras.Variable(np.ones((2, 3))).assign(np.ones((3, 2)))
