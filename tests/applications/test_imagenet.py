"""Scaling of images and names of classes, against Keras."""

import importlib
import sys

import numpy as np
import pytest
from oracle import BACKENDS, keras

import lamina
from lamina.applications.imagenet import class_names

MODULES = (
    "convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2", "inception_v3", "mobilenet",
    "mobilenet_v2", "mobilenet_v3", "nasnet", "resnet", "resnet50", "resnet_v2", "vgg16", "vgg19", "xception",
)  # fmt: skip
IMAGES = np.random.RandomState(0).randint(0, 256, (2, 4, 5, 3))


@pytest.mark.parametrize("module", MODULES)
def test_each_family_scales_as_in_keras(module):
    ours = getattr(lamina.applications, module)
    theirs = getattr(keras.applications, module)
    for layout, x in (("channels_last", IMAGES), ("channels_first", IMAGES.transpose(0, 3, 1, 2))):
        for dtype in ("int64", "float32", "float64"):
            given = x.astype(dtype)
            found = ours.preprocess_input(given, data_format=layout)
            wanted = theirs.preprocess_input(given.copy(), data_format=layout)
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
            np.testing.assert_array_equal(given, x)  # the images themselves stay, which Keras writes over
    assert ours.decode_predictions is lamina.applications.imagenet_utils.decode_predictions


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_tensors_and_graphs_scale_as_arrays(backend, mode):
    preprocess = lamina.applications.imagenet_utils.preprocess_input
    wanted = preprocess(IMAGES, mode=mode)
    with lamina.backend(backend):
        found = preprocess(lamina.ops.convert_to_tensor(IMAGES), mode=mode)
        np.testing.assert_allclose(lamina.ops.convert_to_numpy(found), wanted, rtol=1e-5, atol=1e-5)
        inputs = lamina.Input((4, 5, 3))
        model = lamina.Model(inputs, preprocess(inputs, mode=mode))
        np.testing.assert_allclose(
            lamina.ops.convert_to_numpy(model(IMAGES.astype("float32"))), wanted, rtol=1e-5, atol=1e-5
        )


def test_names_of_classes():
    assert len(class_names()) == len({number for number, _ in class_names()}) == 1000
    assert class_names()[0] == ("n01440764", "tench")
    assert class_names()[999] == ("n15075141", "toilet_tissue")
    scores = np.zeros((2, 1000), "float32")
    scores[0, 281], scores[0, 282], scores[1, 7] = 0.6, 0.3, 0.9
    decode = lamina.applications.imagenet_utils.decode_predictions
    first, second = decode(scores, top=2)
    assert [row[:2] for row in first] == [("n02123045", "tabby"), ("n02123159", "tiger_cat")]
    np.testing.assert_allclose([row[2] for row in first], [0.6, 0.3], rtol=1e-6)
    assert second[0][1] == "cock"


def test_bad_arguments():
    utils = lamina.applications.imagenet_utils
    with pytest.raises(ValueError, match=r"mode.*'cafe'"):
        utils.preprocess_input(IMAGES, mode="cafe")
    with pytest.raises(ValueError, match="Unknown data_format: 'last'"):
        utils.preprocess_input(IMAGES, data_format="last")
    with pytest.raises(
        ValueError, match=r"images must have 3 channels \(R, G and B\) on axis -1, got the shape"
    ):
        utils.preprocess_input(IMAGES[..., :2])
    with pytest.raises(ValueError, match=r"expected probabilities of shape \(batch, 1000\), got \(2, 10\)"):
        utils.decode_predictions(np.ones((2, 10)))


def test_modules_have_the_names_of_keras():
    for module in (*MODULES, "imagenet_utils"):
        ours = importlib.import_module(f"lamina.applications.{module}")
        for name in dir(getattr(keras.applications, module)):
            if not name.startswith("_"):
                assert hasattr(ours, name), (module, name)


def test_drawing_imports_no_framework():
    import subprocess

    script = (
        "import sys, lamina; lamina.applications.ResNet50(weights=None);"
        "print(sorted({'jax', 'torch', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
