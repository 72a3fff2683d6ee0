"""Xception: depthwise separable convolutions with shortcuts."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import Request, channel_axis, standard
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.models.functional import Functional

DOC = """{kind}: thirty-six convolutions, most of them depthwise separable, in modules with shortcuts.

    `x <- shortcut(x) + norm(separable3x3(relu(...)))`

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, input_shape=(96, 96, 3), classes=10)
        >>> model.output_shape
        (None, 10)

    Reference:
        Chollet, 2017: Xception: Deep Learning with Depthwise Separable Convolutions,
        https://arxiv.org/abs/1610.02357
    """


def _norm(x: Any, name: str | None = None) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), name=name)(x)


def _relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=name)(x)


def _separable(x: Any, filters: int, name: str) -> Any:
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return _norm(x, f"{name}_bn")


def _smaller(x: Any, number: int, first: int, filters: int, *, activated: bool = True) -> Any:
    """Two convolutions and a pooling that halves the image."""
    shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = _norm(shortcut)
    name = f"block{number}_sepconv"
    if activated:
        x = _relu(x, f"{name}1_act")
    x = _separable(x, first, f"{name}1")
    x = _separable(_relu(x, f"{name}2_act"), filters, f"{name}2")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{number}_pool")(x)
    return layers.Add()([x, shortcut])


def _middle(x: Any, number: int) -> Any:
    shortcut = x
    for i in range(1, 4):
        name = f"block{number}_sepconv{i}"
        x = _separable(_relu(x, f"{name}_act"), 728, name)
    return layers.Add()([x, shortcut])


def _build(request: Request) -> Functional:
    x = inputs = request.begin(299, 71)
    for i, (filters, strides) in enumerate(((32, 2), (64, 1)), 1):
        name = f"block1_conv{i}"
        x = layers.Conv2D(filters, 3, strides=strides, use_bias=False, name=name)(x)
        x = _relu(_norm(x, f"{name}_bn"), f"{name}_act")
    x = _smaller(x, 2, 128, 128, activated=False)
    x = _smaller(x, 3, 256, 256)
    x = _smaller(x, 4, 728, 728)
    for number in range(5, 13):
        x = _middle(x, number)
    x = _smaller(x, 13, 728, 1024)
    for i, filters in enumerate((1536, 2048), 1):
        name = f"block14_sepconv{i}"
        x = _relu(_separable(x, filters, name), f"{name}_act")
    return request.end(inputs, request.head(x, top="avg_pool"))


Xception = standard(__name__, "Xception", _build, DOC, name="xception", size=299, smallest=71)
preprocess_input = preprocessing(__name__, "tf")
