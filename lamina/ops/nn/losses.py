"""Cross entropies, per sample: the base of the losses."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes, settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import axis_of, shown
from lamina.ops.nn.activations import log_softmax
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype

_HALF = ("float16", "bfloat16")


def _pair(k: Kernel, target: Any, output: Any, output_dtype: str) -> tuple[Any, Any, str]:
    """Both as floats; half precision becomes float32, because it cannot hold 1 - epsilon. And the result's dtype."""
    common = dtypes.to_float(dtypes.join(k.dtype(target), output_dtype))
    wide = "float32" if common in _HALF else common
    return astype(k, target, wide), astype(k, output, wide), common


def _same_shape(op: str, target: Any, output: Any) -> None:
    pairs = zip(target.shape, output.shape, strict=False)
    same = all(n == m or Unknown in (type(n), type(m)) for n, m in pairs)
    if len(target.shape) != len(output.shape) or not same:
        raise ValueError(
            f"{op}: `target` and `output` must have the same shape, got {shown(target.shape)} "
            f"and {shown(output.shape)}."
        )


def _clipped(k: Kernel, x: Any) -> Any:
    return k.clip(x, settings.epsilon(), 1.0 - settings.epsilon())


def log_probabilities(k: Kernel, output: Any, from_logits: bool, axis: int) -> Any:
    """log p over the axis, from logits or from (unnormalized) probabilities."""
    if from_logits:
        return log_softmax.op.run(k, output, axis)
    return k.log(_clipped(k, output / k.sum(output, axis, True)))


@op("target", "output", module="nn")
def binary_crossentropy(k: Kernel, target: Tensor, output: Tensor, from_logits: bool = False) -> Output:
    """Cross entropy of independent yes/no predictions, per entry.

    `-(t log p + (1 - t) log(1 - p))`, with p kept epsilon away from 0 and 1; from logits z:
    `max(z, 0) - z t + log(1 + exp(-|z|))`.

    Args:
        target: Tensor (any shape), between 0 and 1.
        output: Tensor of the same shape: probabilities, or logits.
        from_logits: Whether `output` holds logits.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> loss = lamina.ops.binary_crossentropy([1.0, 0.0], [1e4, 1e4], from_logits=True)
        >>> lamina.ops.convert_to_numpy(loss).tolist()
        [0.0, 10000.0]
    """
    _same_shape("binary_crossentropy", target, output)
    target, output, dtype = _pair(k, target, output, k.dtype(output))
    if from_logits:
        # max(z, 0) - z t, arranged so that it is exactly 0 for a sure and right prediction, with the right gradient at 0
        positive = output >= 0
        linear = k.where(positive, 1.0 - target, -target) * output
        loss = linear + k.softplus(k.where(positive, -output, output))
    else:
        p = _clipped(k, output)
        loss = -(target * k.log(p) + (1.0 - target) * k.log(1.0 - p))
    return astype(k, loss, dtype)


@op("target", "output", module="nn")
def categorical_crossentropy(
    k: Kernel, target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Output:
    """Cross entropy of a distribution over classes.

    `-sum_i t_i log p_i`, with p normalized to sum 1 and kept epsilon away from 0 and 1.

    Args:
        target: Tensor (..., classes, ...): one-hot rows or distributions.
        output: Tensor of the same shape: probabilities, or logits.
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes.

    Returns:
        A tensor of the same shape without the axis.

    Raises:
        ValueError: if the shapes differ, or have no axes.

    Example:
        >>> import lamina
        >>> loss = lamina.ops.categorical_crossentropy([[0.0, 1.0]], [[1e4, 0.0]], from_logits=True)
        >>> lamina.ops.convert_to_numpy(loss).tolist()
        [10000.0]
    """
    _same_shape("categorical_crossentropy", target, output)
    axis = axis_of("categorical_crossentropy", axis, len(output.shape))
    target, output, dtype = _pair(k, target, output, dtypes.to_float(k.dtype(output)))
    return astype(k, -k.sum(target * log_probabilities(k, output, from_logits, axis), axis), dtype)


@op("target", "output", module="nn")
def sparse_categorical_crossentropy(
    k: Kernel, target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Output:
    """Cross entropy of a distribution over classes, against class numbers.

    `-log p_t`, with p normalized to sum 1 and kept epsilon away from 0 and 1. A class outside the range costs 0.

    Args:
        target: Integer tensor: the shape of `output` without the axis, or with size 1 there.
        output: Tensor (..., classes, ...): probabilities, or logits.
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes: the last one.

    Returns:
        A tensor of the shape of `output` without the axis, at least float32.

    Raises:
        ValueError: if the shapes do not fit, `output` has no axes, or the classes are not the last of them.

    Example:
        >>> import lamina
        >>> loss = lamina.ops.sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True)
        >>> lamina.ops.convert_to_numpy(loss).tolist()
        [10000.0]
    """
    axis = axis_of("sparse_categorical_crossentropy", axis, len(output.shape))
    if (
        axis != len(output.shape) - 1
    ):  # as in Keras, where targets must have all but the last size of the output
        raise ValueError(
            f"sparse_categorical_crossentropy: the classes must be the last axis of `output`, got axis {axis} of shape "
            f"{shown(output.shape)}. Move it there: ops.moveaxis(output, {axis}, -1)."
        )
    if len(target.shape) == len(output.shape) and (
        target.shape[-1] == 1 or type(target.shape[-1]) is Unknown
    ):
        target = k.squeeze(target, -1)
    rest = (*output.shape[:axis], *output.shape[axis + 1 :])
    known = [Unknown in (type(n), type(m)) or n == m for n, m in zip(target.shape, rest, strict=False)]
    if len(target.shape) != len(rest) or not all(known):
        raise ValueError(
            f"sparse_categorical_crossentropy: `target` must have the shape of `output` without axis {axis}, "
            f"got {shown(target.shape)} and {shown(output.shape)}."
        )
    wide = astype(k, output, dtypes.join("float32", k.dtype(output)))
    if output.shape[axis] == 0:  # there is no class to read
        return -k.sum(wide, axis)
    classes = k.expand_dims(k.astype(target, "int32"), axis)
    places = k.clip(classes, 0, output.shape[axis] - 1)
    # Only the target's entry is read: a one-hot row would multiply -inf by 0.
    if from_logits:
        picked = k.take_along_axis(log_softmax.op.run(k, wide, axis), places, axis)
    else:  # before the logarithm, which is for one entry of each row then
        picked = k.log(_clipped(k, k.take_along_axis(wide, places, axis) / k.sum(wide, axis, True)))
    return k.squeeze(k.where(k.equal(classes, places), -picked, 0.0), axis)
