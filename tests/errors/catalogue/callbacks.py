"""Callbacks."""

from .mistake import mistake


@mistake("A monitor with a typing error", "'val_los'", "loss")
def misspelt_monitor(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    stop = keras.callbacks.EarlyStopping(monitor="val_los")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[stop], verbose=0)


@mistake("A monitor of validation without validation data", "'val_loss'", "validation", warns=True)
def monitor_without_validation(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    keep = keras.callbacks.ModelCheckpoint("best.keras", save_best_only=True)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[keep], verbose=0)


@mistake("A checkpoint without an extension", "'best'", ".keras")
def checkpoint_without_an_extension(keras, np):
    keras.callbacks.ModelCheckpoint("best")


@mistake("A checkpoint of weights with a model's extension", "'best.keras'", ".weights.h5")
def checkpoint_of_weights_as_model(keras, np):
    keras.callbacks.ModelCheckpoint("best.keras", save_weights_only=True)


@mistake("A mode that does not exist", "'minimum'", "'min'", warns=True)
def unknown_mode(keras, np):
    keras.callbacks.EarlyStopping(monitor="loss", mode="minimum")


@mistake("A checkpoint named after a metric that is missing", "val_accuracy", "loss")
def checkpoint_named_after_a_missing_metric(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    keep = keras.callbacks.ModelCheckpoint("{epoch}-{val_accuracy:.2f}.keras")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[keep], verbose=0)


@mistake("The class of a callback in place of a callback", "EarlyStopping", "class")
def class_of_a_callback(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[keras.callbacks.EarlyStopping], verbose=0)


@mistake("A function in place of a callback", "LambdaCallback", "Callback")
def function_as_a_callback(keras, np):
    def report(epoch, logs):
        print(epoch)

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[report], verbose=0)


@mistake("A schedule that returns nothing", "schedule", "None")
def schedule_without_return(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: None)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[rate], verbose=0)


@mistake("ReduceLROnPlateau that enlarges", "factor", "2")
def factor_above_one(keras, np):
    keras.callbacks.ReduceLROnPlateau(factor=2.0)


@mistake("A mistake inside a callback", "'val_loss'", "on_epoch_end")
def mistake_inside_a_callback(keras, np):
    class Report(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(logs["val_loss"])

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[Report()], verbose=0)


@mistake("A schedule of the optimizer and one of a callback", "learning rate", "schedule")
def two_schedules(keras, np):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], name="net")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    rate = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), callbacks=[rate], verbose=0)
