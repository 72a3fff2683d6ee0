"""MobileNet: depthwise convolutions, each followed by a pointwise one."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import IMAGENET, Request, channel_axis, document
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.mobile import relu6, rows_of, unknown_width
from lamina.models.functional import Functional

# (filters, stride) of the thirteen blocks.
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
SIZES, WIDTHS = (128, 160, 192, 224), (0.25, 0.5, 0.75, 1.0)  # for which weights are published


def _norm(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return relu6(x, f"{name}_relu")


def _block(x: Any, filters: int, strides: int, depth_multiplier: int, number: int) -> Any:
    if strides > 1:  # the padding of the published weights: only below and to the right
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same" if strides == 1 else "valid", depth_multiplier=depth_multiplier,
        use_bias=False, name=f"conv_dw_{number}",
    )(x)  # fmt: skip
    x = _norm(x, f"conv_dw_{number}")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
    return _norm(x, f"conv_pw_{number}")


def _classifier(request: Request, x: Any, dropout: float) -> Any:
    """A 1x1 convolution on the mean of the features, as in the published weights."""
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Conv2D(request.classes, 1, padding="same", name="conv_preds")(x)
    x = layers.Reshape((request.classes,), name="reshape_2")(x)
    return layers.Activation(request.classifier_activation, name="predictions")(x)


@document(
    """MobileNet: thirteen depthwise convolutions, each with a pointwise one that mixes the channels.

    `x <- relu6(norm(conv1x1(relu6(norm(depthwise3x3(x))))))`

    {arguments}
        alpha: The width of the network: factor of all numbers of filters.
        depth_multiplier: How many filters each channel has in depthwise convolutions.
        dropout: The rate of dropout before the classifier.

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.MobileNet((64, 64, 3), alpha=0.25, weights=None, classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Howard et al., 2017: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications,
        https://arxiv.org/abs/1704.04861
    """,
    size=224,
)
def MobileNet(
    input_shape: Any = None, alpha: float = 1.0, depth_multiplier: int = 1, dropout: float = 1e-3,
    include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, pooling: str | None = None,
    classes: int = IMAGENET, classifier_activation: Any = "softmax", name: str | None = None,
) -> Functional:  # fmt: skip
    request = Request(
        "MobileNet",
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
    if request.imagenet and (depth_multiplier != 1 or alpha not in WIDTHS):
        raise unknown_width("MobileNet", f"alpha={alpha}, depth_multiplier={depth_multiplier}", WIDTHS)
    inputs = request.begin(rows if request.imagenet and rows else 224, 32)
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(inputs)
    x = _norm(x, "conv1")
    for number, (filters, strides) in enumerate(BLOCKS, 1):
        x = _block(x, int(filters * alpha), strides, depth_multiplier, number)
    x = _classifier(request, x, dropout) if include_top else request.pooled(x)
    request.name = name or f"mobilenet_{alpha:0.2f}_{rows}"
    return request.end(inputs, x, variant=f"MobileNet/{float(alpha)}/{rows}")


preprocess_input = preprocessing(__name__, "tf")
