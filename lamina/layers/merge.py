"""Several tensors into one."""

from __future__ import annotations

from functools import reduce
from typing import Any

from lamina import ops
from lamina.core.layer import Layer
from lamina.errors import ArgumentError
from lamina.layers._masks import alike
from lamina.ops.checks import shown
from lamina.ops.nn.normalization import normalize


class _Merge(Layer):
    """What the merging layers share: a list of inputs, ranks made equal, masks united."""

    _keeps_marks = True
    _least = 1
    _pairwise: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        shapes = self._list_of_shapes(input_shape)
        batches = {shape[0] for shape in shapes if shape and shape[0] is not None}
        if len(batches) > 1:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) got inputs of different batch sizes: {shapes}."
            )

    def _list_of_shapes(self, input_shape: Any) -> list[tuple]:
        kind = type(self).__name__
        if (
            not isinstance(input_shape, list | tuple)
            or not input_shape
            or not isinstance(input_shape[0], tuple)
        ):
            raise ArgumentError(
                f"Layer {self.path!r} ({kind}) takes a list of tensors, got one of shape {input_shape}. "
                f"Call it so: {kind}()([x1, x2])."
            )
        if len(input_shape) < self._least:
            raise ValueError(
                f"Layer {self.path!r} ({kind}) needs at least {self._least} inputs, got {len(input_shape)}."
            )
        return list(input_shape)

    def call(self, inputs: Any) -> Any:
        return reduce(self._pairwise, _of_one_rank(inputs))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where any of the inputs is real; no mask if one input has none."""
        if previous_mask is None:
            return None
        if not isinstance(previous_mask, list | tuple) or len(previous_mask) != len(inputs):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): `mask` must be a list with one mask for each of the "
                f"{len(inputs)} inputs, got {previous_mask!r:.80}."
            )
        if any(mask is None for mask in previous_mask):
            return None
        return reduce(ops.logical_or, previous_mask)


class _Masked(_Merge):
    """A merging layer for which places that a mask hides take no part."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        merged = _of_one_rank(inputs)
        if mask is None or all(m is None for m in mask):
            return reduce(self._pairwise, merged)
        rank = len(merged[0].shape)
        return self._of_real(merged, [_wide(m, x, rank) for m, x in zip(mask, inputs, strict=True)])

    def _of_real(self, inputs: list[Any], masks: list[Any]) -> Any:
        """The result, given which places are real: None where all are."""
        raise NotImplementedError


def _wide(mask: Any, x: Any, rank: int) -> Any:
    """A mask with the axes that its tensor has more, and those that it gets beside tensors of higher rank."""
    if mask is None:
        return None
    own = len(x.shape)
    mask = ops.expand_dims(ops.cast(mask, "bool"), tuple(range(len(mask.shape), own)))
    return ops.expand_dims(mask, tuple(range(1, 1 + rank - own))) if own < rank else mask


class _Extreme(_Masked):
    """The largest or smallest of the real values; the first value where none is."""

    def _of_real(self, inputs: list[Any], masks: list[Any]) -> Any:
        found, real = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:], strict=True):
            both = self._pairwise(found, x)
            if mask is not None:  # where only what was found is real, or nothing is
                both = ops.where(mask, both, found)
            if real is not None:  # where the new value alone is real
                alone = (
                    ops.logical_not(real) if mask is None else ops.logical_and(mask, ops.logical_not(real))
                )
                both = ops.where(alone, x, both)
            found = both
            real = None if real is None or mask is None else ops.logical_or(real, mask)
        return found


def _of_one_rank(inputs: Any) -> list[Any]:
    """Inputs of lower rank get axes of size 1 behind the batch axis."""
    rank = max(len(x.shape) for x in inputs)
    out = []
    for x in inputs:
        missing = rank - len(x.shape)
        out.append(ops.expand_dims(x, tuple(range(1, 1 + missing))) if missing else x)
    return out


class Add(_Merge):
    """The sum of its inputs.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Add()([lamina.ops.ones((1, 2)), lamina.ops.ones((1, 2))])
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[2.0, 2.0]]
    """

    _pairwise = staticmethod(ops.add)


class Subtract(_Merge):
    """The difference of two inputs.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        The first less the second.

    Raises:
        ValueError: if there are not two inputs.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Subtract()([lamina.ops.ones((1, 2)), lamina.ops.ones((1, 2))])
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[0.0, 0.0]]
    """

    _pairwise = staticmethod(ops.subtract)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        _just_two(self, input_shape)


def _just_two(layer: Layer, shapes: Any) -> None:
    if len(shapes) != 2:
        raise ValueError(f"Layer {layer.path!r} ({type(layer).__name__}) takes 2 inputs, got {len(shapes)}.")


class Multiply(_Masked):
    """The product of its inputs, entry by entry.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> import lamina
        >>> lamina.layers.Multiply()([lamina.ops.ones((1, 2)), lamina.ops.ones((1, 2))]).shape == (1, 2)
        True
    """

    _pairwise = staticmethod(ops.multiply)

    def _of_real(self, inputs: list[Any], masks: list[Any]) -> Any:
        kept = [x if m is None else ops.where(m, x, 1.0) for x, m in zip(inputs, masks, strict=True)]
        product = reduce(ops.multiply, kept)
        if any(m is None for m in masks):
            return product
        return ops.where(reduce(ops.logical_or, masks), product, 0.0)


class Average(_Merge):
    """The mean of its inputs, entry by entry.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> import lamina
        >>> lamina.layers.Average()([lamina.ops.ones((1, 2)), lamina.ops.ones((1, 2))]).shape == (1, 2)
        True
    """

    _pairwise = staticmethod(ops.add)

    def call(self, inputs: Any) -> Any:
        return super().call(inputs) / len(inputs)


class Maximum(_Extreme):
    """The largest of its inputs, entry by entry.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> import lamina
        >>> lamina.layers.Maximum()([lamina.ops.ones((1, 2)), lamina.ops.zeros((1, 2))]).shape == (1, 2)
        True
    """

    _pairwise = staticmethod(ops.maximum)


class Minimum(_Extreme):
    """The smallest of its inputs, entry by entry.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape that the inputs broadcast to.

    Example:
        >>> import lamina
        >>> lamina.layers.Minimum()([lamina.ops.ones((1, 2)), lamina.ops.zeros((1, 2))]).shape == (1, 2)
        True
    """

    _pairwise = staticmethod(ops.minimum)


class Concatenate(_Merge):
    """Its inputs one after the other along an axis.

    Args:
        axis: The axis.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor whose size along the axis is the sum of the inputs' sizes.

    Raises:
        ValueError: if the other sizes or the ranks differ.

    Example:
        >>> import lamina
        >>> lamina.layers.Concatenate()([lamina.ops.ones((1, 2)), lamina.ops.ones((1, 3))]).shape == (1, 5)
        True
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        shapes = self._list_of_shapes(input_shape)
        rank = len(shapes[0])
        if any(len(shape) != rank for shape in shapes) or not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer {self.path!r} (Concatenate) needs inputs of one rank that have axis {self.axis}, got {shapes}."
            )
        for axis in range(rank):
            sizes = {shape[axis] for shape in shapes} - {None}
            if axis != self.axis % rank and len(sizes) > 1:
                raise ValueError(
                    f"Layer {self.path!r} (Concatenate) needs inputs of equal sizes in all axes but {self.axis}, "
                    f"got {shapes}."
                )

    def call(self, inputs: Any) -> Any:
        return ops.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The masks, concatenated likewise; an input without one is all real."""
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        return _concatenated_masks(inputs, previous_mask, self.axis)


def _concatenated_masks(inputs: Any, masks: Any, axis: int) -> Any:
    full = []
    for x, mask in zip(inputs, masks, strict=True):
        if mask is None:
            full.append(ops.ones_like(x, dtype="bool"))
        else:
            for _ in range(len(x.shape) - len(mask.shape)):
                mask = ops.expand_dims(mask, -1)
            full.append(ops.logical_and(mask, ops.ones_like(x, dtype="bool")))
    return ops.any(ops.concatenate(full, axis=axis), axis=-1)


class Dot(_Merge):
    """Scalar products of two inputs along one axis of each.

    Args:
        axes: The axis to sum over, or one for each input; never the batch axis.
        normalize: Whether to divide by the norms first: cosines.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, other axes of the first, other axes of the second); at least (batch, 1).

    Raises:
        ValueError: if the sizes of the axes differ, or the batch sizes.

    Example:
        >>> import lamina
        >>> lamina.layers.Dot(axes=1)([lamina.ops.ones((2, 3)), lamina.ops.ones((2, 3))]).shape == (2, 1)
        True
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, list | tuple) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(a, int) for a in pair):
            raise ValueError(f"Dot: `axes` must be an integer or two integers, got {axes!r}.")
        self.axes = axes
        self.normalize = normalize

    def _places(self, shapes: Any) -> tuple[int, int]:
        first, second = self.axes if isinstance(self.axes, list | tuple) else (self.axes, self.axes)
        return first % len(shapes[0]), second % len(shapes[1])

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        _just_two(self, input_shape)
        first, second = self._places(input_shape)
        sizes = input_shape[0][first], input_shape[1][second]
        if 0 in (first, second):
            raise ValueError(f"Layer {self.path!r} (Dot): `axes` {self.axes} names the batch axis.")
        if None not in sizes and sizes[0] != sizes[1]:
            raise ValueError(
                f"Layer {self.path!r} (Dot) sums over axes of sizes {sizes[0]} and {sizes[1]}, which must be equal: "
                f"axes {self.axes} of inputs of shapes {input_shape[0]} and {input_shape[1]}."
            )

    def call(self, inputs: Any) -> Any:
        x1, x2 = inputs
        if not alike(x1.shape[:1], x2.shape[:1]):
            raise ValueError(
                f"Layer {self.path!r} (Dot) got inputs of different batch sizes: {shown(x1.shape)} and {shown(x2.shape)}."
            )
        first, second = self._places((x1.shape, x2.shape))
        if self.normalize:
            x1, x2 = normalize(x1, axis=first), normalize(x2, axis=second)
        return _batch_dot(x1, x2, first, second)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: the steps are summed."""
        return


def _batch_dot(x1: Any, x2: Any, first: int, second: int) -> Any:
    letters = iter("acdefghijklmnopqrstuvwxyz")
    left = ["b", *(next(letters) for _ in range(len(x1.shape) - 1))]
    right = ["b", *(next(letters) for _ in range(len(x2.shape) - 1))]
    right[second] = left[first]
    kept = [c for i, c in enumerate(left) if i != first] + [
        c for i, c in enumerate(right[1:], 1) if i != second
    ]
    out = ops.einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", x1, x2)
    return ops.expand_dims(out, 1) if len(kept) == 1 else out


def add(inputs: Any, **kwargs: Any) -> Any:
    """`Add` as a function: the sum of the inputs.

    Args:
        inputs: A list of tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.add([x, y])).tolist()
        [[3.0]]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """`Subtract` as a function: the first input less the second.

    Args:
        inputs: Two tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.subtract([x, y])).tolist()
        [[-1.0]]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """`Multiply` as a function: the product of the inputs.

    Args:
        inputs: A list of tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[3.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.multiply([x, y])).tolist()
        [[6.0]]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """`Average` as a function: the mean of the inputs.

    Args:
        inputs: A list of tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.average([x, y])).tolist()
        [[1.5]]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """`Maximum` as a function: the largest of the inputs.

    Args:
        inputs: A list of tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.maximum([x, y])).tolist()
        [[2.0]]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """`Minimum` as a function: the smallest of the inputs.

    Args:
        inputs: A list of tensors (batch, ...).
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the broadcast shape.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.minimum([x, y])).tolist()
        [[1.0]]
    """
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """`Concatenate` as a function: the inputs one after the other.

    Args:
        inputs: A list of tensors (batch, ...).
        axis: The axis along which they are put together; the batch axis is 0.
        **kwargs: What the layer takes: `name`, `dtype`.

    Returns:
        A tensor of the shape of the inputs, but for the axis, whose sizes add up.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0]]), lamina.ops.array([[2.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.concatenate([x, y])).tolist()
        [[1.0, 2.0]]
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """`Dot` as a function: scalar products.

    Args:
        inputs: Two tensors (batch, ...).
        axes: The axis, or the pair of axes, over which products are summed.
        **kwargs: What the layer takes: `name`, `dtype`, `normalize`.

    Returns:
        A tensor of the axes that are left of both; (batch, 1) from (batch, features) twice.

    Example:
        >>> import lamina
        >>> x, y = lamina.ops.array([[1.0, 2.0]]), lamina.ops.array([[3.0, 4.0]])
        >>> lamina.ops.convert_to_numpy(lamina.layers.dot([x, y])).tolist()
        [[11.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
