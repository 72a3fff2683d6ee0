"""Saving and loading."""

from .mistake import mistake


@mistake("A file that is not there", "nowhere.keras", "no file")
def missing_file(keras, np):
    keras.saving.load_model("nowhere.keras")


@mistake("Saving without an extension", "'model'", ".keras")
def save_without_an_extension(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    model.save("model")


@mistake("Weights without their extension", "'model.h5'", ".weights.h5")
def weights_without_their_extension(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    model.save_weights("model.h5")


@mistake("A folder that is not there", "nowhere", "folder")
def folder_that_is_not_there(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    model.save_weights("nowhere/model.weights.h5")


@mistake("Weights of another model", "net/head/kernel", "(3, 2)", "(3, 4)")
def weights_of_another_model(keras, np):
    one = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="head")], name="net")
    two = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="head")], name="net")
    one.save_weights("one.weights.h5")
    two.load_weights("one.weights.h5")


@mistake("Weights of a model with one layer less", "missing", "(3, 3)")
def weights_of_a_smaller_model(keras, np):
    dense = keras.layers.Dense
    one = keras.Sequential([keras.Input((3,)), dense(3)], name="net")
    two = keras.Sequential([keras.Input((3,)), dense(3), dense(3)], name="net")
    one.save_weights("one.weights.h5")
    two.load_weights("one.weights.h5")


@mistake("A class that the loader does not know", "Mine", "custom_objects")
def unknown_class_in_a_file(keras, np):
    class Mine(keras.layers.Layer):
        def call(self, x):
            return x

    keras.Sequential([keras.Input((3,)), Mine()], name="net").save("own.keras")
    keras.saving.load_model("own.keras")


@mistake("A Lambda in a file", "lambda", "custom_objects")
def lambda_in_a_file(keras, np):
    keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: x * 2)], name="net").save("l.keras")
    keras.saving.load_model("l.keras")


@mistake("A file that is no model", "text.keras", "zip")
def file_that_is_no_model(keras, np):
    with open("text.keras", "w") as file:
        file.write("I am no model.")
    keras.saving.load_model("text.keras")


@mistake("A file that was cut off", "cut.keras", "cut off")
def file_that_was_cut_off(keras, np):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net").save("whole.keras")
    with open("whole.keras", "rb") as whole, open("cut.keras", "wb") as cut:
        cut.write(whole.read()[:2000])
    keras.saving.load_model("cut.keras")


@mistake("load_weights of a model's file that is missing", "gone.weights.h5", "no file")
def missing_weights(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    model.load_weights("gone.weights.h5")


@mistake("Weights are loaded before the model is built", "not built", "'net'")
def load_weights_before_building(keras, np):
    one = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    one.save_weights("one.weights.h5")
    keras.Sequential([keras.layers.Dense(2)], name="net").load_weights("one.weights.h5")


@mistake("JSON that is no model", "JSON")
def json_that_is_no_model(keras, np):
    keras.models.model_from_json("not json")


@mistake("A config with an unknown class", "'Dence'", "'Dense'")
def unknown_class_in_a_config(keras, np):
    keras.layers.deserialize({"class_name": "Dence", "config": {"units": 2}})


@mistake("Too few arrays for set_weights", "1", "2", "'net'")
def too_few_weights(keras, np):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="net")
    model.set_weights([np.ones((3, 2))])


@mistake("A config with a wrong argument", "Dense", "units")
def wrong_argument_in_a_config(keras, np):
    keras.layers.Dense.from_config({"unit": 2})
