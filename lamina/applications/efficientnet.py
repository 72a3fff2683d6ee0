"""EfficientNet: one network, scaled in width, depth and size of images together."""

from __future__ import annotations

import math
from typing import Any

from lamina import initializers, layers
from lamina.applications.common import POOLS, Build, Request, channel_axis, standard
from lamina.applications.imagenet import DEVIATION, preprocessing
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.mobile import divisible, padding_of
from lamina.models.functional import Functional

# width, depth, size of images, dropout before the classifier
VARIANTS = {
    "EfficientNetB0": (1.0, 1.0, 224, 0.2), "EfficientNetB1": (1.0, 1.1, 240, 0.2),
    "EfficientNetB2": (1.1, 1.2, 260, 0.3), "EfficientNetB3": (1.2, 1.4, 300, 0.3),
    "EfficientNetB4": (1.4, 1.8, 380, 0.4), "EfficientNetB5": (1.6, 2.2, 456, 0.4),
    "EfficientNetB6": (1.8, 2.6, 528, 0.5), "EfficientNetB7": (2.0, 3.1, 600, 0.5),
}  # fmt: skip
# kernel, repeats, filters, expansion, stride of the first: table 1 of the paper
STAGES = (
    (3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)  # fmt: skip
DROP = 0.2  # the rate at which the last block is left out in training; earlier ones in proportion

DOC = """{kind}: inverted residual blocks with squeeze-and-excitation, scaled by one rule.

    The model scales images with values from 0 to 255 by itself.

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, include_top=False, pooling="avg")
        >>> model.input_shape
        (None, None, None, 3)

    Reference:
        Tan and Le, 2019: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks,
        https://arxiv.org/abs/1905.11946
    """


def fan_out() -> Any:
    """The initializer of the convolutions."""
    return initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def conv(x: Any, filters: int, kernel: int, name: str, **kwargs: Any) -> Any:
    """A convolution without bias."""
    kwargs = {"padding": "same", "use_bias": False, **kwargs}
    return layers.Conv2D(filters, kernel, kernel_initializer=fan_out(), name=name, **kwargs)(x)


def excited(x: Any, filters: int, squeezed: int, name: str) -> Any:
    """The channels weighted by what a small network makes of their means."""
    shape = (1, 1, filters) if channel_axis() == -1 else (filters, 1, 1)
    y = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    y = layers.Reshape(shape, name=f"{name}se_reshape")(y)
    y = conv(y, squeezed, 1, f"{name}se_reduce", activation="swish", use_bias=True)
    y = conv(y, filters, 1, f"{name}se_expand", activation="sigmoid", use_bias=True)
    return layers.Multiply(name=f"{name}se_excite")([x, y])


def joined(x: Any, shortcut: Any, rate: float, name: str) -> Any:
    """The sum with the shortcut; in training, x is left out for whole images at this rate."""
    if rate > 0:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, shortcut])


def classified(request: Request, x: Any, dropout: float, **kwargs: Any) -> Any:
    """The head of both EfficientNets."""
    if not request.include_top:
        return request.pooled(x, POOLS)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout > 0:
        x = layers.Dropout(dropout, name="top_dropout")(x)
    spread = initializers.VarianceScaling(1.0 / 3.0, mode="fan_out", distribution="uniform")
    return request.classifier(x, kernel_initializer=spread, **kwargs)


def _norm(x: Any, name: str, activation: str | None = None) -> Any:
    x = layers.BatchNormalization(axis=channel_axis(3), name=f"{name}bn")(x)
    return x if activation is None else layers.Activation("swish", name=activation)(x)


def _block(x: Any, kernel: int, filters: int, expansion: int, strides: int, rate: float, name: str) -> Any:
    before, channels = x, int(x.shape[channel_axis(3)])
    wide = channels * expansion
    if expansion != 1:
        x = conv(x, wide, 1, f"{name}expand_conv")
        x = _norm(x, f"{name}expand_", f"{name}expand_activation")
    if strides == 2:
        x = layers.ZeroPadding2D(padding_of(x, kernel), name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel, strides=strides, padding="valid" if strides == 2 else "same", use_bias=False,
        depthwise_initializer=fan_out(), name=f"{name}dwconv",
    )(x)  # fmt: skip
    x = _norm(x, name, f"{name}activation")
    x = excited(x, wide, max(1, int(channels * 0.25)), name)
    x = conv(x, filters, 1, f"{name}project_conv")
    x = _norm(x, f"{name}project_")
    return joined(x, before, rate, name) if strides == 1 and channels == filters else x


def _scaled(request: Request, x: Any) -> Any:
    """Values from 0 to 255 to those that the weights were trained with."""
    x = layers.Rescaling(1.0 / 255.0)(x)
    x = layers.Normalization(axis=channel_axis(3))(x)
    if request.imagenet:
        # The published files hold the variances of the colors where the layer wants their roots: make up for it.
        x = layers.Rescaling([1.0 / math.sqrt(s) for s in DEVIATION])(x)
    return x


def _build(request: Request) -> Functional:
    width, depth, size, dropout = VARIANTS[request.kind]
    inputs = request.begin(size, 32)
    x = _scaled(request, inputs)
    x = layers.ZeroPadding2D(padding_of(x, 3), name="stem_conv_pad")(x)
    x = conv(x, divisible(32 * width), 3, "stem_conv", strides=2, padding="valid")
    x = _norm(x, "stem_", "stem_activation")
    repeats = [math.ceil(depth * stage[1]) for stage in STAGES]
    number = 0
    for i, (kernel, _, filters, expansion, strides) in enumerate(STAGES):
        for j in range(repeats[i]):
            rate = DROP * number / sum(repeats)
            name = f"block{i + 1}{chr(ord('a') + j)}_"
            x = _block(x, kernel, divisible(filters * width), expansion, strides if j == 0 else 1, rate, name)
            number += 1
    x = conv(x, divisible(1280 * width), 1, "top_conv")
    x = _norm(x, "top_", "top_activation")
    return request.end(inputs, classified(request, x, dropout))


def _variant(kind: str) -> Build:
    return standard(__name__, kind, _build, DOC, name=kind.lower(), size=VARIANTS[kind][2])


(
    EfficientNetB0, EfficientNetB1, EfficientNetB2, EfficientNetB3, EfficientNetB4, EfficientNetB5, EfficientNetB6,
    EfficientNetB7,
) = map(_variant, VARIANTS)  # fmt: skip
preprocess_input = preprocessing(__name__, None)
