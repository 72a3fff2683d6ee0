"""The alias: what `import keras` gives, by all its names, and that it can be taken away again."""

import importlib
import os
import pathlib
import subprocess
import sys
import sysconfig
import warnings

import numpy as np
import pytest

import lamina
from lamina import legacy
from lamina.legacy import paths, startup

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def alias():
    lamina.install_as_keras()
    try:
        yield
    finally:
        lamina.uninstall_as_keras()


@pytest.mark.parametrize("root", ["keras", "tf_keras", "keras._tf_keras.keras", "keras.api"])
def test_all_names_of_the_package_are_lamina(alias, root):
    keras = importlib.import_module(root)
    layers = importlib.import_module(f"{root}.layers")
    assert keras.layers is layers
    assert layers is sys.modules["keras.layers"]
    assert layers.Dense is lamina.layers.Dense
    assert keras.Model is lamina.Model
    assert keras.__version__ == keras.version() == "3.15.0"


OLD = {
    "keras.engine.topology": "Layer Node Container InputSpec Input Merge merge",
    "keras.engine.base_layer": "Layer", "keras.engine.training": "Model", "keras.layers.core": "Dense Dropout",
    "keras.layers.convolutional": "Convolution2D UpSampling2D", "keras.layers.merge": "Concatenate add",
    "keras.layers.recurrent": "LSTM GRU", "keras.layers.normalization": "BatchNormalization",
    "keras.layers.advanced_activations": "LeakyReLU PReLU ThresholdedReLU", "keras.layers.embeddings": "Embedding",
    "keras.layers.wrappers": "TimeDistributed Bidirectional", "keras.layers.noise": "GaussianNoise",
    "keras.layers.local": "LocallyConnected1D LocallyConnected2D", "keras.layers.pooling": "MaxPooling2D",
    "keras.layers.experimental.preprocessing": "Dense", "keras.legacy": "backend", "keras.legacy.layers": "Highway MaxoutDense",
    "keras.utils.np_utils": "to_categorical normalize", "keras.utils.vis_utils": "plot_model",
    "keras.utils.generic_utils": "get_custom_objects", "keras.preprocessing.text": "Tokenizer text_to_word_sequence",
    "keras.preprocessing.sequence": "pad_sequences TimeseriesGenerator",
    "keras.preprocessing.image": "ImageDataGenerator load_img", "keras.wrappers.scikit_learn": "KerasClassifier",
    "keras.optimizers.legacy": "SGD", "keras.objectives": "mse categorical_crossentropy",
    "keras.src.backend": "get_keras_mask set_keras_mask standardize_dtype compute_output_spec",
    "keras.src.backend.config": "epsilon", "keras.src.backend.common": "KerasVariable",
    "keras.src.ops.operation_utils": "compute_conv_output_shape", "keras.src.saving.saving_lib": "load_model H5IOStore",
    "keras.src.saving.serialization_lib": "deserialize_keras_object", "keras.src.layers.input_spec": "InputSpec",
    "keras.src.layers.pooling.base_pooling": "BasePooling", "keras.src.layers.convolutional.base_conv": "BaseConv",
    "keras.src.layers.merging.base_merge": "Merge", "keras.src.losses.losses": "LossFunctionWrapper",
    "keras.src.distribution.distribution_lib": "DeviceMesh", "keras.src.utils.backend_utils": "in_grain_data_pipeline",
    "keras.src.utils.tracking": "no_automatic_dependency_tracking", "keras.src.models.functional": "Functional",
    "keras.src.layers.rnn.simple_rnn": "RNN SimpleRNN SimpleRNNCell", "keras.src.callbacks": "History",
    "keras.src.trainers.data_adapters.data_adapter_utils": "class_weight_to_sample_weights",
    "keras.src.testing": "TestCase", "keras.src.tree": "map_structure", "keras.src": "layers ops backend",
}  # fmt: skip


def test_old_and_inner_paths_resolve(alias):
    missing = [
        f"{module}.{name}"
        for module, names in OLD.items()
        for name in names.split()
        if not hasattr(importlib.import_module(module), name)
    ]
    assert missing == []


def test_every_module_of_the_table_loads(alias):
    modules = [f"keras.{p}".rstrip(".") for p in paths._TABLE] + [
        f"keras.src.{p}".rstrip(".") for p in paths._SOURCE
    ]
    for module in modules:
        assert dir(importlib.import_module(module)) is not None


def test_a_name_that_is_missing_says_so(alias):
    with pytest.raises(ModuleNotFoundError, match=r"keras\.nowhere"):
        importlib.import_module("keras.nowhere")
    with pytest.raises(AttributeError, match="Lamina stands in for Keras here, and has no such name"):
        importlib.import_module("keras.layers").Denze
    with pytest.raises(NotImplementedError, match="`jax_draw_seed` is an internal name of Keras that Lamina"):
        importlib.import_module("keras.src.backend").jax_draw_seed("x")


def test_star_imports_give_the_public_names(alias):
    names = {}
    exec("from keras.layers import *\nfrom keras import *\nfrom keras.src.ops import *", names)
    assert names["Dense"] is lamina.layers.Dense
    assert names["ops"].sum is lamina.ops.sum
    assert "matmul" in names


def test_the_real_package_is_there_before_beside_and_afterwards():
    import keras as before

    lamina.install_as_keras()
    try:
        ours = importlib.import_module("keras")
        assert ours is not before
        with legacy.real_keras() as real:
            assert real is before
            theirs = real.layers.Dense(2, kernel_initializer="ones")
            x = np.ones((1, 3), "float32")
            assert np.asarray(theirs(x)).tolist() == [[3.0, 3.0]]
        assert importlib.import_module("keras") is ours
        with lamina.backend("numpy"):
            assert lamina.ops.convert_to_numpy(
                ours.layers.Dense(2, kernel_initializer="ones")(x)
            ).tolist() == [[3.0, 3.0]]
    finally:
        lamina.uninstall_as_keras()
    assert importlib.import_module("keras") is before
    assert sys.modules["keras"] is before


def test_installing_twice_is_installing_once(alias):
    finders = len(sys.meta_path)
    lamina.install_as_keras()
    assert len(sys.meta_path) == finders
    assert legacy.is_installed()


def test_a_switch_keeps_the_alias_away(monkeypatch):
    monkeypatch.setenv("LAMINA_AS_KERAS", "0")
    lamina.install_as_keras()
    assert not legacy.is_installed()


WITHOUT_TENSORFLOW = """
import sys
from importlib.machinery import PathFinder
find = PathFinder.find_spec
PathFinder.find_spec = classmethod(lambda cls, name, *rest: None if name == "tensorflow" else find(name, *rest))
import lamina
lamina.install_as_keras()
from tensorflow import keras
import tensorflow as tf
from tensorflow.keras.layers import Dense
assert tf.keras is keras and Dense is lamina.layers.Dense
try:
    tf.constant
except ImportError as error:
    print(error)
print([m for m in sys.modules if m.startswith("keras.src")])
lamina.uninstall_as_keras()
print("tensorflow" in sys.modules)
"""


def run(*arguments, **environment):
    known = {**os.environ, "PYTHONPATH": str(ROOT), "LAMINA_BACKEND": "numpy", **environment}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=known)


def test_tensorflow_keras_without_tensorflow():
    found = run("-c", WITHOUT_TENSORFLOW)
    assert found.stdout.splitlines() == [
        "`tensorflow.constant` needs TensorFlow, which is not installed (`pip install tensorflow-cpu`); Lamina stands "
        "in for `tensorflow.keras` alone.",
        "[]",
        "False",
    ], found.stderr


def test_run_gives_a_script_its_arguments_and_folder(tmp_path):
    (tmp_path / "beside.py").write_text("WORD = 'beside'")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, keras, beside\nfrom keras.layers import Dense\n"
        "print(__name__, sys.argv[1:], beside.WORD, Dense.__name__, keras.config.backend())"
    )
    found = run("-m", "lamina", "run", "--backend", "numpy", str(script), "--epochs", "3")
    assert found.stdout.strip() == "__main__ ['--epochs', '3'] beside Dense numpy", found.stderr
    missing = run("-m", "lamina", "run", "nowhere.py")
    assert missing.returncode == 2
    assert "there is no file nowhere.py" in missing.stderr


def test_the_file_in_a_virtual_environment(tmp_path, monkeypatch):
    monkeypatch.setattr(startup.sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(startup.sys, "prefix", str(tmp_path))
    path = tmp_path / "lamina_as_keras.pth"
    assert "the real Keras" in startup.change("on") or path.exists()
    code = path.read_text().splitlines()[-1]
    ask = "import lamina; print(lamina.legacy.is_installed())"
    assert run("-c", f"{code}\n{ask}").stdout.strip() == "True"
    assert run("-c", f"{code}\n{ask}", LAMINA_AS_KERAS="0").stdout.strip() == "False"
    startup.change("on", when_asked=True)
    code = path.read_text().splitlines()[-1]
    assert run("-c", f"{code}\n{ask}").stdout.strip() == "False"
    assert run("-c", f"{code}\n{ask}", LAMINA_AS_KERAS="1").stdout.strip() == "True"
    assert "again" in startup.change("off")
    assert not path.exists()
    assert "was off" in startup.change("off")
    path.write_text("import other")
    for state in ("on", "off"):
        with pytest.raises(RuntimeError, match="was not written by `lamina alias on`"):
            startup.change(state)
    monkeypatch.setattr(startup.sys, "prefix", startup.sys.base_prefix)
    with pytest.raises(RuntimeError, match="is not a virtual environment"):
        startup.change("on")


@pytest.mark.slow
def test_on_and_off_in_a_real_virtual_environment(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    site = next(tmp_path.glob("lib/python*/site-packages"))
    (site / "base.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    ask = "import importlib.util as u; print(u.find_spec('keras').origin is None)"  # the real one has a file

    def said(*arguments, **environment):
        known = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "LAMINA_AS_KERAS")}
        found = subprocess.run(
            [tmp_path / "bin" / "python", *arguments], capture_output=True, text=True, cwd=tmp_path,
            env={**known, "LAMINA_BACKEND": "numpy", **environment},
        )  # fmt: skip
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()

    assert said("-c", ask) == "False"
    said("-m", "lamina", "alias", "on")
    assert said("-c", ask) == "True"
    assert said("-c", ask, LAMINA_AS_KERAS="0") == "False"
    said("-m", "lamina", "alias", "on", "--when-asked")
    assert said("-c", ask) == "False"
    assert said("-c", ask, LAMINA_AS_KERAS="1") == "True"
    assert (
        said("-c", "from keras.layers import Dense; print(Dense.__module__)", LAMINA_AS_KERAS="1")
        == "lamina.layers"
    )
    said("-m", "lamina", "alias", "off")
    assert said("-c", ask, LAMINA_AS_KERAS="1") == "False"


# -- spellings ---------------------------------------------------------------------------------------------------------

L = lamina.layers
SPELLINGS = [
    (lambda: L.Dense(output_dim=4, init="uniform", W_regularizer="l2"),
     lambda: L.Dense(4, kernel_initializer="uniform", kernel_regularizer="l2")),
    (lambda: L.Dense(4, "uniform", activation="relu"), lambda: L.Dense(4, "relu", kernel_initializer="uniform")),
    (lambda: L.Convolution2D(8, 3, 5, border_mode="same", subsample=(2, 2), dim_ordering="th"),
     lambda: L.Conv2D(8, (3, 5), padding="same", strides=(2, 2), data_format="channels_first")),
    (lambda: L.Convolution2D(nb_filter=8, nb_row=3, nb_col=5), lambda: L.Conv2D(8, (3, 5))),
    (lambda: L.Convolution1D(nb_filter=8, filter_length=3, subsample_length=2), lambda: L.Conv1D(8, 3, strides=2)),
    (lambda: L.Embedding(9, 4, init="normal", input_length=6), lambda: L.Embedding(9, 4, embeddings_initializer="normal")),
    (lambda: L.LSTM(output_dim=4, inner_init="glorot_uniform", dropout_W=0.1, dropout_U=0.2, forget_bias_init="one"),
     lambda: L.LSTM(4, recurrent_initializer="glorot_uniform", dropout=0.1, recurrent_dropout=0.2)),
    (lambda: L.GRU(4, input_dim=3, input_length=5, consume_less="gpu"), lambda: L.GRU(4)),
    (lambda: L.Dropout(p=0.3), lambda: L.Dropout(0.3)), (lambda: L.GaussianNoise(sigma=0.1), lambda: L.GaussianNoise(0.1)),
    (lambda: L.MaxPooling1D(pool_length=3, stride=2), lambda: L.MaxPooling1D(3, 2)),
    (lambda: L.UpSampling1D(length=3), lambda: L.UpSampling1D(3)), (lambda: L.LeakyReLU(alpha=0.2), lambda: L.LeakyReLU(0.2)),
    (lambda: L.BatchNormalization(mode=0, gamma_init="zero"), lambda: L.BatchNormalization(gamma_initializer="zeros")),
    (lambda: lamina.optimizers.SGD(lr=0.3, momentum=0.9), lambda: lamina.optimizers.SGD(0.3, 0.9)),
]  # fmt: skip


def config(thing):
    return {k: v for k, v in thing.get_config().items() if k != "name"}


@pytest.mark.parametrize(("old", "new"), SPELLINGS)
def test_old_spellings_make_the_layers_of_today(old, new):
    with (
        legacy.old_spellings(),
        pytest.warns(legacy.spellings.OldSpelling, match=r"is an old spelling\. Write \w+\("),
    ):
        found = old()
    with lamina.backend("numpy"):
        assert config(found) == config(new())
        assert type(found) is type(new())


def test_the_modern_interface_stays_strict():
    with pytest.raises(TypeError, match="unknown argument 'init'"):
        L.Dense(4, init="uniform")
    with pytest.raises(ValueError, match="In place of `lr` use learning_rate"):
        lamina.optimizers.SGD(lr=0.1)
    assert not hasattr(lamina.Model, "fit_generator")
    assert not hasattr(L.Dense, "inbound_nodes")


def test_each_old_name_warns_once_and_names_the_users_line():
    with legacy.old_spellings(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            L.Dense(output_dim=4)
    assert [str(w.message) for w in told] == [
        "Dense: `output_dim=` is an old spelling. Write Dense(units=4)."
    ]
    assert told[0].filename == __file__


def test_a_subclass_passes_old_names_on_and_keeps_its_own_config():
    class Mine(L.Dense):
        def __init__(self, size, **kwargs):
            super().__init__(output_dim=size, init="ones", **kwargs)

    with legacy.old_spellings(), pytest.warns(legacy.spellings.OldSpelling):
        layer = Mine(3)
    assert layer.units == 3
    assert layer.get_config()["size"] == 3


def test_weights_given_to_a_constructor_are_its_first_values():
    with lamina.backend("numpy"), legacy.old_spellings():
        layer = L.Dense(2, weights=[np.full((3, 2), 2.0), np.ones(2)], input_dim=3)
        model = lamina.Sequential([layer])
        assert model.predict(np.ones((1, 3)), verbose=0).tolist() == [[7.0, 7.0]]


def test_history_knows_both_names_of_a_metric():
    logs = legacy.methods.Logs({"accuracy": 1.0, "val_accuracy": 2.0, "loss": 3.0})
    assert logs["acc"] == 1.0
    assert logs.get("val_acc") == 2.0
    assert "acc" in logs
    assert "val_loss" not in logs
    assert legacy.methods.Logs({"acc": 4.0})["accuracy"] == 4.0
    with pytest.raises(KeyError, match="val_loss"):
        logs["val_loss"]


@pytest.mark.parametrize("again", [False, True])
def test_fit_gives_logs_by_both_names_while_the_alias_stands(alias, again):
    x = np.ones((4, 1), "float32")
    with lamina.backend("torch"):
        model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[lamina.metrics.MeanAbsoluteError(name="acc")])
        history = lamina.callbacks.History()
        for _ in range(1 + again):  # one object for two runs holds the second's epochs
            found = model.fit(x, x, verbose=0, validation_data=(x, x), callbacks=[history])
    assert found is history
    assert len(found.history["acc"]) == 1
    assert found.history["accuracy"] == found.history["acc"]
    assert found.history["val_accuracy"] == found.history["val_acc"]
    assert set(found.history) == {"loss", "acc", "val_loss", "val_acc"}


def test_models_go_into_open_files(alias):
    """As packages pickle them."""
    import io

    saving_lib = importlib.import_module("keras.src.saving.saving_lib")
    with lamina.backend("numpy"):
        model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        file = io.BytesIO()
        saving_lib.save_model(model, file)
        file.seek(0)
        again = saving_lib.load_model(file)
        x = np.ones((1, 3), "float32")
        assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
