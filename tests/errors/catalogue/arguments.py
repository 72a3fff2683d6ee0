"""Arguments of layers: misspelt, out of range, of the wrong kind."""

from .mistake import mistake


@mistake("A misspelt argument", "'activatoin'", "'activation'", "Dense")
def misspelt_argument(keras, np):
    keras.layers.Dense(2, activatoin="relu")


@mistake("A misspelt activation", "'rellu'", "'relu'")
def misspelt_activation(keras, np):
    keras.layers.Dense(2, activation="rellu")


@mistake("A misspelt initializer", "'glorot_unform'", "'glorot_uniform'")
def misspelt_initializer(keras, np):
    keras.layers.Dense(2, kernel_initializer="glorot_unform")


@mistake("A misspelt regularizer", "'l22'", "'l2'")
def misspelt_regularizer(keras, np):
    keras.layers.Dense(2, kernel_regularizer="l22")


@mistake("A misspelt constraint", "'maxnorm1'", "'max_norm'")
def misspelt_constraint(keras, np):
    keras.layers.Dense(2, kernel_constraint="maxnorm1")


@mistake("A misspelt layer", "'Conv2d'", "'Conv2D'")
def misspelt_layer(keras, np):
    keras.layers.Conv2d(8, 3)


@mistake("A misspelt function", "'matmull'", "'matmul'")
def misspelt_op(keras, np):
    keras.ops.matmull(np.ones((2, 2)), np.ones((2, 2)))


@mistake("A misspelt namespace", "'optimizer'", "'optimizers'")
def misspelt_namespace(keras, np):
    keras.optimizer.Adam()


@mistake("Units below zero", "units", "-1")
def units_below_zero(keras, np):
    keras.layers.Dense(-1)


@mistake("Units that are a fraction", "units", "2.5")
def fractional_units(keras, np):
    keras.layers.Dense(2.5)


@mistake("Units that are forgotten", "units")
def forgotten_units(keras, np):
    keras.layers.Dense(activation="relu")


@mistake("Units and the width of the input, as in Keras 1", "3", "activation")
def width_as_second_argument(keras, np):
    keras.layers.Dense(2, 3)(np.ones((2, 3)))


@mistake("A padding that does not exist", "padding", "'sane'", "'same'")
def unknown_padding(keras, np):
    keras.layers.Conv2D(8, 3, padding="sane")


@mistake("A kernel size with too many numbers", "kernel_size", "(3, 3, 3)", "2")
def kernel_size_of_three(keras, np):
    keras.layers.Conv2D(8, (3, 3, 3))


@mistake("Strides and dilation at once", "strides", "dilation_rate")
def strides_and_dilation(keras, np):
    keras.layers.Conv2D(8, 3, strides=2, dilation_rate=2)


@mistake("A rate of dropout in percent", "rate", "50")
def dropout_in_percent(keras, np):
    keras.layers.Dropout(50)


@mistake("A data format that does not exist", "data_format", "'channels_fist'", "'channels_first'")
def unknown_data_format(keras, np):
    keras.layers.Conv2D(8, 3, data_format="channels_fist")


@mistake("Activation as a list", "activation", "['relu']")
def activation_in_a_list(keras, np):
    keras.layers.Dense(2, activation=["relu"])


@mistake("Permute that starts at 0", "dims", "(0, 2)", "1")
def permute_from_zero(keras, np):
    keras.layers.Permute((0, 2))


@mistake("Input with a batch axis that is a number alone", "shape", "4")
def input_of_a_number(keras, np):
    keras.Input(shape=(4.5,))


@mistake("Input without a shape", "shape")
def input_without_a_shape(keras, np):
    keras.Input()


@mistake("Bidirectional of a layer that is not recurrent", "Bidirectional", "Dense")
def bidirectional_dense(keras, np):
    keras.layers.Bidirectional(keras.layers.Dense(2))


@mistake("TimeDistributed of a class", "TimeDistributed", "Dense")
def time_distributed_class(keras, np):
    keras.layers.TimeDistributed(keras.layers.Dense)


@mistake("LayerNormalization over an axis that is not there", "axis 3", "rank 2")
def normalization_over_a_missing_axis(keras, np):
    keras.layers.LayerNormalization(axis=3, name="norm")(keras.Input((4,)))


@mistake("Heads that are no number", "num_heads", "0")
def no_heads(keras, np):
    keras.layers.MultiHeadAttention(num_heads=0, key_dim=4)


@mistake("Embedding of a negative size", "input_dim", "-5")
def embedding_of_a_negative_size(keras, np):
    keras.layers.Embedding(-5, 4)


@mistake("Too many arguments by position", "Flatten", "by position")
def too_many_arguments(keras, np):
    keras.layers.Flatten(None, 3, 4)


@mistake("An application with a wrong number of classes for its weights", "1000", "10", "include_top=False")
def classes_beside_published_weights(keras, np):
    keras.applications.MobileNetV2(weights="imagenet", classes=10)


@mistake("An application on too small pictures", "32", "16")
def application_on_small_pictures(keras, np):
    keras.applications.VGG16(weights=None, include_top=False, input_shape=(16, 16, 3))
