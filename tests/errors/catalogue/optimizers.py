"""Optimizers and schedules."""

from .mistake import mistake


@mistake("lr, as in Keras 2", "lr", "learning_rate")
def lr_in_place_of_learning_rate(keras, np):
    keras.optimizers.Adam(lr=0.1)


@mistake("A learning rate that is a string", "'0.1'", "learning_rate")
def learning_rate_as_a_string(keras, np):
    keras.optimizers.SGD("0.1")


@mistake("A momentum above 1", "momentum", "2")
def momentum_above_one(keras, np):
    keras.optimizers.SGD(momentum=2.0)


@mistake("clipnorm and clipvalue at once", "clipnorm", "clipvalue")
def two_ways_to_clip(keras, np):
    keras.optimizers.Adam(clipnorm=1.0, clipvalue=0.5)


@mistake("nesterov without momentum", "nesterov", "momentum", warns=True)
def nesterov_without_momentum(keras, np):
    keras.optimizers.SGD(nesterov=True)


@mistake("Gradients without their variables", "variables")
def gradients_without_variables(keras, np):
    keras.optimizers.SGD().apply([np.ones((2,), "float32")])


@mistake("One gradient too many", "2", "1")
def one_gradient_too_many(keras, np):
    v = keras.Variable(np.ones((2,), "float32"))
    keras.optimizers.SGD().apply([np.ones((2,), "float32"), np.ones((2,), "float32")], [v])


@mistake("A gradient of another shape", "(3,)", "(2,)")
def gradient_of_another_shape(keras, np):
    v = keras.Variable(np.ones((2,), "float32"), name="v")
    keras.optimizers.SGD().apply([np.ones((3,), "float32")], [v])


@mistake(
    "An optimizer of one model on the variables of another",
    "'other'",
    "built",
)
def optimizer_of_another_model(keras, np):
    optimizer = keras.optimizers.Adam()
    first = keras.Variable(np.ones((2,), "float32"), name="first")
    other = keras.Variable(np.ones((2,), "float32"), name="other")
    optimizer.apply([np.ones((2,), "float32")], [first])
    optimizer.apply([np.ones((2,), "float32")], [other])


@mistake("Nothing to train", "trainable", "'net'", warns=True)
def nothing_to_train(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.trainable = False
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)


@mistake("Boundaries and values of a schedule do not match", "boundaries", "values")
def schedule_of_unequal_lists(keras, np):
    keras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [0.1, 0.01])


@mistake("CosineDecay without steps", "decay_steps", "0")
def decay_of_no_steps(keras, np):
    keras.optimizers.schedules.CosineDecay(0.1, 0)


@mistake("The learning rate of a schedule is set", "learning rate", "schedule")
def learning_rate_of_a_schedule(keras, np):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    keras.optimizers.SGD(schedule).learning_rate = 0.1


@mistake("A gradient for a variable that has none", "no gradients", "v")
def gradients_that_are_none(keras, np):
    v = keras.Variable(np.ones((2,), "float32"), name="v")
    keras.optimizers.SGD().apply([None], [v])


@mistake("weight_decay below zero", "weight_decay", "-0.1")
def negative_weight_decay(keras, np):
    keras.optimizers.AdamW(weight_decay=-0.1).build([keras.Variable(np.ones(2))])
