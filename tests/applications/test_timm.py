"""Files of timm's and torchvision's networks give models that compute what those compute."""

import numpy as np
import pytest
import torch
import torch_networks as nets
from families import build
from safetensors.torch import save_file

import lamina
from lamina.applications.imagenet import DEVIATION, MEAN

BARE = {"weights": None, "classes": 5, "classifier_activation": None}


def images(edge=65):
    return np.random.RandomState(2).uniform(0, 255, (2, edge, edge + 3, 3)).astype("float32")


def standardized(x):
    return (x / 255 - np.float32(MEAN)) / np.float32(DEVIATION)


def run(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))).numpy()


def predict(model, x):
    with lamina.backend("torch"):
        return np.asarray(lamina.ops.convert_to_numpy(model(x, training=False)))


def assert_close(ours, theirs):
    scale = np.abs(theirs).max()
    assert theirs.std() > 0.01 * scale
    np.testing.assert_allclose(ours, theirs, atol=2e-4 * scale, rtol=1e-3)


def saved(state, path):
    """A state dict as a file of either kind, by its ending."""
    state = {k: v.contiguous() for k, v in state.items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def test_resnet(tmp_path):
    """The stride is in the 3x3 convolution there, padded all around; images come standardized."""
    module, x = nets.shaken(nets.ResNet()), standardized(images())
    model = build("ResNet50", input_shape=x.shape[1:], **BARE)
    loaded = lamina.applications.load_timm(model, saved(module.state_dict(), tmp_path / "resnet.pth"))
    assert_close(predict(loaded, x), run(module, x))
    assert model.get_layer("conv1_bn").epsilon == 1.001e-5  # the model itself stays
    # what is set lasts in files
    loaded.save(tmp_path / "resnet.keras")
    again = lamina.models.load_model(tmp_path / "resnet.keras")
    np.testing.assert_array_equal(predict(again, x), predict(loaded, x))


def test_features_of_resnet_without_classifier(tmp_path):
    module, x = nets.shaken(nets.ResNet()), standardized(images())
    model = build("ResNet50", input_shape=x.shape[1:], weights=None, include_top=False, pooling="avg")
    file = saved(module.state_dict(), tmp_path / "resnet.safetensors")
    features = predict(lamina.applications.load_timm(model, file), x)
    module.fc = torch.nn.Identity()
    assert_close(features, run(module, x))


def test_convnext_of_timm_and_of_torchvision(tmp_path):
    """The model scales its images itself."""
    module, x = nets.shaken(nets.ConvNeXt()), images(64)
    model = build("ConvNeXtTiny", input_shape=x.shape[1:], **BARE)
    wanted = run(module, standardized(x))
    for i, state in enumerate((module.state_dict(), nets.convnext_like_torchvision(module.state_dict()))):
        file = saved(state, tmp_path / f"{i}.safetensors")
        assert_close(predict(lamina.applications.load_timm(model, file), x), wanted)
    bare = build("ConvNeXtTiny", input_shape=x.shape[1:], weights=None, include_top=False, pooling="avg")
    module.head["fc"] = torch.nn.Identity()
    assert_close(predict(lamina.applications.load_timm(bare, file), x), run(module, standardized(x)))


EFFICIENT = {
    "EfficientNetB0": nets.EfficientNetB0,
    "EfficientNetV2B0": lambda: nets.EfficientNetV2(32),
    "EfficientNetV2S": lambda: nets.EfficientNetV2(24),
}
RENAMES = {"timm": dict, "torchvision": nets.efficientnet_like_torchvision}
QUICK = (("EfficientNetB0", "timm"), ("EfficientNetV2B0", "torchvision"))


@pytest.mark.parametrize(
    ("kind", "make", "rename"),
    [
        pytest.param(
            kind, make, rename, id=f"{kind}-{of}", marks=[] if (kind, of) in QUICK else [pytest.mark.slow]
        )
        for kind, make in EFFICIENT.items()
        for of, rename in RENAMES.items()
    ],
)
def test_efficientnet(kind, make, rename, tmp_path):
    """The model scales its images itself; features without classifier."""
    module, x = nets.calm(nets.shaken(make())), images()
    file = saved(rename(module.state_dict()), tmp_path / "net.safetensors")
    model = build(kind, input_shape=x.shape[1:], **BARE)
    assert_close(predict(lamina.applications.load_timm(model, file), x), run(module, standardized(x)))
    bare = build(kind, input_shape=x.shape[1:], weights=None, include_top=False, pooling="avg")
    module.classifier = torch.nn.Identity()
    assert_close(predict(lamina.applications.load_timm(bare, file), x), run(module, standardized(x)))


@pytest.mark.parametrize("rename", [dict, nets.mobilenet_like_torchvision])
def test_mobilenet_v3(rename, tmp_path):
    module, x = nets.shaken(nets.MobileNetV3Small()), images()
    model = build("MobileNetV3Small", input_shape=x.shape[1:], **BARE)
    file = saved(rename(module.state_dict()), tmp_path / "net.safetensors")
    assert_close(predict(lamina.applications.load_timm(model, file), x), run(module, standardized(x)))


def test_weights_from_tensorflow_keep_paddings_and_epsilon(tmp_path):
    """`tf_weights`: the same numbers in an unchanged graph."""
    module, x = nets.shaken(nets.MobileNetV3Small()), images()
    model = build("MobileNetV3Small", input_shape=x.shape[1:], **BARE)
    file = saved(module.state_dict(), tmp_path / "net.safetensors")
    loaded = lamina.applications.load_timm(model, file, tf_weights=True)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    assert loaded.get_layer("conv_bn").epsilon == 1e-3
    assert loaded.get_layer("rescaling").get_config()["offset"] == -1.0
    one = lamina.applications.load_timm(model, file)
    np.testing.assert_array_equal(
        one.get_layer("conv").kernel.numpy(), loaded.get_layer("conv").kernel.numpy()
    )
    assert not np.allclose(predict(one, x), predict(loaded, x))


@pytest.mark.parametrize("norm", [pytest.param(False, marks=pytest.mark.slow), True])
def test_vgg_of_torchvision_and_of_timm(norm, tmp_path):
    """A batch normalization becomes part of the convolution before it."""
    module, x = nets.shaken(nets.VGG16(2, norm)), standardized(images(64))[:, :, :64]
    model = build("VGG16", input_shape=(64, 64, 3), **BARE)
    wanted = run(module, x)
    for state in (module.state_dict(), nets.vgg_like_timm(module.state_dict(), 2)):
        file = saved(state, tmp_path / "vgg.pt")
        assert_close(predict(lamina.applications.load_timm(model, file), x), wanted)


def test_bad_files_and_models_are_refused(tmp_path):
    model = build("MobileNetV3Small", **BARE)
    state = nets.MobileNetV3Small(classes=7).state_dict()
    state["surplus.weight"] = state.pop("bn1.bias")
    with pytest.raises(lamina.errors.SerializationError) as caught:
        lamina.applications.load_timm(model, saved(state, tmp_path / "net.safetensors"))
    text = str(caught.value)
    assert "net.safetensors: The file does not fit MobileNetV3 model 'MobileNetV3Small':" in text
    assert "+ unexpected  surplus.weight (16,)" in text
    assert "- missing     conv_bn/beta (16,)" in text
    assert "! other shape classifier.weight (7, 1024): the model wants logits/kernel (1, 1, 1024, 5)" in text
    with pytest.raises(
        ValueError,
        match="load_timm is for ResNet, ConvNeXt, EfficientNet, EfficientNetV2, MobileNetV3, VGG; model",
    ):
        lamina.applications.load_timm(build("Xception", weights=None), tmp_path / "net.safetensors")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        lamina.applications.load_timm(model, tmp_path / "no.safetensors")


class Evil:
    def __reduce__(self):
        return print, ("code ran",)


@pytest.mark.parametrize("content", [{"a": Evil()}, Evil(), [1, 2], {"a": 3}])
def test_files_of_torch_run_no_code(content, tmp_path, capsys):
    model = build("MobileNetV3Small", **BARE)
    torch.save(content, tmp_path / "evil.pth")
    with pytest.raises(lamina.errors.SerializationError, match=r"torch.save\(model.state_dict\(\), path\)"):
        lamina.applications.load_timm(model, tmp_path / "evil.pth")
    (tmp_path / "noise.pth").write_bytes(b"no file at all")
    with pytest.raises(lamina.errors.SerializationError, match="without running code"):
        lamina.applications.load_timm(model, tmp_path / "noise.pth")
    assert capsys.readouterr().out == ""
