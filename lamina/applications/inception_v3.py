"""InceptionV3: parallel branches of convolutions, large ones split into rows and columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lamina import layers
from lamina.applications.common import Request, channel_axis, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.models.functional import Functional

DOC = """{kind}: modules of parallel branches, whose results are joined by channel.

    `x <- [branch_1(x), ..., branch_n(x)]`, branches of 1x1, 3x3, 5x5, 1x7, 7x1 convolutions and of pooling

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(96, 96, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, 2016: Rethinking the Inception Architecture for Computer Vision,
        https://arxiv.org/abs/1512.00567
    """

Step = tuple[int, Any]  # filters and kernel of one convolution


def conv(
    x: Any, filters: int, kernel: Any, *, strides: int = 1, padding: str = "same", name: str | None = None
) -> Any:
    """A convolution without bias, normalized and activated.

    Args:
        x: Features.
        filters: The number of output channels.
        kernel: The window, an integer or two.
        strides: The distance of the windows.
        padding: "same" or "valid".
        name: The name of the convolution; the other two layers add an ending. Automatic ones when None.
    """
    x = layers.Conv2D(filters, kernel, strides=strides, padding=padding, use_bias=False, name=name)(x)
    x = layers.BatchNormalization(axis=channel_axis(3), scale=False, name=name and f"{name}_bn")(x)
    return layers.Activation("relu", name=name and f"{name}_ac")(x)


def chain(x: Any, steps: Iterable[Step], **last: Any) -> Any:
    """Convolutions one after the other; `last` are more arguments of the last one."""
    *first, end = steps
    for filters, kernel in first:
        x = conv(x, filters, kernel)
    return conv(x, *end, **last)


def average(x: Any) -> Any:
    """The means of neighborhoods of 3x3."""
    return layers.AveragePooling2D(3, strides=1, padding="same")(x)


def halved(x: Any) -> Any:
    """The maxima of windows of 3x3, two steps apart."""
    return layers.MaxPooling2D(3, strides=2)(x)


def joined(branches: list[Any], name: str | None = None) -> Any:
    """The branches by channel."""
    return layers.Concatenate(axis=channel_axis(3), name=name)(branches)


def stem(x: Any) -> Any:
    """What both Inceptions begin with."""
    x = conv(x, 32, 3, strides=2, padding="valid")
    x = conv(x, 32, 3, padding="valid")
    x = halved(conv(x, 64, 3))
    x = conv(x, 80, 1, padding="valid")
    return halved(conv(x, 192, 3, padding="valid"))


def _module_a(x: Any, pooled: int, name: str) -> Any:
    branches = [
        conv(x, 64, 1), chain(x, [(48, 1), (64, 5)]), chain(x, [(64, 1), (96, 3), (96, 3)]),
        conv(average(x), pooled, 1),
    ]  # fmt: skip
    return joined(branches, name)


def _module_b(x: Any, inside: int, name: str) -> Any:
    row, column = (1, 7), (7, 1)
    branches = [
        conv(x, 192, 1), chain(x, [(inside, 1), (inside, row), (192, column)]),
        chain(x, [(inside, 1), (inside, column), (inside, row), (inside, column), (192, row)]),
        conv(average(x), 192, 1),
    ]  # fmt: skip
    return joined(branches, name)


def _module_c(x: Any, number: int) -> Any:
    def split(y: Any, name: str | None) -> Any:
        return joined([conv(y, 384, (1, 3)), conv(y, 384, (3, 1))], name)

    branches = [
        conv(x, 320, 1), split(conv(x, 384, 1), f"mixed9_{number}"), split(chain(x, [(448, 1), (384, 3)]), None),
        conv(average(x), 192, 1),
    ]  # fmt: skip
    return joined(branches, f"mixed{9 + number}")


def _build(request: Request) -> Functional:
    inputs = request.begin(299, 75)
    smaller: dict[str, Any] = {"strides": 2, "padding": "valid"}
    x = stem(inputs)
    for number, pooled in enumerate((32, 64, 64)):
        x = _module_a(x, pooled, f"mixed{number}")
    branches = [conv(x, 384, 3, **smaller), chain(x, [(64, 1), (96, 3), (96, 3)], **smaller), halved(x)]
    x = joined(branches, "mixed3")
    for number, inside in enumerate((128, 160, 160, 192), 4):
        x = _module_b(x, inside, f"mixed{number}")
    branches = [
        chain(x, [(192, 1), (320, 3)], **smaller),
        chain(x, [(192, 1), (192, (1, 7)), (192, (7, 1)), (192, 3)], **smaller), halved(x),
    ]  # fmt: skip
    x = joined(branches, "mixed8")
    for number in range(2):
        x = _module_c(x, number)
    return request.end(inputs, request.head(x, top="avg_pool"))


InceptionV3 = standard(__name__, "InceptionV3", _build, DOC, name="inception_v3", size=299, smallest=75)
preprocess_input = preprocessing(__name__, "tf")
