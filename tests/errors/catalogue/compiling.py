"""Compiling a model."""

from .mistake import mistake


@mistake("fit before compile", "compile", "'raw'")
def fit_before_compile(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="raw")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("evaluate before compile", "compile", "'raw'")
def evaluate_before_compile(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="raw")
    model.evaluate(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("compile without a loss, then fit", "loss", "compile", warns=True)
def fit_without_a_loss(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("A loss with a typing error", "'categorical_crossentropie'", "'categorical_crossentropy'")
def misspelt_loss(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile("sgd", "categorical_crossentropie")
    model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)


@mistake("An optimizer with a typing error", "'adm'", "'adam")
def misspelt_optimizer(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile("adm", "mse")


@mistake("A metric with a typing error", "'acuracy'", "'accuracy'")
def misspelt_metric(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile("sgd", "mse", metrics=["acuracy"])
    model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)


@mistake("An argument of compile with a typing error", "'optimiser'", "optimizer")
def misspelt_argument_of_compile(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile(optimiser="sgd", loss="mse")


@mistake("A loss for an output that is not there", "'rihgt'", "'right'", "left")
def loss_for_a_missing_output(keras, np):
    x = keras.Input((4,))
    heads = {name: keras.layers.Dense(1, name=name)(x) for name in ("left", "right")}
    model = keras.Model(x, heads)
    model.compile("sgd", {"left": "mse", "rihgt": "mse"})
    model.fit(np.ones((8, 4)), {"left": np.ones((8, 1)), "right": np.ones((8, 1))}, verbose=0)


@mistake("Three losses for two outputs", "3", "2")
def three_losses_for_two_outputs(keras, np):
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(1, name="a")(x), keras.layers.Dense(1, name="b")(x)])
    model.compile("sgd", ["mse", "mse", "mse"])
    model.fit(np.ones((8, 4)), [np.ones((8, 1)), np.ones((8, 1))], verbose=0)


@mistake("Metrics for outputs in the wrong form", "'c'", "a, b")
def metrics_for_a_missing_output(keras, np):
    x = keras.Input((4,))
    model = keras.Model(x, {n: keras.layers.Dense(1, name=n)(x) for n in "ab"})
    model.compile("sgd", "mse", metrics={"c": ["mae"]})
    model.fit(np.ones((8, 4)), {"a": np.ones((8, 1)), "b": np.ones((8, 1))}, verbose=0)


@mistake("Too many loss weights", "loss_weights", "3", "2")
def too_many_loss_weights(keras, np):
    x = keras.Input((4,))
    model = keras.Model(x, [keras.layers.Dense(1, name="a")(x), keras.layers.Dense(1, name="b")(x)])
    model.compile("sgd", ["mse", "mse"], loss_weights=[1, 2, 3])
    model.fit(np.ones((8, 4)), [np.ones((8, 1)), np.ones((8, 1))], verbose=0)


@mistake("A loss that is a number", "0.5", "loss")
def loss_that_is_a_number(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="net")
    model.compile("sgd", 0.5)
    model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)


@mistake("The class of an optimizer is given arguments of another", "'momentum'", "Adam")
def argument_of_another_optimizer(keras, np):
    keras.optimizers.Adam(momentum=0.9)


@mistake("A loss of one's own that returns nothing", "None", "loss", "return")
def loss_without_return(keras, np):
    def my_loss(y_true, y_pred):
        keras.ops.mean((y_true - y_pred) ** 2)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", my_loss)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
