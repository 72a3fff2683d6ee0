"""Files in the layout that the published weights have: listed by layer, as Keras 1 and 2 wrote them."""

import functools
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest
from families import BARE, HERE, KINDS, SMALL, build
from test_weight_files import assert_close, predict
from tf_keras_files import digest

from lamina.applications import weights
from lamina.errors import SerializationError
from lamina.saving.legacy.weights import ordered

# What tf-keras lists, by digest, with classifier and without: tf_keras_files.py made them.
LAYOUTS = json.loads((HERE / "published_layouts.json").read_text())


def older_name(kind, name):
    """A layer's name in Keras 2, where names had slashes."""
    if kind.startswith("DenseNet"):
        return re.sub(r"^conv1_(conv|bn)$", r"conv1/\1", name)
    if kind.startswith("MobileNetV3"):
        name = re.sub(r"_bn$", "/BatchNorm", name)
        name = re.sub(r"^(expanded_conv(?:_\d+)?)_(depthwise|project|expand|squeeze_excite)", r"\1/\2", name)
        name = re.sub(r"^conv(?=$|_|/)", "Conv", name).replace("squeeze_excite_conv", "squeeze_excite/Conv")
        return name.replace("logits", "Logits")
    return name


@pytest.mark.parametrize(  # one of each family; the graphs of all of them are compared in test_graphs.py
    "kind",
    [
        kind
        if kind in (*SMALL, "InceptionResNetV2", "NASNetMobile")
        else pytest.param(kind, marks=pytest.mark.slow)
        for kind in KINDS
    ],
)
def test_layers_and_weights_are_in_the_order_of_published_files(kind):
    for top, wanted in zip((True, False), LAYOUTS[kind], strict=True):
        model = build(kind, weights=None, include_top=top)
        listed = [
            (older_name(kind, layer.name), [list(w.shape) for w in ordered(layer)])
            for layer in model.layers
            if layer.weights
        ]
        assert digest(listed) == wanted, top


def write_published(model, kind, path, *, backwards=False):
    """The model's weights by layer, as Keras 2 wrote them; perhaps with the layers in another order."""
    layers = model.layers[::-1] if backwards else model.layers
    with h5py.File(path, "w") as file:
        names = [older_name(kind, layer.name) for layer in layers]
        file.attrs["layer_names"] = [name.encode() for name in names]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.2.4"
        for name, layer in zip(names, layers, strict=True):
            group = file.require_group(name)  # Conv/BatchNorm lies inside of Conv
            variables = ordered(layer)
            listed = [f"{name}/{v.name}:0" for v in variables]
            group.attrs["weight_names"] = [n.encode() for n in listed]
            for n, v in zip(listed, variables, strict=True):
                group[n] = v.numpy()


def shaken(kind, **arguments):
    """A model with weights that are all different."""
    model = build(kind, **arguments)
    random = np.random.default_rng(0)
    for v in model.weights:
        v.assign(random.uniform(0.5, 1.5, tuple(v.shape)).astype(v.dtype))
    return model


def assert_same_weights(ours, theirs):
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=b.path)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("MobileNet", {"alpha": 0.25, "classes": 7}),
        ("MobileNetV3Small", {"minimalistic": True, "include_top": False}),
        ("DenseNet121", {"include_top": False}),
        ("EfficientNetB0", {"include_top": False}),
    ],
)
def test_files_of_one_s_own(kind, arguments, tmp_path):
    """`weights="path.h5"` reads them in the order of layers, `load_weights(by_name=True)` by the layers' older names."""
    model = shaken(kind, weights=None, **arguments)
    write_published(model, kind, tmp_path / "net.h5")
    assert_same_weights(build(kind, weights=tmp_path / "net.h5", **arguments), model)
    write_published(model, kind, tmp_path / "backwards.h5", backwards=True)
    other = build(kind, weights=None, **arguments)
    other.load_weights(tmp_path / "backwards.h5", by_name=True)
    assert_same_weights(other, model)


def test_features_by_name_from_a_file_with_classifier(tmp_path):
    """What the file has beyond the model is left out; the order of layers alone would not say which."""
    model = shaken("MobileNet", weights=None, alpha=0.25)
    write_published(model, "MobileNet", tmp_path / "net.h5")
    features = {"alpha": 0.25, "include_top": False}
    with pytest.raises(SerializationError, match="by_name=True"):
        build("MobileNet", weights=tmp_path / "net.h5", **features)
    other = build("MobileNet", weights=None, **features)
    other.load_weights(tmp_path / "net.h5", by_name=True)
    for layer in other.layers:
        for a, b in zip(layer.weights, model.get_layer(layer.name).weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder whose files the table of published weights names, served over HTTP; the requests that came."""
    folder, asked = tmp_path / "server", []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "SERVER", f"http://127.0.0.1:{running.server_port}/")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        weights.published.cache_clear()
        yield folder, asked
        running.shutdown()
    weights.published.cache_clear()


def test_published_weights_are_fetched_once(server, tmp_path):
    folder, asked = server
    arguments = {"alpha": 0.25, "input_shape": (128, 128, 3), "include_top": False}
    model = shaken("MobileNet", weights=None, **arguments)
    place = folder / "tensorflow/keras-applications/mobilenet/mobilenet_2_5_128_tf_no_top.h5"
    place.parent.mkdir(parents=True)
    write_published(model, "MobileNet", place)
    for _ in range(2):
        assert_same_weights(build("MobileNet", weights="imagenet", **arguments), model)
    assert len(asked) == 1
    assert (tmp_path / "home/models/mobilenet_2_5_128_tf_no_top.h5").is_file()


def test_a_file_with_another_hash_is_refused(server, tmp_path):
    folder, _ = server
    place = (
        folder
        / "tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5"
    )
    place.parent.mkdir(parents=True)
    write_published(build("DenseNet121", weights=None, include_top=False), "DenseNet121", place)
    with pytest.raises(ValueError, match="hash"):
        build("DenseNet121", weights="imagenet", include_top=False)
    assert not list((tmp_path / "home").rglob("*.h5"))


@pytest.mark.slow
def test_files_that_keras_2_wrote(tmp_path):
    """tf-keras writes its networks' weights; where it is installed, we load them and predict the same."""
    pytest.importorskip("tf_keras")
    jobs = []
    for kind, arguments in SMALL.items():
        (tmp_path / kind).mkdir()
        jobs.append({"kind": kind, "arguments": {**BARE, **arguments}, "folder": str(tmp_path / kind)})
    (tmp_path / "jobs.json").write_text(json.dumps(jobs))
    script = [sys.executable, str(HERE / "tf_keras_files.py"), "write", str(tmp_path / "jobs.json")]
    done = subprocess.run(script, env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    for job in jobs:
        folder = pathlib.Path(job["folder"])
        arrays = np.load(folder / "arrays.npz")
        model = build(job["kind"], **{**job["arguments"], "weights": folder / "weights.h5"})
        assert_close(predict(model, arrays["x"]), arrays["y"])
