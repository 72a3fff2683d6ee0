"""MobileNetV3: inverted residual blocks found by search, with squeeze-and-excitation and hard activations."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import IMAGENET, POOLS, Build, Request, channel_axis, public
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.mobile import divisible, padding_of, rows_of, unknown_width
from lamina.models.functional import Functional

# (expansion, filters, kernel, stride, squeeze-and-excitation, hard activations), tables 1 and 2 of the paper.
BLOCKS = {
    "MobileNetV3Small": (
        (1, 16, 3, 2, True, False), (72 / 16, 24, 3, 2, False, False), (88 / 24, 24, 3, 1, False, False),
        (4, 40, 5, 2, True, True), (6, 40, 5, 1, True, True), (6, 40, 5, 1, True, True), (3, 48, 5, 1, True, True),
        (3, 48, 5, 1, True, True), (6, 96, 5, 2, True, True), (6, 96, 5, 1, True, True), (6, 96, 5, 1, True, True),
    ),
    "MobileNetV3Large": (
        (1, 16, 3, 1, False, False), (4, 24, 3, 2, False, False), (3, 24, 3, 1, False, False),
        (3, 40, 5, 2, True, False), (3, 40, 5, 1, True, False), (3, 40, 5, 1, True, False),
        (6, 80, 3, 2, False, True), (2.5, 80, 3, 1, False, True), (2.3, 80, 3, 1, False, True),
        (2.3, 80, 3, 1, False, True), (6, 112, 3, 1, True, True), (6, 112, 3, 1, True, True),
        (6, 160, 5, 2, True, True), (6, 160, 5, 1, True, True), (6, 160, 5, 1, True, True),
    ),
}  # fmt: skip
LAST = {"MobileNetV3Small": 1024, "MobileNetV3Large": 1280}  # filters before the classifier
WIDTHS = (0.75, 1.0)

DOC = """{kind}: inverted residual blocks, some with squeeze-and-excitation, most with `x relu6(x + 3) / 6`.

    The model scales images with values from 0 to 255 by itself, unless `include_preprocessing` is False: then it
    takes values from -1 to 1.

    {arguments}
        alpha: The width of the network: factor of all numbers of filters.
        minimalistic: Whether to leave out what is costly on phones: 5x5 kernels, squeeze-and-excitation and hard
            activations.
        dropout_rate: The rate of dropout before the classifier.
        include_preprocessing: Whether the model scales its images.

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}((64, 64, 3), weights=None, classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Howard et al., 2019: Searching for MobileNetV3, https://arxiv.org/abs/1905.02244
    """


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_silu(x: Any) -> Any:
    return layers.Activation("hard_silu")(x)


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), momentum=0.999, name=f"{name}_bn")(x)


def _excited(x: Any, filters: int, prefix: str) -> Any:
    """The channels weighted by what a small network makes of their means."""
    prefix += "_squeeze_excite"
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}_avg_pool")(x)
    y = layers.Conv2D(divisible(filters * 0.25), 1, padding="same", name=f"{prefix}_conv")(y)
    y = layers.ReLU(name=f"{prefix}_relu")(y)
    y = layers.Conv2D(filters, 1, padding="same", name=f"{prefix}_conv_1")(y)
    y = layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}_mul")([x, y])


def _block(
    x: Any,
    expanded: int,
    filters: int,
    kernel: int,
    strides: int,
    excited: bool,
    activation: Any,
    number: int,
) -> Any:
    before, channels = x, int(x.shape[channel_axis()])
    prefix = f"expanded_conv_{number}" if number else "expanded_conv"
    if number:
        x = layers.Conv2D(expanded, 1, padding="same", use_bias=False, name=f"{prefix}_expand")(x)
        x = activation(_norm(x, f"{prefix}_expand"))
    if strides == 2:
        x = layers.ZeroPadding2D(padding_of(x, kernel), name=f"{prefix}_depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel, strides=strides, padding="same" if strides == 1 else "valid", use_bias=False,
        name=f"{prefix}_depthwise",
    )(x)  # fmt: skip
    x = activation(_norm(x, f"{prefix}_depthwise"))
    if excited:
        x = _excited(x, expanded, prefix)
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}_project")(x)
    x = _norm(x, f"{prefix}_project")
    return layers.Add(name=f"{prefix}_add")([before, x]) if strides == 1 and channels == filters else x


def _classifier(request: Request, x: Any, filters: int, dropout: float, activation: Any) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = activation(layers.Conv2D(filters, 1, padding="same", name="conv_2")(x))
    if dropout > 0:
        x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(request.classes, 1, padding="same", name="logits")(x)
    x = layers.Flatten()(x)
    return layers.Activation(request.classifier_activation, name="predictions")(x)


def _build(
    request: Request, alpha: float, minimalistic: bool, dropout: float, preprocessing: bool
) -> Functional:
    inputs = request.begin(None, 32)
    hard = _relu if minimalistic else _hard_silu
    x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(inputs) if preprocessing else inputs
    x = layers.Conv2D(16, 3, strides=(2, 2), padding="same", use_bias=False, name="conv")(x)
    x = hard(_norm(x, "conv"))
    for number, (expansion, filters, kernel, strides, excited, hardly) in enumerate(BLOCKS[request.kind]):
        expanded = divisible(int(x.shape[channel_axis()]) * expansion)
        x = _block(
            x, expanded, divisible(filters * alpha), 3 if minimalistic else kernel, strides,
            excited and not minimalistic, hard if hardly else _relu, number,
        )  # fmt: skip
    widest = divisible(int(x.shape[channel_axis()]) * 6)
    x = layers.Conv2D(widest, 1, padding="same", use_bias=False, name="conv_1")(x)
    x = hard(_norm(x, "conv_1"))
    if request.include_top:
        last = LAST[request.kind]
        x = _classifier(request, x, divisible(last * alpha) if alpha > 1 else last, dropout, hard)
    else:
        x = request.pooled(x, POOLS)
    return request.end(inputs, x, variant=f"{request.kind}/{float(alpha)}" + "/minimalistic" * minimalistic)


def _variant(kind: str) -> Build:
    def application(
        input_shape: Any = None, alpha: float = 1.0, minimalistic: bool = False, include_top: bool = True,
        weights: Any = "imagenet", input_tensor: Any = None, classes: int = IMAGENET, pooling: str | None = None,
        dropout_rate: float = 0.2, classifier_activation: Any = "softmax", include_preprocessing: bool = True,
        name: str = kind,
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
        rows_of(request, (224,))  # warns where the images are of another size than the weights
        widths = WIDTHS[1:] if minimalistic else WIDTHS
        if request.imagenet and alpha not in widths:
            raise unknown_width(kind, f"alpha={alpha}, minimalistic={minimalistic}", widths)
        return _build(request, alpha, minimalistic, dropout_rate, include_preprocessing)

    return public(application, "lamina.applications", kind, DOC, size=None, smallest=32)


MobileNetV3Small, MobileNetV3Large = _variant("MobileNetV3Small"), _variant("MobileNetV3Large")
preprocess_input = preprocessing(__name__, None)
