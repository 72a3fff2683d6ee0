"""Arguments of applications: what they change, and what is refused, as in Keras."""

import numpy as np
import pytest
from families import KINDS, build

import lamina
from lamina.applications import weights


@pytest.mark.parametrize(
    ("kind", "arguments", "text"),
    [
        ("ResNet50", {"weights": "no.h5"}, r"ResNet50: `weights` must be None \(random\), 'imagenet', or the path"),
        ("ResNet50", {"weights": 3}, "of a file of weights that exists, got 3"),
        ("VGG16", {"weights": "imagenet", "classes": 7}, "has 1000 classes, got `classes=7`. Use `include_top=False`"),
        ("VGG16", {"classes": 0}, "`classes` must be a positive integer, got 0"),
        ("VGG16", {"pooling": "mean"}, "pooling.*'mean'"),
        ("VGG16", {"input_shape": (96, 96)}, r"must have three sizes, \(height, width, channels\), got \(96, 96\)"),
        ("VGG16", {"input_shape": (31, 64, 3)}, "must have at least 32 x 32 pixels"),
        ("Xception", {"input_shape": (70, 80, 3)}, "must have at least 71 x 71 pixels"),
        ("InceptionV3", {"input_shape": (74, 80, 3)}, "must have at least 75 x 75 pixels"),
        ("VGG16", {"input_shape": (None, None, 3)}, "with the classifier, the size of images must be known"),
        ("DenseNet121", {"input_shape": (64, 64, None)}, "must have a known number of channels"),
        (
            "ResNet50", {"weights": "imagenet", "input_shape": (96, 96, 4), "include_top": False},
            "images must have 3 channels with ImageNet weights",
        ),
        (
            "ResNet50", {"weights": "imagenet", "input_shape": (96, 96, 3)},
            "the classifier in the ImageNet weights is for images of 224 x 224 pixels",
        ),
        (
            "ResNet50", {"weights": "imagenet", "classifier_activation": "relu"},
            "`classifier_activation` must be 'softmax' or None where weights are loaded, got 'relu'",
        ),
        ("ResNet50", {"input_tensor": np.ones((1, 96, 96, 3))}, "`input_tensor` must be a symbolic tensor, such as"),
        ("MobileNet", {"weights": "imagenet", "alpha": 0.3}, r"published for alpha 0.25, 0.5, 0.75, 1.0, got alpha=0.3"),
        (
            "MobileNetV3Small", {"weights": "imagenet", "alpha": 0.75, "minimalistic": True},
            "published for alpha 1.0, got alpha=0.75, minimalistic=True",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_is_refused(kind, arguments, text):
    with pytest.raises(ValueError, match=text):
        build(kind, **{"weights": None, **arguments})


def test_input_tensor_is_where_the_graph_begins():
    """Layers before it belong to the model, as in Keras."""
    pictures = lamina.Input((64, 64, 1), name="pictures")
    colored = lamina.layers.Concatenate(name="colored")([pictures] * 3)
    model = build("ResNet50", weights=None, input_tensor=colored, include_top=False, pooling="avg")
    assert [layer.name for layer in model.layers[:3]] == ["pictures", "colored", "conv1_pad"]
    assert model.input_shape == (None, 64, 64, 1)


def test_classifier_activation_and_pooling():
    model = build("ResNet50", weights=None, classes=7, classifier_activation="sigmoid")
    assert model.layers[-1].activation is lamina.activations.sigmoid
    assert model.output_shape == (None, 7)
    assert build("ResNet50", weights=None, include_top=False).output_shape == (None, None, None, 2048)
    assert build("ResNet50", weights=None, include_top=False, pooling="max").output_shape == (None, 2048)


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_published_weights_are_fetched_by_address_and_hash(kind, top, monkeypatch):
    """`weights="imagenet"` asks `lamina.utils.get_file` for one file of the table and loads what it gives."""
    asked = []

    def get_file(name, origin, **kwargs):
        asked.append((name, origin, kwargs))
        return "cached.h5"

    monkeypatch.setattr(lamina.utils, "get_file", get_file, raising=False)
    monkeypatch.setattr(lamina.Model, "load_weights", lambda self, path, **kwargs: asked.append(path))
    model = build(kind, weights="imagenet", include_top=top)
    (name, origin, arguments), path = asked
    assert path == "cached.h5"
    assert origin.startswith("https://storage.googleapis.com/")
    assert arguments["cache_subdir"] == "models"
    assert name.endswith(".h5")
    hashed = arguments["file_hash"]
    assert hashed is None if kind in ("MobileNet", "MobileNetV2") else len(hashed) in (32, 64)
    assert ("no" in name.rpartition("top")[0][-3:]) is not top
    assert model.built


def test_table_of_published_files():
    table = weights.published()
    assert len(table) == 2 * 88
    assert table["NASNetLarge", False] == (
        "nasnet_large_no_top.h5",
        "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-large-no-top.h5",
        "d81d89dc07e6e56530c4e77faddd61b5",
    )
    assert table["EfficientNetB0", True] == (
        "efficientnetb0.h5",
        "https://storage.googleapis.com/keras-applications/efficientnetb0.h5",
        "902e53a9f72be733fc0bcb005b3ebbac",
    )


def test_size_of_images_chooses_the_weights(monkeypatch):
    asked = []
    monkeypatch.setattr(
        lamina.utils, "get_file", lambda name, *a, **k: asked.append(name) or "x.h5", raising=False
    )
    monkeypatch.setattr(lamina.Model, "load_weights", lambda *a, **k: None)
    model = build("MobileNetV2", input_shape=(96, 96, 3), alpha=0.5)
    assert asked == ["mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.5_96.h5"]
    assert model.name == "mobilenetv2_0.50_96"
    with pytest.warns(
        UserWarning, match=r"published for square images of 96, 128, 160, 192, 224 pixels, got 100 x 96"
    ):
        build("MobileNetV2", input_shape=(100, 96, 3), include_top=False)


def test_efficientnet_makes_up_for_the_published_variances(monkeypatch):
    """With ImageNet weights, as in Keras, a second scaling follows the normalization."""
    monkeypatch.setattr(lamina.utils, "get_file", lambda *a, **k: "x.h5", raising=False)
    monkeypatch.setattr(lamina.Model, "load_weights", lambda *a, **k: None)
    model = build("EfficientNetB0", weights="imagenet")
    names = [layer.name for layer in model.layers[:4]]
    assert names == ["input_layer", "rescaling", "normalization", "rescaling_1"]
    scale = model.layers[3].get_config()["scale"]
    np.testing.assert_allclose(scale, [2.0896918976428642, 2.1128856368212916, 2.1081851067789197])


def test_nasnet_has_the_graph_of_what_is_published(monkeypatch):
    """The published file without classifier lists 388 layers, which is the graph of 224 x 224 pixels; Keras's has 382."""
    monkeypatch.setattr(lamina.utils, "get_file", lambda *a, **k: "x.h5", raising=False)
    monkeypatch.setattr(lamina.Model, "load_weights", lambda *a, **k: None)
    for given, edge, listed in (("imagenet", 224, 388), (None, None, 382)):
        model = build("NASNetMobile", weights=given, include_top=False)
        assert model.input_shape == (None, edge, edge, 3)
        assert sum(bool(layer.weights) for layer in model.layers) == listed


@pytest.mark.parametrize("kind", KINDS)
def test_signature_is_documented(kind):
    import inspect

    application = getattr(lamina.applications, kind)
    assert application.__name__ == kind
    for name in inspect.signature(application).parameters:
        assert f"        {name}: " in application.__doc__, name
    assert "Reference:" in application.__doc__
    assert "{" not in application.__doc__
