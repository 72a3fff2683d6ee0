"""Building a model."""

from .mistake import mistake


@mistake("A model of nothing is asked for its weights", "not built", "Input")
def weights_before_building(keras, np):
    model = keras.Sequential([keras.layers.Dense(2)])
    model.count_params()


@mistake("Summary of a layer's weights before it is built", "not built", "'late'")
def layer_weights_before_building(keras, np):
    layer = keras.layers.Dense(2, name="late")
    layer.count_params()


@mistake("Two inputs, one is forgotten", "'b'", "Input", "Add it")
def forgotten_input(keras, np):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate(name="join")([a, b])
    keras.Model(a, keras.layers.Dense(1)(joined))


@mistake("A name used twice", "'same'", "name=")
def name_twice(keras, np):
    x = keras.Input((2,))
    y = keras.layers.Dense(2, name="same")(x)
    keras.Model(x, keras.layers.Dense(2, name="same")(y))


@mistake("The class of a layer, in place of a layer", "Flatten", "class")
def class_in_place_of_layer(keras, np):
    keras.Sequential([keras.Input((4, 4)), keras.layers.Flatten, keras.layers.Dense(2)])


@mistake("A tensor in a Sequential", "layer")
def tensor_in_sequential(keras, np):
    keras.Sequential([keras.layers.Dense(2)(keras.Input((3,)))])


@mistake("A list forgotten around layers", "list")
def layers_without_a_list(keras, np):
    keras.Sequential(keras.Input((3,)), keras.layers.Dense(2))


@mistake("Model with layers in place of tensors", "Dense")
def model_of_layers(keras, np):
    a = keras.Input((3,))
    keras.Model(inputs=a, outputs=keras.layers.Dense(2))


@mistake("Model outputs that do not come from its inputs", "other")
def outputs_from_elsewhere(keras, np):
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="other")
    keras.Model(a, keras.layers.Dense(2)(b))


@mistake("A NumPy function on a symbolic tensor", "symbolic", "lamina.ops")
def numpy_on_a_symbolic_tensor(keras, np):
    x = keras.Input((3,))
    y = np.exp(x)
    keras.Model(x, y)


@mistake("`if` on a symbolic tensor", "symbolic", "no value")
def if_on_a_symbolic_tensor(keras, np):
    x = keras.Input((3,))
    if keras.ops.sum(x) > 0:
        x = -x


@mistake("A symbolic tensor is looked into", "symbolic", "no value")
def float_of_a_symbolic_tensor(keras, np):
    x = keras.Input((3,))
    float(keras.ops.mean(x))


@mistake("A loop over a symbolic tensor of unknown length", "not known", "None")
def loop_over_the_batch(keras, np):
    x = keras.Input((3,))
    for row in x:
        print(row)


@mistake("The batch size given twice, as part of the shape", "3", "4")
def batch_in_the_shape(keras, np):
    x = keras.Input((32, 4))
    y = keras.layers.Dense(3)(keras.layers.Flatten()(x))
    model = keras.Model(x, y)
    model.predict(np.ones((32, 4)), verbose=0)


@mistake("A layer that is not there", "'nowhere'", "hidden")
def get_layer_by_a_wrong_name(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="hidden")], name="net")
    model.get_layer("nowhere")


@mistake("A layer index that is too large", "5", "1")
def get_layer_by_a_wrong_index(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="hidden")], name="net")
    model.get_layer(index=5)


@mistake("pop from an empty model", "no layers")
def pop_from_an_empty_model(keras, np):
    keras.Sequential().pop()


@mistake("A slash in a layer's name", "'block/dense'", "/")
def slash_in_a_name(keras, np):
    keras.layers.Dense(2, name="block/dense")


@mistake("Input of an unknown size into Dense", "kernel", "None")
def dense_on_an_unknown_size(keras, np):
    keras.layers.Dense(2)(keras.Input((None,)))


@mistake("Flatten before Dense on pictures of any size", "kernel", "None", "GlobalAveragePooling2D")
def flatten_an_unknown_size(keras, np):
    x = keras.Input((None, None, 3))
    keras.layers.Dense(2)(keras.layers.Flatten()(x))
