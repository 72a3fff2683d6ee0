"""DenseNet: each block adds 32 channels to all that came before."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import POOLS, Build, Request, channel_axis, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.resnet import norm, relu
from lamina.models.functional import Functional

# The number of blocks in each of the four stages.
VARIANTS = {
    "DenseNet121": (6, 12, 24, 16), "DenseNet169": (6, 12, 32, 32), "DenseNet201": (6, 12, 48, 32)
}  # fmt: skip
GROWTH = 32  # channels that a block adds

DOC = """{kind}: every block sees the features of all blocks before it in its stage.

    `x <- [x, conv3x3(relu(norm(conv1x1(relu(norm(x))))))]`

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(64, 64, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Huang, Liu, van der Maaten and Weinberger, 2017: Densely Connected Convolutional Networks,
        https://arxiv.org/abs/1608.06993
    """


def _conv(x: Any, filters: int, size: int, name: str, **kwargs: Any) -> Any:
    return layers.Conv2D(filters, size, use_bias=False, name=name, **kwargs)(x)


def _block(x: Any, name: str) -> Any:
    y = relu(norm(x, f"{name}_0_bn"), f"{name}_0_relu")
    y = _conv(y, 4 * GROWTH, 1, f"{name}_1_conv")
    y = relu(norm(y, f"{name}_1_bn"), f"{name}_1_relu")
    y = _conv(y, GROWTH, 3, f"{name}_2_conv", padding="same")
    return layers.Concatenate(axis=channel_axis(3), name=f"{name}_concat")([x, y])


def _transition(x: Any, name: str) -> Any:
    """Half as many channels, half as large an image."""
    x = relu(norm(x, f"{name}_bn"), f"{name}_relu")
    x = _conv(x, int(x.shape[channel_axis(3)]) // 2, 1, f"{name}_conv")
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _build(request: Request) -> Functional:
    inputs = request.begin(224, 32)
    x = layers.ZeroPadding2D(3)(inputs)
    x = _conv(x, 64, 7, "conv1_conv", strides=2)
    x = relu(norm(x, "conv1_bn"), "conv1_relu")
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for stage, blocks in enumerate(VARIANTS[request.kind], 2):
        for i in range(1, blocks + 1):
            x = _block(x, f"conv{stage}_block{i}")
        if stage < 5:
            x = _transition(x, f"pool{stage}")
    x = relu(norm(x, "bn"), "relu")
    return request.end(inputs, request.head(x, top="avg_pool", pool=POOLS))


def _variant(kind: str) -> Build:
    return standard(__name__, kind, _build, DOC, name=kind.lower(), size=224)


DenseNet121, DenseNet169, DenseNet201 = map(_variant, VARIANTS)
preprocess_input = preprocessing(__name__, "torch")
