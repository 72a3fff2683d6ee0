"""Under the alias files have the format that their names had in Keras 1 and 2."""

import pathlib
import warnings

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.legacy import old_spellings
from lamina.legacy.models import load_model, save_model
from lamina.saving.legacy.weights import is_legacy

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


@pytest.fixture(autouse=True)
def as_of_old():
    with old_spellings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def small():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
    model.compile("adam", "mse")
    return model


def numbers():
    return np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


def same(a, b):
    x = numbers()
    np.testing.assert_allclose(a.predict(x, verbose=0), b.predict(x, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m"])
@pytest.mark.parametrize("save", [lambda m, *a, **k: m.save(*a, **k), save_model], ids=["method", "function"])
def test_a_model_under_an_old_name_is_hdf5(tmp_path, name, save):
    path, model = tmp_path / name, small()
    save(model, str(path), True, False, **({"save_format": "h5"} if name == "m" else {}))
    with h5py.File(path) as file:
        assert {"model_config", "keras_version"} <= set(file.attrs)
        assert "training_config" not in file.attrs  # include_optimizer=False
    assert list(tmp_path.iterdir()) == [path]
    same(load_model(str(path)), model)


def test_old_files_are_read_under_any_name(tmp_path):
    for name in ("keras1_sequential", "keras2_functional"):
        path = tmp_path / f"{name}.model"
        path.write_bytes((FIXTURES / f"{name}.h5").read_bytes())
        assert (
            load_model(path).count_params()
            == lamina.saving.load_model(FIXTURES / f"{name}.h5").count_params()
        )


def test_operations_in_the_graph_are_written(tmp_path):
    x = lamina.Input((4,))
    model = lamina.Model(x, layers.Dense(2)(x * 2.0))
    model.save(tmp_path / "m.h5")
    same(load_model(tmp_path / "m.h5"), model)


def test_a_file_without_ending_holds_a_model_and_classes_are_given(tmp_path):
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    model = lamina.Sequential([lamina.Input((4,)), Twice()])
    model.save(tmp_path / "saved")
    same(load_model(tmp_path / "saved", custom_objects={"Twice": Twice}), model)


def test_weights_under_an_old_name_are_listed_by_layer(tmp_path):
    model, other = small(), small()
    model.save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        assert is_legacy(file)
    other.load_weights(tmp_path / "w.h5", by_name=False)
    same(model, other)
    with pytest.raises(FileExistsError):
        model.save_weights(tmp_path / "w.h5", overwrite=False)


@pytest.mark.parametrize("weights", [True, False])
def test_checkpoints_under_old_names(tmp_path, weights):
    if not lamina.kernel.context.current().differentiable:
        pytest.skip("needs gradients")
    model, path = small(), tmp_path / "{epoch:02d}.h5"
    checkpoint = lamina.callbacks.ModelCheckpoint(str(path), save_weights_only=weights)
    model.fit(numbers(), numbers()[:, :2], epochs=2, verbose=0, callbacks=[checkpoint])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01.h5", "02.h5"]
    if weights:
        other = small()
        other.load_weights(tmp_path / "02.h5")
    else:
        other = load_model(tmp_path / "02.h5")
        assert int(other.optimizer.iterations.numpy()) == 2
    same(model, other)
