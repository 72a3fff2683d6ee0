"""EfficientNetV2: its first stages fuse the expansion with the depthwise convolution."""

from __future__ import annotations

import math
from typing import Any

from lamina import initializers, layers
from lamina.applications.common import IMAGENET, Build, Request, channel_axis, public
from lamina.applications.efficientnet import classified, conv, excited, fan_out, joined
from lamina.applications.imagenet import DEVIATION, MEAN, preprocessing
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.models.functional import Functional

# repeats, filters, expansion, stride of the first, squeeze-and-excitation: with it depthwise, without it fused
STAGES = {
    "B": (
        (1, 16, 1, 1, False), (2, 32, 4, 2, False), (2, 48, 4, 2, False), (3, 96, 4, 2, True), (5, 112, 6, 1, True),
        (8, 192, 6, 2, True),
    ),
    "S": (
        (2, 24, 1, 1, False), (4, 48, 4, 2, False), (4, 64, 4, 2, False), (6, 128, 4, 2, True), (9, 160, 6, 1, True),
        (15, 256, 6, 2, True),
    ),
    "M": (
        (3, 24, 1, 1, False), (5, 48, 4, 2, False), (5, 80, 4, 2, False), (7, 160, 4, 2, True), (14, 176, 6, 1, True),
        (18, 304, 6, 2, True), (5, 512, 6, 1, True),
    ),
    "L": (
        (4, 32, 1, 1, False), (7, 64, 4, 2, False), (7, 96, 4, 2, False), (10, 192, 4, 2, True),
        (19, 224, 6, 1, True), (25, 384, 6, 2, True), (7, 640, 6, 1, True),
    ),
}  # fmt: skip
# stages, filters of the stem, width, depth, size of images
VARIANTS = {
    "EfficientNetV2B0": ("B", 32, 1.0, 1.0, 224), "EfficientNetV2B1": ("B", 32, 1.0, 1.1, 240),
    "EfficientNetV2B2": ("B", 32, 1.1, 1.2, 260), "EfficientNetV2B3": ("B", 32, 1.2, 1.4, 300),
    "EfficientNetV2S": ("S", 24, 1.0, 1.0, 384), "EfficientNetV2M": ("M", 24, 1.0, 1.0, 480),
    "EfficientNetV2L": ("L", 32, 1.0, 1.0, 480),
}  # fmt: skip
DROPOUT, DROP = 0.2, 0.2  # before the classifier; of the last block in training, earlier ones in proportion

DOC = """{kind}: fused inverted residual blocks first, depthwise ones with squeeze-and-excitation later.

    The model scales images with values from 0 to 255 by itself, unless `include_preprocessing` is False.

    {arguments}
        include_preprocessing: Whether the model scales its images.

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, include_top=False, pooling="avg")
        >>> model.output_shape[0] is None
        True

    Reference:
        Tan and Le, 2021: EfficientNetV2: Smaller Models and Faster Training, https://arxiv.org/abs/2104.00298
    """


def _rounded(filters: float) -> int:
    """The nearest multiple of 8, at least 8."""
    return max(8, int(filters + 4) // 8 * 8)


def _norm(x: Any, name: str, activation: str | None = None) -> Any:
    x = layers.BatchNormalization(axis=channel_axis(3), momentum=0.9, name=f"{name}bn")(x)
    return x if activation is None else layers.Activation("swish", name=activation)(x)


def _depthwise(x: Any, channels: int, filters: int, expansion: int, strides: int, name: str) -> Any:
    wide = channels * expansion
    if expansion != 1:
        x = conv(x, wide, 1, f"{name}expand_conv")
        x = _norm(x, f"{name}expand_", f"{name}expand_activation")
    x = layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=fan_out(),
        name=f"{name}dwconv2",
    )(x)
    x = _norm(x, name, f"{name}activation")
    x = excited(x, wide, max(1, int(channels * 0.25)), name)
    x = conv(x, filters, 1, f"{name}project_conv")
    return _norm(x, f"{name}project_")


def _fused(x: Any, channels: int, filters: int, expansion: int, strides: int, name: str) -> Any:
    if expansion == 1:
        x = conv(x, filters, 3, f"{name}project_conv", strides=strides)
        return _norm(x, f"{name}project_", f"{name}project_activation")
    x = conv(x, channels * expansion, 3, f"{name}expand_conv", strides=strides)
    x = _norm(x, f"{name}expand_", f"{name}expand_activation")
    x = conv(x, filters, 1, f"{name}project_conv")
    return _norm(x, f"{name}project_")


def _scaled(x: Any, stages: str) -> Any:
    """Values from 0 to 255 to those that the weights were trained with."""
    if stages != "B":
        return layers.Rescaling(1.0 / 128.0, offset=-1)(x)
    x = layers.Rescaling(1.0 / 255.0)(x)
    variance = [s**2 for s in DEVIATION]
    return layers.Normalization(mean=list(MEAN), variance=variance, axis=channel_axis(3))(x)


def _build(request: Request, include_preprocessing: bool) -> Functional:
    stages, stem, width, depth, size = VARIANTS[request.kind]
    inputs = request.begin(size, 32)
    x = _scaled(inputs, stages) if include_preprocessing else inputs
    x = conv(x, _rounded(stem * width), 3, "stem_conv", strides=2)
    x = _norm(x, "stem_", "stem_activation")
    total = sum(stage[0] for stage in STAGES[stages])
    number = 0
    for i, (repeats, filters, expansion, strides, excites) in enumerate(STAGES[stages], 1):
        filters = _rounded(filters * width)
        for j in range(math.ceil(depth * repeats)):
            before, channels, name = x, int(x.shape[channel_axis(3)]), f"block{i}{chr(ord('a') + j)}_"
            block = _depthwise if excites else _fused
            x = block(x, channels, filters, expansion, strides if j == 0 else 1, name)
            if channels == filters and (j > 0 or strides == 1):
                x = joined(x, before, DROP * number / total, name)
            number += 1
    x = conv(x, _rounded(1280 * width), 1, "top_conv")
    x = _norm(x, "top_", "top_activation")
    x = classified(request, x, DROPOUT, bias_initializer=initializers.Constant(0.0))
    return request.end(inputs, x)


def _variant(kind: str) -> Build:
    def application(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = IMAGENET, classifier_activation: Any = "softmax",
        include_preprocessing: bool = True, name: str = kind.lower().replace("v2", "v2-"),
    ) -> Functional:  # fmt: skip
        request = Request(
            kind,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
            name,
        )
        return _build(request, include_preprocessing)

    return public(application, __name__, kind, DOC, size=VARIANTS[kind][4], smallest=32)


(
    EfficientNetV2B0, EfficientNetV2B1, EfficientNetV2B2, EfficientNetV2B3, EfficientNetV2S, EfficientNetV2M,
    EfficientNetV2L,
) = map(_variant, VARIANTS)  # fmt: skip
preprocess_input = preprocessing(__name__, None)
