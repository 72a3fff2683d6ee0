"""ResNet: blocks of three convolutions beside a shortcut; and its second version, normalized ahead."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import POOLS, Build, Request, channel_axis, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.models.functional import Functional

# The number of blocks in each of the four stages, whose blocks have 64, 128, 256 and 512 filters inside.
VARIANTS = {"ResNet50": (3, 4, 6, 3), "ResNet101": (3, 4, 23, 3), "ResNet152": (3, 8, 36, 3)}
EPSILON = 1.001e-5

DOC = """{kind}: residual blocks of 1x1, 3x3 and 1x1 convolutions.

    `x <- relu(shortcut(x) + f(x))`, the shortcut a 1x1 convolution in the first block of a stage, else x itself

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(64, 64, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        He, Zhang, Ren and Sun, 2016: Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385
    """


def stem(x: Any, *, normalized: bool) -> Any:
    """Convolution and pooling that bring images to a quarter of their size.

    Args:
        x: Images.
        normalized: Whether the convolution is normalized here (version 1) or by the first block (version 2).
    """
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if normalized:
        x = relu(norm(x, "conv1_bn"), "conv1_relu")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)


def norm(x: Any, name: str) -> Any:
    """Batch normalization with the epsilon of the published weights."""
    return layers.BatchNormalization(axis=channel_axis(3), epsilon=EPSILON, name=name)(x)


def relu(x: Any, name: str) -> Any:
    """Rectified linear units as a layer."""
    return layers.Activation("relu", name=name)(x)


def _block(x: Any, filters: int, strides: int, project: bool, name: str) -> Any:
    """The stride is in the first convolution, as in the paper."""
    shortcut = x
    if project:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(x)
        shortcut = norm(shortcut, f"{name}_0_bn")
    x = layers.Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x)
    x = relu(norm(x, f"{name}_1_bn"), f"{name}_1_relu")
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = relu(norm(x, f"{name}_2_bn"), f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = norm(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return relu(x, f"{name}_out")


def _build(request: Request) -> Functional:
    inputs = request.begin(224, 32)
    x = stem(inputs, normalized=True)
    for stage, blocks in enumerate(VARIANTS[request.kind]):
        for i in range(blocks):
            strides = 2 if i == 0 and stage > 0 else 1
            x = _block(x, 64 * 2**stage, strides, i == 0, f"conv{stage + 2}_block{i + 1}")
    return request.end(inputs, request.head(x, top="avg_pool", pool=POOLS))


def _variant(kind: str) -> Build:
    return standard(__name__, kind, _build, DOC, name=kind.lower(), size=224)


ResNet50, ResNet101, ResNet152 = _variant("ResNet50"), _variant("ResNet101"), _variant("ResNet152")
preprocess_input = preprocessing(__name__, "caffe")
