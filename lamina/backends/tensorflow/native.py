"""Operations that TensorFlow has a better form of than the composed one, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow.control import scan
from lamina.kernel import contract

_STEPS = 4  # of a turn of the loop: eight are no faster, and their graph takes 27 MB more


def softmax(k: Any, x: Any, axis: Any = -1) -> Any:
    """One fused kernel, and a gradient from its output alone."""
    if isinstance(axis, int):
        return tf.nn.softmax(x, axis)
    weights = tf.exp(x - tf.stop_gradient(tf.reduce_max(x, axis, keepdims=True)))
    return weights / tf.reduce_sum(weights, axis, keepdims=True)


def log_softmax(k: Any, x: Any, axis: Any = -1) -> Any:
    """One fused kernel, and a gradient from its output alone."""
    return tf.nn.log_softmax(x, axis) if isinstance(axis, int) else x - k.logsumexp(x, axis, keepdims=True)


def relu(k: Any, x: Any) -> Any:
    """Fused with the product or convolution before it; the gradient at 0 is 0."""
    return tf.nn.relu(x)


def relu6(k: Any, x: Any) -> Any:
    """Fused with the product or convolution before it."""
    return tf.nn.relu6(x)


def elu(k: Any, x: Any, alpha: float = 1.0) -> Any:
    """One kernel, and a gradient from its output alone."""
    return tf.nn.elu(x) if alpha == 1 else tf.where(x > 0, x, alpha * tf.nn.elu(x))


def silu(k: Any, x: Any) -> Any:
    """Its gradient keeps x only, not the sigmoid too."""
    return tf.nn.silu(x)


def gelu(k: Any, x: Any, approximate: bool = True) -> Any:
    """A pattern that the graph optimiser fuses into one kernel."""
    return (
        NotImplemented if x.dtype == tf.float64 else tf.nn.gelu(x, approximate)
    )  # its constants are float32


class Fused(contract.Fused):
    """What TensorFlow has a form of its own for."""

    def recurrence(
        self, update: Callable, x: Any, states: list[Any], kernel: Any, /, *, backwards: bool, keep: bool
    ) -> tuple[Any, list[Any]]:
        """Several steps in a turn of the loop, which by itself costs as much as the products of a small layer."""

        def step(states: list[Any], row: Any) -> tuple[list[Any], Any]:
            new = update(row + states[0] @ kernel, states)
            return new, (new[0] if keep else ())

        states, outputs = scan(step, list(states), x, x.shape[0], backwards, _STEPS)
        return outputs, states

    def projected(
        self, images: Any, maps: Any, /, *, interpolation: str, fill_mode: str, fill_value: float
    ) -> Any:
        """One kernel, which takes a fifth of the time of gathering the corners of each pixel."""
        if fill_mode not in ("constant", "nearest", "reflect"):
            return contract.Unfit(f"TensorFlow's kernel wraps places, not pixels, and has no {fill_mode!r}")
        if images.dtype != tf.float32 or maps.dtype != tf.float32:
            return contract.Unfit("it rounds integers toward 0, and computes places in float32")
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=images, transforms=maps, output_shape=tf.shape(images)[1:3], fill_value=float(fill_value),
            interpolation=interpolation.upper(), fill_mode=fill_mode.upper(),
        )  # fmt: skip


# not leaky_relu and selu: TensorFlow takes the other slope at 0 than every other backend
overrides: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (softmax, log_softmax, relu, relu6, elu, silu, gelu)
}
