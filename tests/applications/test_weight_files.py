"""Files of weights and of whole models go both ways between real Keras and us, and predictions with them."""

import shutil
from functools import cache

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


QUICK = ("EfficientNetB0", "MobileNet", "MobileNetV3Small")  # the others take Keras a second or four each
WHOLE = ("MobileNetV3Small", "ConvNeXtTiny")


def quick_or_slow(kinds):
    return [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow) for kind in kinds]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Gives the folder of what real Keras wrote of a family's small model, which it does when first asked."""
    root = tmp_path_factory.mktemp("written")

    @cache
    def write(kind):
        (folder := root / kind).mkdir()
        whole = "all" if kind in WHOLE else "weights"
        run_keras(
            [{"kind": kind, "arguments": {**BARE, **SMALL[kind]}, "folder": str(folder), "write": whole}]
        )
        return folder

    yield write
    shutil.rmtree(root)


@pytest.mark.parametrize("kind", quick_or_slow(SMALL))
def test_weights_of_keras_predict_the_same(kind, written):
    arrays = np.load(written(kind) / "arrays.npz")
    model = build(kind, **{**BARE, **SMALL[kind], "weights": str(written(kind) / "keras.weights.h5")})
    assert_close(predict(model, arrays["x"]), arrays["y"])


@pytest.mark.parametrize("kind", quick_or_slow(WHOLE))
def test_whole_models_of_keras_predict_the_same(kind, written):
    arrays = np.load(written(kind) / "arrays.npz")
    model = lamina.models.load_model(written(kind) / "keras.keras")
    assert [layer.name for layer in model.layers] == [
        layer.name for layer in build(kind, weights=None).layers
    ]
    assert_close(predict(model, arrays["x"]), arrays["y"])


def test_own_files_are_read_back(tmp_path, written):
    """`weights` also takes .keras and .safetensors files."""
    kind = "MobileNetV3Small"
    x = np.load(written(kind) / "arrays.npz")["x"]
    arguments = {**BARE, **SMALL[kind]}
    model = build(kind, **{**arguments, "weights": written(kind) / "keras.weights.h5"})
    model.save(tmp_path / "own.keras")
    model.save_weights(tmp_path / "own.safetensors")
    wanted = predict(model, x)
    for name in ("own.keras", "own.safetensors"):
        other = build(kind, **{**arguments, "weights": tmp_path / name})
        np.testing.assert_array_equal(predict(other, x), wanted)


def test_weights_of_another_network_are_refused(written):
    with pytest.raises(lamina.errors.SerializationError, match="The file does not fit the model"):
        build("ResNet50", **{**BARE, "weights": written("MobileNet") / "keras.weights.h5"})


SMALLEST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
LARGE = (
    "VGG",
    "ConvNeXtX",
    "ConvNeXtL",
    "EfficientNetV2L",
)  # of which no file of the whole model is made as well


def variants(kind):
    """With the classifier; and without it, for images whose edges are odd and differ."""
    edge = SMALLEST.get(kind, 64)
    pooling = ("avg", "max", None)[KINDS.index(kind) % 3]
    odd = {
        "include_top": False,
        "input_shape": (edge + 1 - edge % 2, edge + 6 + edge % 2, 3),
        "pooling": pooling,
    }
    return {"top": {**BARE, "input_shape": (edge, edge + 5, 3)}, "features": {"weights": None, **odd}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_files_go_both_ways(kind, tmp_path):
    """Keras writes, we read and predict the same; we write, Keras reads and predicts the same."""
    backend = "jax" if kind == "NASNetMobile" else "torch"  # Keras has no NASNetMobile on torch
    jobs = {
        name: {"kind": kind, "arguments": arguments, "folder": str(tmp_path / name)}
        for name, arguments in variants(kind).items()
    }
    writes = dict.fromkeys(jobs, "weights") | ({} if kind.startswith(LARGE) else {"top": "all"})
    for name in jobs:
        (tmp_path / name).mkdir()
    run_keras([{**job, "write": writes[name]} for name, job in jobs.items()], backend)
    wanted = {name: read_then_write(tmp_path / name, job) for name, job in jobs.items()}
    run_keras([{**job, "read": "ours.weights.h5"} for job in jobs.values()], backend)
    for name in jobs:
        assert_close(wanted[name], np.load(tmp_path / name / "read.npz")["y"])
        (tmp_path / name / "ours.weights.h5").unlink()


def read_then_write(folder, job):
    """Compare with what Keras wrote; change the weights, write them, and say what the model then predicts."""
    arrays = np.load(folder / "arrays.npz")
    model = build(job["kind"], **{**job["arguments"], "weights": folder / "keras.weights.h5"})
    assert_close(predict(model, arrays["x"]), arrays["y"])
    (folder / "keras.weights.h5").unlink()
    if (whole := folder / "keras.keras").exists():
        assert_close(predict(lamina.models.load_model(whole), arrays["x"]), arrays["y"])
        whole.unlink()
    random = np.random.RandomState(3)
    for v in model.weights:  # other numbers than those that came
        if v.trainable:
            v.assign(np.asarray(v.numpy()) * random.uniform(0.9, 1.1, tuple(v.shape)))
    model.save_weights(folder / "ours.weights.h5")
    return predict(model, images(model.input_shape[1:]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["MobileNetV3Small", "InceptionResNetV2"])
def test_keras_reads_whole_models_of_ours(kind, tmp_path):
    arguments = variants(kind)["top"]
    model = build(kind, **arguments)
    model.save(tmp_path / "ours.keras")
    run_keras([{"kind": kind, "arguments": arguments, "folder": str(tmp_path), "load": "ours.keras"}])
    assert_close(predict(model, images(model.input_shape[1:])), np.load(tmp_path / "read.npz")["y"])
