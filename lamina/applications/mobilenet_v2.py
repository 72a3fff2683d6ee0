"""MobileNetV2: narrow layers joined by shortcuts, wide depthwise convolutions between them."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import IMAGENET, Request, channel_axis, document
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.mobile import divisible, padding_of, relu6, rows_of, unknown_width
from lamina.models.functional import Functional

# (expansion, filters, repeats, stride of the first), table 2 of the paper.
STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
)  # fmt: skip
SIZES, WIDTHS = (96, 128, 160, 192, 224), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)  # for which weights are published


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), momentum=0.999, name=name)(x)


def _block(x: Any, expansion: int, filters: int, strides: int, number: int) -> Any:
    before, channels = x, int(x.shape[channel_axis()])
    prefix = f"block_{number}" if number else "expanded_conv"
    if number:
        x = layers.Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{prefix}_expand")(x)
        x = relu6(_norm(x, f"{prefix}_expand_BN"), f"{prefix}_expand_relu")
    if strides == 2:
        x = layers.ZeroPadding2D(padding_of(x, 3), name=f"{prefix}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=strides,
        use_bias=False,
        padding="same" if strides == 1 else "valid",
        name=f"{prefix}_depthwise",
    )(x)
    x = relu6(_norm(x, f"{prefix}_depthwise_BN"), f"{prefix}_depthwise_relu")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}_project")(x)
    x = _norm(x, f"{prefix}_project_BN")
    if channels == filters and strides == 1:
        return layers.Add(name=f"{prefix}_add")([before, x])
    return x


@document(
    """MobileNetV2: inverted residual blocks with linear bottlenecks.

    `x <- x + norm(conv1x1(relu6(norm(depthwise3x3(relu6(norm(conv1x1(x))))))))`

    {arguments}
        alpha: The width of the network: factor of all numbers of filters.

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.MobileNetV2((64, 64, 3), alpha=0.35, weights=None, classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Sandler, Howard, Zhu, Zhmoginov and Chen, 2018: MobileNetV2: Inverted Residuals and Linear Bottlenecks,
        https://arxiv.org/abs/1801.04381
    """,
    size=224,
)
def MobileNetV2(
    input_shape: Any = None, alpha: float = 1.0, include_top: bool = True, weights: Any = "imagenet",
    input_tensor: Any = None, pooling: str | None = None, classes: int = IMAGENET,
    classifier_activation: Any = "softmax", name: str | None = None,
) -> Functional:  # fmt: skip
    request = Request(
        "MobileNetV2",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )
    rows = rows_of(request, SIZES)
    if request.imagenet and alpha not in WIDTHS:
        raise unknown_width("MobileNetV2", f"alpha={alpha}", WIDTHS)
    inputs = request.begin(rows if request.imagenet and rows else 224, 32)
    x = layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(
        inputs
    )
    x = relu6(_norm(x, "bn_Conv1"), "Conv1_relu")
    number = 0
    for expansion, filters, repeats, strides in STAGES:
        for i in range(repeats):
            x = _block(x, expansion, divisible(int(filters * alpha)), strides if i == 0 else 1, number)
            number += 1
    x = layers.Conv2D(divisible(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    x = relu6(_norm(x, "Conv_1_bn"), "out_relu")
    x = request.head(x)
    request.name = name or f"mobilenetv2_{alpha:0.2f}_{rows}"
    return request.end(inputs, x, variant=f"MobileNetV2/{float(alpha)}/{rows}")


preprocess_input = preprocessing(__name__, "tf")
