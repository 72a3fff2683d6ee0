"""InceptionResNetV2: parallel branches of convolutions whose joined result is scaled and added to a shortcut."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import Build, Request, channel_axis, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.inception_v3 import Step, average, chain, conv, halved, joined, stem
from lamina.layers.base import Layer
from lamina.models.functional import Functional

# The branches of the three residual modules, each a list of (filters, kernel).
BRANCHES: dict[str, list[list[Step]]] = {
    "block35": [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]],
    "block17": [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]],
    "block8": [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]],
}

DOC = """{kind}: modules of parallel branches, beside shortcuts.

    `x <- relu(x + scale conv1x1([branch_1(x), ..., branch_n(x)]))`

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(96, 96, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Szegedy, Ioffe, Vanhoucke and Alemi, 2017: Inception-v4, Inception-ResNet and the Impact of Residual
        Connections on Learning, https://arxiv.org/abs/1602.07261
    """


class CustomScaleLayer(Layer):
    """A sum with the second input scaled.

    `y = a + scale b`

    Args:
        scale: The factor.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        A tensor of the shape of the inputs.
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        first, second = inputs
        return first + second * self.scale


def _block(x: Any, scale: float, kind: str, number: int, activation: str | None = "relu") -> Any:
    branches = [chain(x, steps) for steps in BRANCHES[kind]]
    name = f"{kind}_{number}"
    mixed = joined(branches, f"{name}_mixed")
    up = layers.Conv2D(int(x.shape[channel_axis(3)]), 1, padding="same", name=f"{name}_conv")(mixed)
    x = CustomScaleLayer(scale)([x, up])
    return x if activation is None else layers.Activation(activation, name=f"{name}_ac")(x)


def _build(request: Request) -> Functional:
    inputs = request.begin(299, 75)
    smaller: dict[str, Any] = {"strides": 2, "padding": "valid"}
    x = stem(inputs)
    branches = [
        conv(x, 96, 1), chain(x, [(48, 1), (64, 5)]), chain(x, [(64, 1), (96, 3), (96, 3)]),
        conv(average(x), 64, 1),
    ]  # fmt: skip
    x = joined(branches, "mixed_5b")
    for number in range(1, 11):
        x = _block(x, 0.17, "block35", number)
    branches = [conv(x, 384, 3, **smaller), chain(x, [(256, 1), (256, 3), (384, 3)], **smaller), halved(x)]
    x = joined(branches, "mixed_6a")
    for number in range(1, 21):
        x = _block(x, 0.1, "block17", number)
    branches = [
        chain(x, [(256, 1), (384, 3)], **smaller), chain(x, [(256, 1), (288, 3)], **smaller),
        chain(x, [(256, 1), (288, 3), (320, 3)], **smaller), halved(x),
    ]  # fmt: skip
    x = joined(branches, "mixed_7a")
    for number in range(1, 10):
        x = _block(x, 0.2, "block8", number)
    x = _block(x, 1.0, "block8", 10, activation=None)
    x = conv(x, 1536, 1, name="conv_7b")
    return request.end(inputs, request.head(x, top="avg_pool"))


def _variant(kind: str) -> Build:
    return standard(__name__, kind, _build, DOC, name="inception_resnet_v2", size=299, smallest=75)


InceptionResNetV2 = _variant("InceptionResNetV2")
preprocess_input = preprocessing(__name__, "tf")
