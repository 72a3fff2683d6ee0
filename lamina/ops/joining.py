"""Several tensors into one, and one into several."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least, axis_of, rank_at_least, shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import static


def _some(name: str, xs: Any) -> None:
    if not isinstance(xs, list | tuple) and not hasattr(xs, "shape"):
        raise ValueError(f"{name}: expected a list of tensors, got {xs!r}.")
    if isinstance(xs, list | tuple) and not xs:
        raise ValueError(f"{name}: expected at least one tensor, got an empty list.")


def _parts(name: str, k: Kernel, xs: Any) -> list[Any]:
    """The tensors of a list, or the rows of one tensor."""
    _some(name, xs)
    return list(xs) if isinstance(xs, list | tuple) else k.unstack(xs, 0)


def _join(name: str, k: Kernel, xs: list[Any], axis: int) -> Any:
    rank = len(xs[0].shape)
    place = axis_of(name, axis, rank)
    for x in xs[1:]:
        pairs = zip(k.shape(xs[0]), k.shape(x), strict=False)
        if len(x.shape) != rank or any(
            static((n, m)) and n != m and i != place for i, (n, m) in enumerate(pairs)
        ):
            shapes = ", ".join(shown(k.shape(each)) for each in xs)
            raise ValueError(f"{name}: shapes must agree in all axes but axis {axis}, got {shapes}.")
    return xs[0] if len(xs) == 1 else k.concat(xs, place)


@op(lists=("xs",), promote=True)
def concatenate(k: Kernel, xs: Sequence[Tensor], axis: int = 0) -> Output:
    """Tensors one behind the other along an axis.

    Args:
        xs: List of tensors whose shapes agree in the other axes.
        axis: The axis.

    Returns:
        Tensor of the common dtype; its size along the axis is the sum of theirs.

    Raises:
        ValueError: for an empty list, an axis out of range, or shapes that do not agree.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.concatenate([[1, 2], [3]])).tolist()
        [1, 2, 3]
    """
    return _join("concatenate", k, _parts("concatenate", k, xs), axis)


@op(lists=("x",), promote=True)
def stack(k: Kernel, x: Sequence[Tensor], axis: int = 0) -> Output:
    """Tensors beside each other along a new axis.

    Args:
        x: List of tensors of one shape.
        axis: Where the new axis stands in the result.

    Returns:
        Tensor of the common dtype, of one more axis.

    Raises:
        ValueError: for an empty list, an axis out of range, or different shapes.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.stack([[1, 2], [3, 4]], axis=1)).tolist()
        [[1, 3], [2, 4]]
    """
    parts = _parts("stack", k, x)
    place = axis_of("stack", axis, len(parts[0].shape) + 1)
    return _join("stack", k, [k.expand_dims(part, place) for part in _alike("stack", k, parts)], place)


def _alike(name: str, k: Kernel, xs: list[Any]) -> list[Any]:
    for x in xs[1:]:
        pairs = zip(k.shape(xs[0]), k.shape(x), strict=False)
        if len(x.shape) != len(xs[0].shape) or any(static((n, m)) and n != m for n, m in pairs):
            raise ValueError(
                f"{name}: shapes must be equal, got {', '.join(shown(k.shape(each)) for each in xs)}."
            )
    return xs


@op(lists=("xs",), promote=True)
def hstack(k: Kernel, xs: Sequence[Tensor]) -> Output:
    """Tensors side by side: along the second axis, or the first for vectors.

    Args:
        xs: List of tensors whose shapes agree in the other axes.

    Returns:
        Tensor of the common dtype.

    Raises:
        ValueError: for an empty list, or shapes that do not agree.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.hstack([[1, 2], [3]])).tolist()
        [1, 2, 3]
    """
    parts = [k.reshape(x, (1,)) if not len(x.shape) else x for x in _parts("hstack", k, xs)]
    return _join("hstack", k, parts, 1 if len(parts[0].shape) > 1 else 0)


@op(lists=("xs",), promote=True)
def vstack(k: Kernel, xs: Sequence[Tensor]) -> Output:
    """Tensors below each other: along the first axis, vectors as rows.

    Args:
        xs: List of tensors whose shapes agree in the other axes.

    Returns:
        Tensor of the common dtype, of rank 2 or more.

    Raises:
        ValueError: for an empty list, or shapes that do not agree.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.vstack([[1, 2], [3, 4]])).tolist()
        [[1, 2], [3, 4]]
    """
    parts = [k.reshape(x, (1, -1)) if len(x.shape) < 2 else x for x in _parts("vstack", k, xs)]
    return _join("vstack", k, parts, 0)


@op(lists=("xs",), promote=True)
def dstack(k: Kernel, xs: Sequence[Tensor]) -> Output:
    """Tensors behind each other: along the third axis, matrices get one of size 1.

    Args:
        xs: List of tensors whose shapes agree in the other axes.

    Returns:
        Tensor of the common dtype, of rank 3 or more.

    Raises:
        ValueError: for an empty list, or shapes that do not agree.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.dstack([[1, 2], [3, 4]])).tolist()
        [[[1, 3], [2, 4]]]
    """
    parts = [_deep(k, x) for x in _parts("dstack", k, xs)]
    return _join("dstack", k, parts, 2)


def _deep(k: Kernel, x: Any) -> Any:
    if len(x.shape) < 2:
        x = k.reshape(x, (1, -1))
    return k.expand_dims(x, 2) if len(x.shape) == 2 else x


@op("x1", "x2", promote=True)
def append(k: Kernel, x1: Tensor, x2: Tensor, axis: int | None = None) -> Output:
    """The entries of x2 behind those of x1.

    Args:
        x1: Tensor.
        x2: Tensor whose shape agrees with that of `x1` in the other axes.
        axis: The axis; None flattens both first.

    Returns:
        Tensor of the common dtype.

    Raises:
        ValueError: for an axis out of range, or shapes that do not agree.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.append([1, 2], [[3], [4]])).tolist()
        [1, 2, 3, 4]
    """
    if axis is None:
        return k.concat([k.reshape(x1, (-1,)), k.reshape(x2, (-1,))], 0)
    return _join("append", k, [x1, x2], axis)


@op("x")
def split(k: Kernel, x: Tensor, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """A tensor cut along an axis.

    Args:
        x: Tensor of rank 1 or more.
        indices_or_sections: Into how many equal parts, or before which indices to cut.
        axis: The axis.

    Returns:
        List of tensors.

    Raises:
        ValueError: for an axis out of range, or if equal parts are not possible.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
    """
    return _cut("split", k, x, indices_or_sections, axis_of("split", axis, len(x.shape)))


def _cut(name: str, k: Kernel, x: Any, where: Any, axis: int) -> list[Any]:
    size = k.shape(x)[axis]
    if isinstance(where, list | tuple) or getattr(where, "shape", ()) != ():
        given = where if isinstance(where, list | tuple) else where.tolist()
        return k.split(x, [_from_front(operator.index(i), size) for i in given], axis)
    parts = at_least(name, "indices_or_sections", where, 1)
    if type(size) is int and size % parts:
        raise ValueError(f"{name}: axis {axis} of size {size} does not divide into {parts} equal parts.")
    return k.split(x, [i * (size // parts) for i in range(1, parts)], axis)


def _from_front(index: int, size: Any) -> Any:
    return index + size if index < 0 else index


@op("x")
def array_split(
    k: Kernel, x: Tensor, indices_or_sections: int | Sequence[int], axis: int = 0
) -> list[Tensor]:
    """A tensor cut along an axis into nearly equal parts: the first ones may be longer by one.

    Args:
        x: Tensor of rank 1 or more.
        indices_or_sections: Into how many parts, or before which indices to cut.
        axis: The axis.

    Returns:
        List of tensors.

    Raises:
        ValueError: for an axis out of range, or fewer than one part.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.array_split([1, 2, 3], 2)]
        [[1, 2], [3]]
    """
    place = axis_of("array_split", axis, len(x.shape))
    if isinstance(indices_or_sections, list | tuple) or getattr(indices_or_sections, "shape", ()) != ():
        return _cut("array_split", k, x, indices_or_sections, place)
    parts = at_least("array_split", "indices_or_sections", indices_or_sections, 1)
    size = x.shape[place]
    if size is None:
        raise ValueError(
            f"array_split: the size of axis {axis} must be known when the program is made, got shape {shown(x.shape)}. Use `split` "
            "with indices, or parts of equal size."
        )
    least, more = size // parts, size % parts
    return k.split(x, [i * least + (i if i < more else more) for i in range(1, parts)], place)


@op("x")
def hsplit(k: Kernel, x: Tensor, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut into columns: along the second axis, or the first for vectors.

    Args:
        x: Tensor of rank 1 or more.
        indices_or_sections: Into how many equal parts, or before which indices to cut.

    Returns:
        List of tensors.

    Raises:
        ValueError: for rank 0, or if equal parts are not possible.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.hsplit([[1, 2], [3, 4]], 2)]
        [[[1], [3]], [[2], [4]]]
    """
    rank_at_least("hsplit", x, 1)
    return _cut("hsplit", k, x, indices_or_sections, 1 if len(x.shape) > 1 else 0)


@op("x")
def vsplit(k: Kernel, x: Tensor, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut into rows: along the first axis.

    Args:
        x: Tensor of rank 2 or more.
        indices_or_sections: Into how many equal parts, or before which indices to cut.

    Returns:
        List of tensors.

    Raises:
        ValueError: for a lower rank, or if equal parts are not possible.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.vsplit([[1, 2], [3, 4]], 2)]
        [[[1, 2]], [[3, 4]]]
    """
    rank_at_least("vsplit", x, 2)
    return _cut("vsplit", k, x, indices_or_sections, 0)


@op("x")
def dsplit(k: Kernel, x: Tensor, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the third axis.

    Args:
        x: Tensor of rank 3 or more.
        indices_or_sections: Into how many equal parts, or before which indices to cut.

    Returns:
        List of tensors.

    Raises:
        ValueError: for a lower rank, or if equal parts are not possible.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.dsplit([[[1, 2]]], 2)]
        [[[[1]]], [[[2]]]]
    """
    rank_at_least("dsplit", x, 3)
    return _cut("dsplit", k, x, indices_or_sections, 2)


@op("x", module="core")
def unstack(k: Kernel, x: Tensor, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """One tensor for each index along an axis, which disappears.

    Args:
        x: Tensor of rank 1 or more.
        num: How many there are; needed only where the size is not known.
        axis: The axis.

    Returns:
        List of tensors.

    Raises:
        ValueError: for an axis out of range, a wrong `num`, or an unknown size without `num`.

    Example:
        >>> [lamina.ops.convert_to_numpy(p).tolist() for p in lamina.ops.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    place = axis_of("unstack", axis, len(x.shape))
    size = k.shape(x)[place]
    if type(size) is int:
        if num is not None and num != size:
            raise ValueError(f"unstack: `num` must be {size}, the size of axis {axis}, got {num!r}.")
        return k.unstack(x, place)
    if num is None:
        raise ValueError(f"unstack: the size of axis {axis} is not known here, give it as `num`.")
    return [k.getitem(x, (slice(None),) * place + (i,)) for i in range(num)]
