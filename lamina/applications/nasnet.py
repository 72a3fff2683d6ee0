"""NASNet: cells found by search, each fed with the results of the two before it."""

from __future__ import annotations

from typing import Any

from lamina import config, layers
from lamina.applications.common import IMAGENET, Build, Request, channel_axis, public
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.applications.imagenet import preprocessing
from lamina.applications.mobile import padding_of
from lamina.core.names import name_scope
from lamina.models.functional import Functional

# cells in each of the three stages, filters of the stem, channels of the last features, whether a reduction's input
# is handed on to the next cell, size of images
VARIANTS = {
    "NASNetMobile": (4, 32, 1056, True, 224),
    "NASNetLarge": (6, 96, 4032, False, 331),
}

DOC = """{kind}: normal cells that keep the size of the image, and reductions that halve it.

    Each cell joins five sums of two operations (separable convolutions, pooling, identity) on its two inputs.

    {arguments}

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}((96, 96, 3), weights=None, include_top=False)
        >>> model.output_shape[1:3]
        (3, 3)

    Reference:
        Zoph, Vasudevan, Shlens and Le, 2018: Learning Transferable Architectures for Scalable Image Recognition,
        https://arxiv.org/abs/1707.07012
    """


def _relu(x: Any, name: str | None = None) -> Any:
    return layers.Activation("relu", name=name)(x)


def _norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), momentum=0.9997, epsilon=1e-3, name=name)(x)


def _conv(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(
        filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _separable(x: Any, filters: int, kernel: int, name: str, strides: int = 1) -> Any:
    """Two separable convolutions; the first may have strides."""
    with name_scope(f"separable_conv_block_{name}"):
        for i, step in enumerate((strides, 1), 1):
            x, padding = _relu(x), "same"
            if step == 2:
                x, padding = (
                    layers.ZeroPadding2D(padding_of(x, kernel), name=f"separable_conv_1_pad_{name}")(x),
                    "valid",
                )
            x = layers.SeparableConv2D(
                filters,
                kernel,
                strides=step,
                padding=padding,
                use_bias=False,
                name=f"separable_conv_{i}_{name}",
            )(x)
            x = _norm(x, f"separable_conv_{i}_bn_{name}")
    return x


def _average(x: Any, name: str, strides: int = 1) -> Any:
    padding = "valid" if strides == 2 else "same"
    return layers.AveragePooling2D(3, strides=strides, padding=padding, name=name)(x)


def _halved(x: Any, name: str) -> Any:
    return layers.MaxPooling2D(3, strides=2, name=name)(x)


def _add(name: str | None, *parts: Any) -> Any:
    return layers.Add(name=name)(list(parts))


def _rows(x: Any) -> Any:
    return x.shape[2 if config.image_data_format() == "channels_first" else 1]


def _adjusted(before: Any, x: Any, filters: int, name: str) -> Any:
    """The result of the last cell but one, in the size and channels that this cell has inside."""
    if before is None:
        return x
    with name_scope("adjust_block"):
        if _rows(before) != _rows(x):
            return _adjusted_size(before, filters, name)
        if before.shape[channel_axis()] != filters:
            with name_scope(f"adjust_projection_block_{name}"):
                before = _conv(_relu(before), filters, f"adjust_conv_projection_{name}")
                return _norm(before, f"adjust_bn_{name}")
    return before


def _adjusted_size(x: Any, filters: int, name: str) -> Any:
    """Half as large an image: one half of the channels from its even places, the other from the odd ones."""
    with name_scope(f"adjust_reduction_block_{name}"):
        x = _relu(x, f"adjust_relu_1_{name}")
        even = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{name}")(x)
        even = _conv(even, filters // 2, f"adjust_conv_1_{name}")
        odd = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
        odd = layers.Cropping2D(((1, 0), (1, 0)))(odd)
        odd = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{name}")(odd)
        odd = _conv(odd, filters // 2, f"adjust_conv_2_{name}")
        return _norm(layers.Concatenate(axis=channel_axis())([even, odd]), f"adjust_bn_{name}")


def _normal(x: Any, before: Any, filters: int, name: str) -> Any:
    """A cell that keeps the size of the image."""
    with name_scope(f"normal_A_block_{name}"):
        p = _adjusted(before, x, filters, name)
        h = _norm(_conv(_relu(x), filters, f"normal_conv_1_{name}"), f"normal_bn_1_{name}")
        sums = []
        with name_scope("block_1"):
            left = _separable(h, filters, 5, f"normal_left1_{name}")
            sums.append(
                _add(f"normal_add_1_{name}", left, _separable(p, filters, 3, f"normal_right1_{name}"))
            )
        with name_scope("block_2"):
            left = _separable(p, filters, 5, f"normal_left2_{name}")
            sums.append(
                _add(f"normal_add_2_{name}", left, _separable(p, filters, 3, f"normal_right2_{name}"))
            )
        sums.append(_add(f"normal_add_3_{name}", _average(h, f"normal_left3_{name}"), p))
        left = _average(p, f"normal_left4_{name}")
        sums.append(_add(f"normal_add_4_{name}", left, _average(p, f"normal_right4_{name}")))
        with name_scope("block_5"):
            sums.append(_add(f"normal_add_5_{name}", _separable(h, filters, 3, f"normal_left5_{name}"), h))
        return layers.Concatenate(axis=channel_axis(), name=f"normal_concat_{name}")([p, *sums])


def _reduction(x: Any, before: Any, filters: int, name: str) -> Any:
    """A cell that halves the image."""
    with name_scope(f"reduction_A_block_{name}"):
        p = _adjusted(before, x, filters, name)
        h = _norm(_conv(_relu(x), filters, f"reduction_conv_1_{name}"), f"reduction_bn_1_{name}")
        padded = layers.ZeroPadding2D(padding_of(h, 3), name=f"reduction_pad_1_{name}")(h)
        with name_scope("block_1"):
            left = _separable(h, filters, 5, f"reduction_left1_{name}", 2)
            one = _add(
                f"reduction_add_1_{name}", left, _separable(p, filters, 7, f"reduction_right1_{name}", 2)
            )
        with name_scope("block_2"):
            left = _halved(padded, f"reduction_left2_{name}")
            two = _add(
                f"reduction_add_2_{name}", left, _separable(p, filters, 7, f"reduction_right2_{name}", 2)
            )
        with name_scope("block_3"):
            left = _average(padded, f"reduction_left3_{name}", 2)
            three = _add(
                f"reduction_add3_{name}", left, _separable(p, filters, 5, f"reduction_right3_{name}", 2)
            )
        four = _add(None, two, _average(one, f"reduction_left4_{name}"))
        with name_scope("block_5"):
            left = _separable(one, filters, 3, f"reduction_left4_{name}")
            five = _add(f"reduction_add4_{name}", left, _halved(padded, f"reduction_right5_{name}"))
        joined = [two, three, four, five]
        return layers.Concatenate(axis=channel_axis(), name=f"reduction_concat_{name}")(joined)


def _build(request: Request) -> Functional:
    cells, stem, channels, hand_on, size = VARIANTS[request.kind]
    filters = channels // 24
    # what is published without classifier has the adjustments of known sizes; Keras draws a graph that it does not fit
    inputs = request.begin(size, 32, open_edges=not request.imagenet)
    x = layers.Conv2D(stem, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(
        inputs
    )
    x, before = _norm(x, "stem_bn1"), None
    x, before = _reduction(x, before, filters // 4, "stem_1"), x
    x, before = _reduction(x, before, filters // 2, "stem_2"), x
    for stage in range(3):
        if stage:
            reduced = _reduction(x, before, filters * 2**stage, f"reduce_{cells * stage}")
            x, before = reduced, x if hand_on else before
        for i in range(cells):
            x, before = _normal(x, before, filters * 2**stage, str(cells * stage + i + (stage > 0))), x
    x = _relu(x)
    x = request.head(x)
    return request.end(inputs, x)


def _variant(kind: str) -> Build:
    def application(
        input_shape: Any = None, include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None,
        pooling: str | None = None, classes: int = IMAGENET, classifier_activation: Any = "softmax",
        name: str = kind.lower().replace("nasnet", "nasnet_"),
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
        return _build(request)

    return public(application, __name__, kind, DOC, size=VARIANTS[kind][4], smallest=32)


NASNetMobile, NASNetLarge = map(_variant, VARIANTS)
preprocess_input = preprocessing(__name__, "tf")
