"""Layers, connections, configs, weights and their order are those of Keras."""

import json

import pytest
from families import HERE, KINDS, build, run_keras
from layer_graphs import layers_of, summary, weights_of

import lamina

# What real Keras builds, as digests: keras_models.py made them, and the slow tests below hold them against it.
RECORDED = json.loads((HERE / "recorded.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_graph_is_that_of_keras(kind):
    assert summary(build(kind, weights=None)) == RECORDED[kind]


def test_all_forty_are_there():
    assert len(KINDS) == 40
    assert sorted(RECORDED) == KINDS


VARIANTS = [
    ("MobileNetV2", {"input_shape": (97, 103, 3), "alpha": 1.4, "classes": 3}),
    ("MobileNetV3Large", {"input_shape": (97, 103, 1), "minimalistic": True, "include_preprocessing": False}),
    ("MobileNetV3Small", {"alpha": 1.25, "dropout_rate": 0.0, "include_top": False, "pooling": "max"}),
    (
        "MobileNet",
        {"input_shape": (64, 64, 3), "alpha": 0.5, "depth_multiplier": 2, "dropout": 0.3, "name": "m"},
    ),
    ("EfficientNetB1", {"input_shape": (97, 103, 3), "include_top": False, "pooling": "avg"}),
    ("EfficientNetV2B1", {"include_top": False, "pooling": "max"}),
    ("EfficientNetV2S", {"include_preprocessing": False, "classes": 7, "classifier_activation": None}),
    ("ConvNeXtTiny", {"include_top": False, "pooling": "avg", "include_preprocessing": False, "name": "net"}),
    ("InceptionV3", {"include_top": False, "pooling": "avg", "input_shape": (75, 80, 3)}),
    ("InceptionResNetV2", {"include_top": False, "pooling": "max"}),
    ("Xception", {"include_top": False, "pooling": "max"}),
    ("NASNetLarge", {"include_top": False}),
    ("NASNetLarge", {"include_top": False, "input_shape": (65, 70, 3), "pooling": "avg"}),
    ("DenseNet169", {"include_top": False, "pooling": "avg"}),
    ("ResNet101V2", {"include_top": False, "input_shape": (40, 40, 4), "pooling": "max"}),
    ("VGG19", {"input_shape": (40, 48, 3), "classes": 2, "classifier_activation": "sigmoid"}),
]


def assert_same_graph(kind, arguments, folder):
    theirs = json.loads((folder / "graph.json").read_text())
    ours = build(kind, weights=None, **arguments)
    for mine, keras in zip(layers_of(ours), theirs["layers"], strict=True):
        assert mine == keras, (kind, arguments)
    assert weights_of(ours) == theirs["weights"]
    assert summary(ours) == theirs["summary"]
    return theirs["summary"]


@pytest.mark.slow
def test_arguments_change_the_graph_as_in_keras(tmp_path):
    jobs = []
    for i, (kind, arguments) in enumerate(VARIANTS):
        folder = tmp_path / str(i)
        folder.mkdir()
        jobs.append(
            {
                "kind": kind,
                "arguments": {"weights": None, **arguments},
                "folder": str(folder),
                "describe": True,
            }
        )
    run_keras(jobs)
    for i, (kind, arguments) in enumerate(VARIANTS):
        assert_same_graph(kind, arguments, tmp_path / str(i))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_is_that_of_keras(kind, tmp_path):
    backend = "jax" if kind == "NASNetMobile" else "torch"  # Keras has no NASNetMobile on torch
    run_keras(
        [{"kind": kind, "arguments": {"weights": None}, "folder": str(tmp_path), "describe": True}], backend
    )
    assert assert_same_graph(kind, {}, tmp_path) == RECORDED[kind]


def test_channels_first_has_the_same_weights(monkeypatch):
    """The layout of images moves axes, not weights."""
    last = {
        kind: weights_of(build(kind, weights=None)) for kind in ("ResNet50", "InceptionV3", "MobileNetV2")
    }
    before = lamina.config.image_data_format()
    lamina.config.set_image_data_format("channels_first")
    try:
        for kind, weights in last.items():
            model = build(kind, weights=None)
            assert model.input_shape[1] == 3
            assert weights_of(model) == weights
    finally:
        lamina.config.set_image_data_format(before)
