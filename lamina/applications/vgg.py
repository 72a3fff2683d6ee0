"""VGG: stacks of 3x3 convolutions between poolings, and three dense layers."""

from __future__ import annotations

from lamina import layers
from lamina.applications.common import Build, Request, standard
from lamina.models.functional import Functional

# The number of convolutions of each block; the filters double from block to block up to 512.
VARIANTS = {"VGG16": (2, 2, 3, 3, 3), "VGG19": (2, 2, 4, 4, 4)}

DOC = """{kind}: blocks of 3x3 convolutions, each followed by a pooling that halves the image.

    `x <- maxpool(relu(conv3x3(... relu(conv3x3(x)))))`, five times

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, include_top=False, pooling="avg")
        >>> model.output_shape
        (None, 512)

    Reference:
        Simonyan and Zisserman, 2015: Very Deep Convolutional Networks for Large-Scale Image Recognition,
        https://arxiv.org/abs/1409.1556
    """


def _build(request: Request) -> Functional:
    x = inputs = request.begin(224, 32)
    for block, convolutions in enumerate(VARIANTS[request.kind], 1):
        filters = min(64 * 2 ** (block - 1), 512)
        for i in range(1, convolutions + 1):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{i}")(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if request.include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(4096, activation="relu", name="fc1")(x)
        x = layers.Dense(4096, activation="relu", name="fc2")(x)
        x = request.classifier(x)
    else:
        x = request.pooled(x)
    return request.end(inputs, x)


def _variant(kind: str) -> Build:
    return standard(f"lamina.applications.{kind.lower()}", kind, _build, DOC, name=kind.lower(), size=224)


VGG16, VGG19 = _variant("VGG16"), _variant("VGG19")
