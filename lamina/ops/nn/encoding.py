"""Class numbers as rows of zeros and ones."""

from __future__ import annotations

from typing import Any

from lamina.backends.sparse import sparse as as_sparse
from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least, axis_of
from lamina.ops.op import Output, Tensor, op


@op("x", module="nn")
def one_hot(
    k: Kernel, x: Tensor, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Output:
    """A new axis with a one at each class number.

    `one_hot(x)[..., c] = 1 if x[...] = c else 0`; numbers outside 0 .. num_classes - 1 give zeros.

    Args:
        x: Integer tensor.
        num_classes: The size of the new axis.
        axis: Where the new axis goes.
        dtype: The result's dtype; None means the default float.
        sparse: Whether the result is a sparse tensor of jax or TensorFlow; inside a compiled program it stays dense.

    Returns:
        A tensor of one more axis.

    Raises:
        ValueError: if the axis or `num_classes` is out of range, or the backend has no sparse tensors.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.one_hot([1, 0], 2)).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    axis = axis_of("one_hot", axis, len(x.shape) + 1)
    if k.dtype(x) not in dtypes.INTEGERS:
        x = k.astype(x, "int32")
    rows = k.one_hot(x, at_least("one_hot", "num_classes", num_classes, 0), axis, dtypes.standardize(dtype))
    return as_sparse(k, rows, "one_hot") if sparse else rows


@op("inputs", given=("num_tokens",), module="nn")
def multi_hot(
    k: Kernel, inputs: Tensor, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False,
    num_tokens: Any = None,
) -> Output:  # fmt: skip
    """Which class numbers occur in each sample.

    `multi_hot(x)[..., c] = 1 if c is in x[...] else 0`

    Args:
        inputs: Integer tensor (samples, numbers, ...) or (numbers,).
        num_classes: The size of the axis of the result.
        axis: Where that axis goes.
        dtype: The result's dtype; None means the default float.
        sparse: Whether the result is a sparse tensor of jax or TensorFlow; inside a compiled program it stays dense.
        num_tokens: An older name of `num_classes`.

    Returns:
        A tensor in which the axis of the numbers is replaced by one of the classes.

    Raises:
        ValueError: if `num_classes` is missing, an axis is out of range, or the backend has no sparse tensors.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.multi_hot([0, 2], 3)).tolist()
        [1.0, 0.0, 1.0]
    """
    num_classes = num_tokens if num_classes is None else num_classes
    if num_classes is None:
        raise ValueError("multi_hot: `num_classes` must be given.")
    axis = axis_of("multi_hot", axis, len(inputs.shape) + 1)
    rows = one_hot.op.run(k, inputs, num_classes, axis, dtype)
    found = k.max(rows, 1 if len(inputs.shape) > 1 else 0)
    return as_sparse(k, found, "multi_hot") if sparse else found
