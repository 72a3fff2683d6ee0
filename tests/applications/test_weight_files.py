"""Files of weights and of whole models go both ways between real Keras and us, and predictions with them."""

import shutil

import numpy as np
import pytest
from families import BARE, KINDS, SMALL, build, run_keras
from keras_models import images

import lamina


def predict(model, x):
    """What the model gives, on torch: it starts operations at once."""
    with lamina.backend("torch"):
        return np.asarray(lamina.ops.convert_to_numpy(model(x, training=False)))


def assert_close(ours, theirs):
    assert ours.shape == theirs.shape
    assert np.std(theirs) > 0
    scale = float(np.max(np.abs(theirs)))
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * scale, rtol=1e-4)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files that real Keras wrote of one small model of each family."""
    root = tmp_path_factory.mktemp("written")
    jobs = []
    for kind, arguments in SMALL.items():
        (root / kind).mkdir()
        whole = "all" if kind in ("MobileNetV3Small", "ConvNeXtTiny") else "weights"
        jobs.append(
            {"kind": kind, "arguments": {**BARE, **arguments}, "folder": str(root / kind), "write": whole}
        )
    run_keras(jobs, root)
    yield root
    shutil.rmtree(root)


@pytest.mark.parametrize("kind", SMALL)
def test_weights_of_keras_predict_the_same(kind, written):
    arrays = np.load(written / kind / "arrays.npz")
    model = build(kind, **{**BARE, **SMALL[kind], "weights": str(written / kind / "keras.weights.h5")})
    assert_close(predict(model, arrays["x"]), arrays["y"])


@pytest.mark.parametrize("kind", ["MobileNetV3Small", "ConvNeXtTiny"])
def test_whole_models_of_keras_predict_the_same(kind, written):
    arrays = np.load(written / kind / "arrays.npz")
    model = lamina.models.load_model(written / kind / "keras.keras")
    assert [layer.name for layer in model.layers] == [
        layer.name for layer in build(kind, weights=None).layers
    ]
    assert_close(predict(model, arrays["x"]), arrays["y"])


def test_own_files_are_read_back(tmp_path, written):
    """`weights` also takes .keras and .safetensors files."""
    kind, x = "MobileNetV3Small", np.load(written / "MobileNetV3Small" / "arrays.npz")["x"]
    arguments = {**BARE, **SMALL[kind]}
    model = build(kind, **{**arguments, "weights": written / kind / "keras.weights.h5"})
    model.save(tmp_path / "own.keras")
    model.save_weights(tmp_path / "own.safetensors")
    wanted = predict(model, x)
    for name in ("own.keras", "own.safetensors"):
        other = build(kind, **{**arguments, "weights": tmp_path / name})
        np.testing.assert_array_equal(predict(other, x), wanted)


def test_weights_of_another_network_are_refused(written):
    with pytest.raises(lamina.errors.SerializationError, match="The file does not fit the model"):
        build("ResNet50", **{**BARE, "weights": written / "MobileNet" / "keras.weights.h5"})


ALL = {kind: SMALL.get(kind, {}).get("input_shape", (64, 64, 3)) for kind in KINDS}
ALL |= {"InceptionResNetV2": (75, 80, 3), "NASNetLarge": (64, 64, 3), "NASNetMobile": (64, 64, 3)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_files_go_both_ways(kind, tmp_path):
    """Keras writes, we read and predict the same; we write, Keras reads and predicts the same."""
    backend = "jax" if kind == "NASNetMobile" else "torch"  # Keras has no NASNetMobile on torch
    arguments = {**BARE, "input_shape": ALL[kind]}
    whole = (
        "weights" if kind.startswith(("VGG", "ConvNeXtX", "ConvNeXtL", "EfficientNetV2L")) else "all"
    )  # room
    job = {"kind": kind, "arguments": arguments, "folder": str(tmp_path)}
    run_keras([{**job, "write": whole}], tmp_path, backend)
    arrays = np.load(tmp_path / "arrays.npz")
    model = build(kind, **{**arguments, "weights": tmp_path / "keras.weights.h5"})
    assert_close(predict(model, arrays["x"]), arrays["y"])
    if whole == "all":
        loaded = lamina.models.load_model(tmp_path / "keras.keras")
        assert_close(predict(loaded, arrays["x"]), arrays["y"])
        (tmp_path / "keras.keras").unlink()
    (tmp_path / "keras.weights.h5").unlink()
    random = np.random.RandomState(3)
    for v in model.weights:  # other numbers than those that came
        if v.trainable:
            v.assign(np.asarray(v.numpy()) * random.uniform(0.9, 1.1, tuple(v.shape)))
    model.save_weights(tmp_path / "ours.weights.h5")
    wanted = predict(model, images(model.input_shape[1:]))
    run_keras([{**job, "read": "ours.weights.h5"}], tmp_path, backend)
    assert_close(wanted, np.load(tmp_path / "read.npz")["y"])
    (tmp_path / "ours.weights.h5").unlink()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["MobileNetV3Small", "InceptionResNetV2"])
def test_keras_reads_whole_models_of_ours(kind, tmp_path):
    arguments = {**BARE, "input_shape": ALL[kind]}
    model = build(kind, **arguments)
    model.save(tmp_path / "ours.keras")
    run_keras(
        [{"kind": kind, "arguments": arguments, "folder": str(tmp_path), "load": "ours.keras"}], tmp_path
    )
    assert_close(predict(model, images(ALL[kind])), np.load(tmp_path / "read.npz")["y"])
