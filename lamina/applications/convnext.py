"""ConvNeXt: convolutions of 7x7 by channel, then two dense layers, as a transformer has them."""

from __future__ import annotations

from typing import Any

from lamina import layers
from lamina.applications.common import IMAGENET, Build, Request, public
from lamina.applications.imagenet import DEVIATION, MEAN, preprocessing
from lamina.applications.imagenet import decode_predictions as decode_predictions
from lamina.initializers.constant import Constant
from lamina.layers.base import Layer
from lamina.models.functional import Functional
from lamina.models.sequential import Sequential

# blocks and filters of the four stages
VARIANTS = {
    "ConvNeXtTiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
    "ConvNeXtSmall": ((3, 3, 27, 3), (96, 192, 384, 768)),
    "ConvNeXtBase": ((3, 3, 27, 3), (128, 256, 512, 1024)),
    "ConvNeXtLarge": ((3, 3, 27, 3), (192, 384, 768, 1536)),
    "ConvNeXtXLarge": ((3, 3, 27, 3), (256, 512, 1024, 2048)),
}
EPSILON = 1e-6

DOC = """{kind}: residual blocks of a depthwise 7x7 convolution and two dense layers.

    `x <- x + gamma dense(gelu(dense(layernorm(depthwise7x7(x)))))`

    The model scales images with values from 0 to 255 by itself, unless `include_preprocessing` is False.

    {arguments}
        include_preprocessing: Whether the model scales its images.

    {returns}

    Example:
        >>> import lamina
        >>> model = lamina.applications.{kind}(weights=None, include_top=False, pooling="avg")
        >>> model.input_shape
        (None, None, None, 3)

    Reference:
        Liu et al., 2022: A ConvNet for the 2020s, https://arxiv.org/abs/2201.03545
    """


class LayerScale(Layer):
    """Each channel times a learned factor, which begins near zero.

    `y = gamma x`

    Args:
        init_values: The first value of the factors.
        projection_dim: The number of channels.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        A tensor of the shape of the input.

    Reference:
        Touvron et al., 2021: Going deeper with Image Transformers, https://arxiv.org/abs/2103.17239
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight((self.projection_dim,), Constant(self.init_values))

    def call(self, x: Any) -> Any:
        return x * self.gamma.value


def _norm(name: str | None = None) -> Any:
    return layers.LayerNormalization(epsilon=EPSILON, name=name)


def _block(x: Any, filters: int, name: str) -> Any:
    y = layers.Conv2D(filters, 7, padding="same", groups=filters, name=f"{name}_depthwise_conv")(x)
    y = _norm(f"{name}_layernorm")(y)
    y = layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(y)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(y)
    y = LayerScale(1e-6, filters, name=f"{name}_layer_scale")(y)
    y = layers.Activation("linear", name=f"{name}_identity")(y)
    return x + y


def _downsampling(stage: int, filters: int, name: str) -> Sequential:
    """A quarter of the size before the first stage, half before each other."""
    if stage == 0:
        conv = layers.Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv")
        return Sequential([conv, _norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
    conv = layers.Conv2D(filters, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}")
    norm = _norm(f"{name}_downsampling_layernorm_{stage - 1}")
    return Sequential([norm, conv], name=f"{name}_downsampling_block_{stage - 1}")


def _scaled(x: Any, name: str) -> Any:
    """Values from 0 to 255 to those that the weights were trained with."""
    mean, variance = [255 * m for m in MEAN], [(255 * s) ** 2 for s in DEVIATION]
    return layers.Normalization(mean=mean, variance=variance, name=f"{name}_prestem_normalization")(x)


def _build(request: Request, include_preprocessing: bool) -> Functional:
    inputs = request.begin(224, 32)
    name = request.name or request.kind
    x = _scaled(inputs, name) if include_preprocessing else inputs
    for stage, (blocks, filters) in enumerate(zip(*VARIANTS[request.kind], strict=True)):
        x = _downsampling(stage, filters, name)(x)
        for i in range(blocks):
            x = _block(x, filters, f"{name}_stage_{stage}_block_{i}")
    if request.include_top:
        x = layers.GlobalAveragePooling2D(name=f"{name}_head_gap")(x)
        x = _norm(f"{name}_head_layernorm")(x)
        x = request.classifier(x, name=f"{name}_head_dense")
    else:
        x = _norm()(request.pooled(x))
    return request.end(inputs, x)


def _variant(kind: str) -> Build:
    def application(
        include_top: bool = True, include_preprocessing: bool = True, weights: Any = "imagenet",
        input_tensor: Any = None, input_shape: Any = None, pooling: str | None = None, classes: int = IMAGENET,
        classifier_activation: Any = "softmax", name: str = kind.lower().replace("convnext", "convnext_"),
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
        return _build(request, include_preprocessing)

    return public(application, __name__, kind, DOC, size=224, smallest=32)


ConvNeXtTiny, ConvNeXtSmall, ConvNeXtBase, ConvNeXtLarge, ConvNeXtXLarge = map(_variant, VARIANTS)
preprocess_input = preprocessing(__name__, None)
