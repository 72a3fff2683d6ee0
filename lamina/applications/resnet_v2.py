"""ResNet, version 2: normalization and activation before the convolutions, so that shortcuts are pure sums."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import POOLS, Build, Request, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.resnet import VARIANTS, norm, relu, stem
from lamina.models.functional import Functional

DOC = """{kind}: residual blocks that normalize and activate ahead of their convolutions.

    `x <- shortcut(x) + f(relu(norm(x)))`

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(64, 64, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        He, Zhang, Ren and Sun, 2016: Identity Mappings in Deep Residual Networks, https://arxiv.org/abs/1603.05027
    """


def _block(x: Any, filters: int, strides: int, project: bool, name: str) -> Any:
    """The stride is in the 3x3 convolution; a shortcut that keeps its channels is thinned out by pooling."""
    ahead = relu(norm(x, f"{name}_preact_bn"), f"{name}_preact_relu")
    if project:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(ahead)
    else:
        shortcut = layers.MaxPooling2D(1, strides=strides)(x) if strides > 1 else x
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(ahead)
    x = relu(norm(x, f"{name}_1_bn"), f"{name}_1_relu")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(x)
    x = relu(norm(x, f"{name}_2_bn"), f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _build(request: Request) -> Functional:
    inputs = request.begin(224, 32)
    x = stem(inputs, normalized=False)
    stages = VARIANTS[request.kind.removesuffix("V2")]
    for stage, blocks in enumerate(stages):
        for i in range(blocks):
            strides = (
                2 if i == blocks - 1 and stage < len(stages) - 1 else 1
            )  # the last block halves the image
            x = _block(x, 64 * 2**stage, strides, i == 0, f"conv{stage + 2}_block{i + 1}")
    x = relu(norm(x, "post_bn"), "post_relu")
    return request.end(inputs, request.head(x, top="avg_pool", pool=POOLS))


def _variant(kind: str) -> Build:
    return standard(__name__, kind, _build, DOC, name=kind.lower(), size=224)


ResNet50V2, ResNet101V2, ResNet152V2 = (
    _variant("ResNet50V2"),
    _variant("ResNet101V2"),
    _variant("ResNet152V2"),
)
preprocess_input = preprocessing(__name__, "tf")
