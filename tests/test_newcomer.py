"""What a new user met at 30cbf13 (issue 34): for each of its 15 points the tests that fail there, here or in other files.

Tried there with `PYTHONPATH=<checkout of 30cbf13> pytest <test>`; a test that needs a name which did not exist yet fails by that.
"""

import ast
import pathlib
import re
import tomllib

import numpy as np
import pytest

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

HERE = pathlib.Path(__file__).parent
X = np.linspace(0.1, 1, 12, dtype="float32").reshape(4, 3)

# the number of the point -> what it was, and its tests
POINTS = {
    1: ("torch: native functions made fake tensors of weights, silently", [
        "core/test_abstract.py::test_torch_functions_on_weights_train",
        "core/test_abstract.py::test_inside_other_layers",
        "core/test_abstract.py::test_subclass_is_built",
    ]),
    2: ("`steps` above the number of batches", [
        "training/test_lengths.py::test_predict_stops_where_the_data_does",
        "training/test_lengths.py::test_validation_has_the_same_batches_in_every_epoch",
    ]),
    3: ("an overridden `compute_metrics`, `save_assets` and `load_assets` were never called", [
        "training/test_like_keras.py::test_an_overridden_compute_metrics_is_called",
        "test_newcomer.py::test_assets_of_a_layer_of_one_s_own",
    ]),
    4: ("`Lambda` of a framework's function or with a misspelling; lambdas in files", [
        "core/test_abstract.py::test_lambda",
        "core/test_abstract.py::test_misspelt",
        "test_newcomer.py::test_numpy_in_a_layer_is_told_the_op",
        "models/test_strangers.py::test_a_lambda_in_a_file",
    ]),
    5: ("layers of real Keras, and classes, in a model", [
        "models/test_strangers.py::test_layers_of_another_library",
        "models/test_strangers.py::test_a_class_in_place_of_an_object",
    ]),
    6: ("values looked at in `call`; an `nn.Module` in an attribute", [
        "training/test_like_keras.py::test_run_eagerly_shows_numbers_and_nothing_else",
        "core/test_abstract.py::test_values_looked_at",
        "core/test_torch_module.py::test_module_in_an_attribute_is_trained",
    ]),
    7: ("names that are not there yet, told like misspellings", [
        "test_newcomer.py::test_a_name_of_keras_is_no_misspelling",
        "differential/test_kinds.py::test_names_that_are_not_there_yet_are_no_misspellings",
    ]),
    8: ("`summary()` and the bar in 80 columns", [
        "test_newcomer.py::test_summary_of_branches_fits_80_columns",
        "visual/test_summary.py::test_fits_the_width",
        "callbacks/test_progress_width.py::test_the_bar_keeps_its_parts",
    ]),
    9: ("type checkers saw layers and models as `Any`", ["checked/test_types.py::test_mistakes_are_found"]),
    10: ("`PyDataset(use_multiprocessing=True)` in a script without a guard, and with a notebook's class", [
        "training/test_workers.py::test_a_script_without_a_guard_is_forked_and_not_run_again",
        "training/test_workers.py::test_a_class_of_a_notebook_is_refused_where_processes_start_anew",
    ]),
    11: ("labels that are no classes", ["training/test_like_keras.py::test_labels_that_are_no_classes"]),
    12: ("internal frames in tracebacks", [
        "training/test_like_keras.py::test_errors_show_the_users_lines_and_no_others",
        "test_newcomer.py::test_a_wrong_shape_in_fit_shows_one_line",
    ]),
    13: ("pictures and progress in notebooks", [
        "test_newcomer.py::test_pictures_say_relu",
        "visual/test_pictures.py::test_with_graphviz",
        "visual/test_notebooks.py::test_progress_in_a_notebook_is_one_line_that_changes",
    ]),
    14: ("`dict(units=..., **super().get_config())`, weights made in `call`, pickles, advice about `.h5`", [
        "test_newcomer.py::test_a_config_in_a_dict",
        "test_newcomer.py::test_weights_made_in_call_are_refused",
        "models/test_strangers.py::test_everything_pickles",
        "test_newcomer.py::test_advice_about_h5_works",
    ]),
    15: ("docstrings of `fit` and `compile`, metadata, README", [
        "test_newcomer.py::test_docstrings_say_what_each_argument_takes",
        "test_newcomer.py::test_metadata_and_readme",
    ]),
}  # fmt: skip


@pytest.mark.parametrize("point", POINTS)
def test_each_point_has_its_tests(point):
    for name in POINTS[point][1]:
        file, test = name.split("::")
        tree = ast.parse((HERE / file).read_text())
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name
    assert list(POINTS) == list(range(1, 16))


@pytest.fixture(params=["jax", "torch", "tensorflow"])
def backend(request):
    with interpreter(backends.load(request.param)):
        yield request.param


def test_assets_of_a_layer_of_one_s_own(tmp_path):
    class Words(layers.Layer):
        words = ()

        def call(self, x):
            return x

        def save_assets(self, folder):
            pathlib.Path(folder, "words.txt").write_text("\n".join(self.words))

        def load_assets(self, folder):
            self.words = tuple(pathlib.Path(folder, "words.txt").read_text().split("\n"))

    model = lamina.Sequential([lamina.Input((2,)), Words()])
    model.layers[-1].words = ("a", "b")
    model.save(tmp_path / "m.keras")
    again = lamina.models.load_model(tmp_path / "m.keras", custom_objects={"Words": Words})
    assert again.layers[-1].words == ("a", "b")


@pytest.mark.filterwarnings("ignore:__array_wrap__")  # of torch's tensors
@pytest.mark.parametrize("function", [np.sqrt, lambda x: np.exp(-x)], ids=["np.sqrt", "np in a lambda"])
def test_numpy_in_a_layer_is_told_the_op(backend, function):
    model = lamina.Sequential([layers.Dense(2, activation="softplus"), layers.Lambda(function)])
    if backend == "torch":  # has numbers in a step that does not differentiate
        assert model.predict(X, verbose=0).shape == (4, 2)
    else:
        with pytest.raises(TypeError, match=r"lamina\.ops \(ops\.sqrt for np\.sqrt"):
            model.predict(X, verbose=0)
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"lamina\.ops \(ops\.sqrt for np\.sqrt"):
        model.fit(X, X[:, :2], verbose=0)


def test_a_name_of_keras_is_no_misspelling():
    with pytest.raises(AttributeError, match="not there yet"):
        lamina.export  # noqa: B018
    with pytest.raises(AttributeError, match="Did you mean 'RandomFlip'"):
        layers.RandomFlp  # noqa: B018 # pyright: ignore


def test_summary_of_branches_fits_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    inputs = lamina.Input((4,), name="the_only_input_of_the_model")
    branches = [layers.Dense(4, name=f"a_branch_with_a_long_name_{i}")(inputs) for i in range(3)]
    model = lamina.Model(inputs, layers.Concatenate(name="all_branches_side_by_side")(branches))
    printed = []
    model.summary(print_fn=lambda line, **_: printed.append(line))
    lines = "\n".join(printed).split("\n")
    assert max(map(len, lines)) <= 80


def test_pictures_say_relu():
    model = lamina.Sequential([lamina.Input((2,)), layers.Dense(3, activation="relu")])
    source = lamina.utils.model_to_dot(model, show_layer_activations=True).source
    assert "relu" in source
    assert "piecewise" not in source


def test_a_wrong_shape_in_fit_shows_one_line(backend):
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="expected an input of size 4") as caught:
        model.fit(X, X[:, :1], verbose=0)
    assert len(caught.traceback) == 1


def test_a_config_in_a_dict():
    class Scaled(layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def get_config(self):
            return dict(units=self.units, **super().get_config())

    assert Scaled.from_config(Scaled(3).get_config()).units == 3


def test_weights_made_in_call_are_refused(backend):
    class Grows(layers.Layer):
        def call(self, x):
            return x * self.add_weight((), "ones")

    with pytest.raises(ValueError, match="Make variables and layers in `__init__` or `build`"):
        layer = Grows()
        layer(X)
        layer(X)


def test_advice_about_h5_works(tmp_path):
    """A file of weights is no model: what the error says to call is what reads it."""
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(2)])
    model.save_weights(tmp_path / "one.weights.h5")
    with pytest.raises(ValueError) as caught:
        lamina.models.load_model(tmp_path / "one.weights.h5")
    assert "build the model and call `model.load_weights`" in str(caught.value)
    model.load_weights(tmp_path / "one.weights.h5")


# of each argument the values that its description must name
SAID = {
    lamina.Model.fit: {
        "x": ["frame", "PyDataset", "tf.data.Dataset", "DataLoader", "generator", "sample_weight"],
        "y": ["None"], "batch_size": ["32", "None"], "epochs": ["initial_epoch"],
        "verbose": ["0", "1", "2", "auto"], "callbacks": ["list", "CallbackList"],
        "validation_split": ["0", "1", "last"], "validation_data": ["sample_weight", "source"],
        "shuffle": ["True", "False", "batch"], "class_weight": ["one-hot", "dict"],
        "sample_weight": ["rows", "steps"], "initial_epoch": ["0"], "steps_per_epoch": ["None", "pass"],
        "validation_steps": ["None"], "validation_batch_size": ["None"], "validation_freq": ["nth", "list"],
        "resume": ["folder", "BackupAndRestore", "None"], "live": ["True", "False", "folder"],
    },
    lamina.Model.compile: {
        "optimizer": ["name", "config", "None"], "loss": ["name", "config", "function", "dict", "None"],
        "loss_weights": ["None"], "metrics": ["accuracy", "crossentropy", "function", "dict"],
        "weighted_metrics": ["sample weights"], "run_eagerly": ["True", "False"],
        "steps_per_execution": ["callbacks"], "jit_compile": ["True", "False", "None", "auto"],
        "auto_scale_loss": ["mixed_float16", "False"],
    },
}  # fmt: skip


@pytest.mark.parametrize("method", SAID, ids=lambda method: method.__name__)
def test_docstrings_say_what_each_argument_takes(method):
    given = (
        (method.__doc__ or "")
        .partition("Args:\n")[2]
        .partition("Returns:" if method.__name__ == "fit" else "Raises:")[0]
    )
    said = dict(re.findall(r"^ {12}(\w+): (.*?)(?=^ {12}\w|\Z)", given, re.DOTALL | re.MULTILINE))
    assert set(said) == set(SAID[method])
    for argument, words in SAID[method].items():
        assert [word for word in words if word not in said[argument]] == [], argument


def test_metadata_and_readme():
    """Someone made it; and of what works nothing is called missing."""
    assert tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]["authors"]
    readme, status = ((HERE.parent / page).read_text() for page in ("README.md", "docs/status.md"))
    missing = [readme.partition("not there raises a clear error: ")[2].partition(".\n")[0]]
    missing += [status.partition('Raises "not yet" when asked for: ')[2].partition(".\n")[0]]
    assert all(missing)
    assert [name for name in lamina.callbacks.__all__ for part in missing if name in part] == []
