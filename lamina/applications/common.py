"""What all applications share: their arguments, where the graph begins, its head, its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lamina import activations, config, layers
from lamina.applications import weights as files
from lamina.core.operation import KerasTensor
from lamina.kernel.tracebacks import folds_frames
from lamina.layers.input import Input
from lamina.models.functional import Functional
from lamina.ops.checks import one_of
from lamina.utils.graphs import get_source_inputs

IMAGENET = 1000  # classes
POOLS = ("avg_pool", "max_pool")  # what most applications call their last pooling

ARGUMENTS = """Args:
        include_top: Whether the classifier is part of the model.
        weights: "imagenet" (fetched once into the cache of `lamina.utils.get_file`), a file of weights (`.h5`,
            `.weights.h5`, `.keras`, `.safetensors`), or None for random ones.
        input_tensor: A symbolic tensor to begin with, instead of an input of `input_shape`.
        input_shape: (height, width, channels) of an image, without the batch axis. {size} by default with the
            classifier; at least {smallest} pixels.
        pooling: What follows the last features where there is no classifier: "avg", "max", or None for the
            features of shape (batch, height, width, channels) as they are.
        classes: The number of classes of the classifier.
        classifier_activation: Its activation, "softmax" or None for logits where weights are loaded.
        name: The name of the model."""

RETURNS = """Returns:
        A Functional model from images of shape (batch, height, width, channels) to probabilities of shape
        (batch, classes), or to features.

    Raises:
        ValueError: if an argument is unknown, or does not go with the weights or the size of the images."""


@dataclass
class Request:
    """The arguments of an application, by the names of its parameters."""

    kind: str
    include_top: bool = True
    weights: Any = "imagenet"
    input_tensor: Any = None
    input_shape: Any = None
    pooling: str | None = None
    classes: int = IMAGENET
    classifier_activation: Any = "softmax"
    name: str | None = None

    def __post_init__(self) -> None:
        if self.pooling not in (None, "avg", "max"):
            one_of(self.kind, "pooling", self.pooling, ("avg", "max"))
        if not isinstance(self.classes, int) or self.classes < 1:
            raise ValueError(f"{self.kind}: `classes` must be a positive integer, got {self.classes!r}.")
        files.check(self.kind, self.weights)
        if not self.include_top:
            return
        if self.imagenet and self.classes != IMAGENET:
            raise ValueError(
                f"{self.kind}: the classifier in the ImageNet weights has {IMAGENET} classes, got "
                f"`classes={self.classes}`. Use `include_top=False` and a head of your own, or `weights=None`."
            )
        activation = self.classifier_activation
        if self.weights is not None and activation not in (None, "softmax", _softmax()):
            raise ValueError(
                f"{self.kind}: `classifier_activation` must be 'softmax' or None where weights are loaded, got "
                f"{activation!r}."
            )

    @property
    def imagenet(self) -> bool:
        """Whether the published weights are asked for."""
        return self.weights == "imagenet"

    # -- where the graph begins -----------------------------------------------------------------------------------------

    def begin(self, size: int | None, smallest: int = 32, *, open_edges: bool = True) -> KerasTensor:
        """The symbolic images.

        Args:
            size: Their height and width where nothing else is said; None leaves them open.
            smallest: The smallest height and width that the network can take.
            open_edges: Whether height and width are open where there is no classifier.

        Raises:
            ValueError: if `input_shape` or `input_tensor` cannot be that.
        """
        shape = self._image_shape(size, smallest, open_edges)
        if self.input_tensor is None:
            return Input(shape=shape)
        if not isinstance(self.input_tensor, KerasTensor):
            raise ValueError(
                f"{self.kind}: `input_tensor` must be a symbolic tensor, such as `lamina.Input({shape})`, got "
                f"{type(self.input_tensor).__name__}."
            )
        return self.input_tensor

    def _image_shape(self, size: int | None, smallest: int, open_edges: bool) -> tuple[int | None, ...]:
        first = config.image_data_format() == "channels_first"
        given = self.given_shape()
        if given is None:
            edge = size if self.include_top or not open_edges else None
            return (3, edge, edge) if first else (edge, edge, 3)
        if not isinstance(given, list | tuple) or len(given) != 3:
            raise ValueError(
                f"{self.kind}: `input_shape` must have three sizes, "
                f"{'(channels, height, width)' if first else '(height, width, channels)'}, got {given!r}."
            )
        channels, edges = (given[0], given[1:]) if first else (given[2], given[:2])
        self._check_sizes(given, channels, tuple(edges), size, smallest)
        return tuple(given)

    def given_shape(self) -> Any:
        """The shape of one image, as `input_shape` or `input_tensor` say it; None where neither does."""
        if self.input_shape is None and isinstance(self.input_tensor, KerasTensor):
            return self.input_tensor.shape[1:]
        return self.input_shape

    def _check_sizes(self, shape: Any, channels: Any, edges: tuple, size: int | None, smallest: int) -> None:
        if channels is None or (self.imagenet and channels != 3):
            raise ValueError(
                f"{self.kind}: images must have {'3' if self.imagenet else 'a known number of'} channels"
                f"{' with ImageNet weights' if self.imagenet else ''}, got the input shape {shape}."
            )
        if any(n is not None and n < smallest for n in edges):
            raise ValueError(
                f"{self.kind}: images must have at least {smallest} x {smallest} pixels, got the input shape {shape}."
            )
        if not self.include_top or size is None:
            return
        if None in edges:
            raise ValueError(
                f"{self.kind}: with the classifier, the size of images must be known, got the input shape {shape}. "
                "Give the height and width, or use `include_top=False`."
            )
        if self.imagenet and edges != (size, size):
            raise ValueError(
                f"{self.kind}: the classifier in the ImageNet weights is for images of {size} x {size} pixels, got "
                f"the input shape {shape}. Use `include_top=False`, or `weights=None`."
            )

    # -- where it ends --------------------------------------------------------------------------------------------------

    def head(
        self, x: Any, *, top: str | None = None, pool: tuple[str | None, str | None] = (None, None)
    ) -> Any:
        """The classifier on the means of the features, or the pooling that is asked for instead of it.

        Args:
            x: The last features.
            top: The name of the pooling before the classifier; automatic when None.
            pool: The names of average and maximum pooling where there is no classifier.
        """
        if not self.include_top:
            return self.pooled(x, pool)
        return self.classifier(layers.GlobalAveragePooling2D(name=top)(x))

    def pooled(self, x: Any, names: tuple[str | None, str | None] = (None, None)) -> Any:
        """The features under the pooling that is asked for."""
        if self.pooling == "avg":
            return layers.GlobalAveragePooling2D(name=names[0])(x)
        if self.pooling == "max":
            return layers.GlobalMaxPooling2D(name=names[1])(x)
        return x

    def classifier(self, x: Any, *, name: str = "predictions", **kwargs: Any) -> Any:
        """The last layer."""
        return layers.Dense(self.classes, activation=self.classifier_activation, name=name, **kwargs)(x)

    def end(self, inputs: Any, outputs: Any, *, variant: str | None = None) -> Functional:
        """The model, with its weights.

        Args:
            inputs: Where the graph began.
            outputs: Where it ends.
            variant: The name of the file of weights where it is not that of the application.
        """
        if self.input_tensor is not None:
            sources = get_source_inputs(inputs)
            inputs = sources[0] if len(sources) == 1 else sources
        model = Functional(inputs, outputs, name=self.name)
        files.load(model, variant or self.kind, self.weights, include_top=self.include_top)
        return model


def _softmax() -> Any:
    """The function behind the name "softmax"."""
    return activations.softmax


def channel_axis(last: int = -1) -> int:
    """The axis of the channels: `last` or 1, as images lie."""
    return 1 if config.image_data_format() == "channels_first" else last


Build = Callable[..., Functional]


def standard(
    module: str, kind: str, build: Build, doc: str, *, name: str, size: int, smallest: int = 32
) -> Build:
    """An application with the parameters that most have, in the order of Keras.

    Args:
        module: The module that it stands in.
        kind: Its public name.
        build: Takes a Request and draws the graph.
        doc: Its docstring, with `{kind}`, `{arguments}`, `{returns}` and `{size}` to be filled in.
        name: The default name of the model.
        size: The default height and width of images.
        smallest: The smallest ones.
    """

    def application(
        include_top: bool = True, weights: Any = "imagenet", input_tensor: Any = None, input_shape: Any = None,
        pooling: str | None = None, classes: int = IMAGENET, classifier_activation: Any = "softmax",
        name: str = name,
    ) -> Functional:  # fmt: skip
        return build(
            Request(
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
        )

    return public(application, module, kind, doc, size=size, smallest=smallest)


def public(application: Any, module: str, kind: str, doc: str, *, size: Any, smallest: int) -> Any:
    """Give a function that a table made its name, place and docstring."""
    application.__name__ = application.__qualname__ = kind
    application.__module__ = module
    return document(doc, size=size, smallest=smallest)(application)


def document(doc: str, *, size: int | None, smallest: int = 32) -> Callable[[Any], Any]:
    """A decorator that fills a docstring in.

    Args:
        doc: The docstring with `{kind}`, `{arguments}`, `{returns}` and `{size}`.
        size: The default height and width of images; None where it is open.
        smallest: The smallest ones.
    """

    def decorate(application: Any) -> Any:
        arguments = ARGUMENTS.format(size=(size, size, 3), smallest=f"{smallest} x {smallest}")
        application.__doc__ = doc.format(
            kind=application.__name__, arguments=arguments, returns=RETURNS, size=size
        )
        return folds_frames(application)

    return decorate
