"""Linear algebra over the last two axes, and the Fourier transforms over the last one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backends.tensorflow._support import dims, size, through
from lamina.backends.tensorflow.dtensor import mesh_in_force, whole, without_axes
from lamina.kernel.contract import NOT_POSITIVE

# Linear


def matmul(x1: Any, x2: Any) -> Any:
    if x1.shape.rank == x2.shape.rank == 2:
        x2 = whole(
            x2
        )  # of x @ x.T both axes would be divided along the same devices, which DTensor gets wrong
    return product(x1, x2)


def product(x1: Any, x2: Any) -> Any:
    """`matmul` by a kernel, which no axis of the batch divides."""
    return through("product", _matmul, x1, x2)


def _matmul(x1: Any, x2: Any) -> Any:
    left, right = x1.shape.rank, x2.shape.rank
    if right == 1 or left == 1:
        y = _matmul(tf.expand_dims(x1, 0) if left == 1 else x1, tf.expand_dims(x2, 1) if right == 1 else x2)
        y = without_axes(y, [y.shape.rank - 1]) if right == 1 else y
        return without_axes(y, [y.shape.rank - (1 if right == 1 else 2)]) if left == 1 else y
    if right == 2 and left > 2 and mesh_in_force() is not None:
        axes = "abcdefgh"[: left - 1]  # made flat, it would no longer be divided along any axis but the first
        return tf.einsum(f"{axes}y,yz->{axes}z", x1, x2)
    if right == 2 and left > 2:  # one product of matrices is several times faster than a batch of them
        flat = tf.matmul(tf.reshape(x1, [-1, x2.shape[0] or size(x2, 0)]), x2)
        return tf.reshape(flat, dims([*[size(x1, a) for a in range(left - 1)], size(x2, 1)]))
    return tf.matmul(x1, x2)


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return through("product", lambda a, b: tf.tensordot(a, b, axes), x1, x2)


def einsum(equation: str, *arrays: Any) -> Any:
    return through("product", lambda *a: _einsum(equation, *a), *arrays)


def _einsum(equation: str, *arrays: Any) -> Any:
    """As a product of matrices where no axis need be moved: the gradient of a sum over two axes takes a sixth so."""
    count = _summed(equation)
    sizes = tuple(arrays[-1].shape)
    if not count or None in sizes or 0 in sizes[:count] or mesh_in_force() is not None:
        return tf.einsum(equation, *arrays)
    x, y = arrays
    inner = math.prod(sizes[:count])
    product = tf.reshape(x, [-1, inner]) @ tf.reshape(y, [inner, math.prod(sizes[count:])])
    free = [size(x, a) for a in range(x.shape.rank - count)]
    return tf.reshape(product, dims([*free, *sizes[count:]]))


@lru_cache(maxsize=1024)
def _summed(equation: str) -> int:
    """How many axes are summed if they are the last of one operand and the first of the other, and none is moved."""
    operands, _, output = equation.replace(" ", "").partition("->")
    first, _, second = operands.partition(",")
    count = len(set(first) & set(second))
    once = all(len(set(term)) == len(term) for term in (first, second, output))
    kept = first[: len(first) - count] + second[count:]
    return count if once and second.startswith(first[len(first) - count :]) and output == kept else 0


def cholesky(x: Any, upper: bool) -> Any:
    factor = tf.linalg.cholesky(tf.linalg.adjoint(x) if upper else x)
    if tf.executing_eagerly() and bool(tf.reduce_any(tf.math.is_nan(tf.math.real(factor)))):
        raise np.linalg.LinAlgError(NOT_POSITIVE)
    return tf.linalg.adjoint(factor) if upper else factor


LARGEST_EXPANSION = 24  # rows; the expansion costs n^4 and loses digits as n grows


def det(x: Any) -> Any:
    """TensorFlow takes the gradient through the inverse, which fails where there is none; there it is the expansion's."""
    found = tf.linalg.det(x)
    rows = x.shape[-1] or x.shape[-2]
    if rows is None or not 0 < rows <= LARGEST_EXPANSION:
        return found
    # up to rounding, by Hadamard's bound
    bound = tf.reduce_prod(tf.math.real(tf.norm(x, axis=-1)), -1)
    singular = tf.abs(found) <= 8 * rows * np.finfo(x.dtype.real_dtype.as_numpy_dtype).eps * bound
    if tf.executing_eagerly() and not bool(tf.reduce_any(singular)):
        return found
    at = singular[..., None, None]
    regular = tf.linalg.det(tf.where(at, tf.eye(rows, dtype=x.dtype), x))
    return tf.where(singular, _expansion(tf.where(at, x, tf.zeros_like(x)), rows), regular)


def _expansion(x: Any, rows: int) -> Any:
    """The determinant as a polynomial of the entries (Bird, 2011), which can be differentiated anywhere, and again."""
    wide = tf.cast(x, tf.complex128 if x.dtype.is_complex else tf.float64)
    f = wide
    for _ in range(rows - 1):
        below = tf.cumsum(tf.linalg.diag_part(f), -1, exclusive=True, reverse=True)
        f = -tf.matmul(tf.linalg.set_diag(tf.linalg.band_part(f, 0, -1), -below), wide)
    return tf.cast(f[..., 0, 0], x.dtype)


def eig(x: Any) -> tuple:
    return tuple(tf.linalg.eig(x))


def eigh(x: Any) -> tuple:
    return tuple(tf.linalg.eigh(x))


inv = tf.linalg.inv


def lstsq(a: Any, b: Any, rcond: float | None) -> Any:
    # not tf.linalg.lstsq: it knows no rcond, and without damping fails on matrices of low rank
    values, u, v = tf.linalg.svd(a)
    real = values.dtype
    if rcond is None:
        longest = tf.reduce_max(tf.shape(a))
        cut: Any = tf.constant(np.finfo(real.as_numpy_dtype).eps, real) * tf.cast(longest, real)
    else:
        cut = tf.constant(rcond, real)
    keep = values > cut * tf.reduce_max(values)
    inverse = tf.where(keep, 1 / tf.where(keep, values, tf.ones([], real)), tf.zeros([], real))
    columns = b if b.shape.rank > 1 else b[:, None]
    x = tf.matmul(v, tf.cast(inverse, a.dtype)[:, None] * tf.matmul(u, columns, adjoint_a=True))
    return x if b.shape.rank > 1 else tf.squeeze(x, -1)


def lu_factor(x: Any) -> tuple:
    # not tf.linalg.lu: it takes only square, invertible matrices, and gives no pivots but a permutation
    rows, columns = size(x, -2), size(x, -1)
    row, column = tf.range(rows), tf.range(columns)
    turns = (
        min(rows, columns)
        if isinstance(rows, int) and isinstance(columns, int)
        else tf.minimum(rows, columns)
    )

    def eliminate(i: Any, a: Any, pivots: Any) -> tuple:
        candidates = tf.where(row < i, -tf.ones([], a.dtype.real_dtype), tf.abs(a[..., :, i]))
        pivot = tf.argmax(candidates, -1, tf.int32)
        a = _exchange_rows(a, i, pivot, row)
        element = a[..., i, i]
        safe = tf.expand_dims(tf.where(element == 0, tf.ones([], a.dtype), element), -1)
        below = tf.expand_dims(tf.where(row > i, a[..., :, i] / safe, tf.zeros([], a.dtype)), -1)
        right = tf.expand_dims(tf.where(column > i, a[..., i, :], tf.zeros([], a.dtype)), -2)
        new = tf.where(tf.expand_dims(row > i, -1) & (column == i), below, a)
        return (i + 1, new - below * right, pivots.write(i, pivot))

    pivots = tf.TensorArray(tf.int32, turns, element_shape=x.shape[:-2])
    _, factors, pivots = tf.while_loop(lambda i, *_: i < turns, eliminate, (0, x, pivots))
    stacked = pivots.stack()
    return factors, tf.transpose(stacked, [*range(1, stacked.shape.rank), 0])


def _exchange_rows(a: Any, i: Any, pivot: Any, row: Any) -> Any:
    """a with row i and row pivot (one per matrix) in each other's position."""
    pivot = pivot[..., None]
    order = tf.where(row == i, pivot, tf.where(row == pivot, i, row))
    return tf.gather(a, order, axis=-2, batch_dims=a.shape.rank - 2)


def qr(x: Any, mode: str) -> tuple:
    return tuple(tf.linalg.qr(x, full_matrices=mode == "complete"))


def slogdet(x: Any) -> tuple:
    return tuple(tf.linalg.slogdet(x))


def solve(a: Any, b: Any) -> Any:
    batch = tf.broadcast_dynamic_shape(tf.shape(a)[:-2], tf.shape(b)[:-2])  # the kernel does not broadcast
    a = tf.broadcast_to(a, tf.concat([batch, tf.shape(a)[-2:]], 0))
    return tf.linalg.solve(a, tf.broadcast_to(b, tf.concat([batch, tf.shape(b)[-2:]], 0)))


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    return tf.linalg.triangular_solve(a, b, lower)


def svd(x: Any, full_matrices: bool) -> tuple:
    values, u, v = tf.linalg.svd(x, full_matrices)
    return u, values, tf.linalg.adjoint(v)


# Fourier

fft = tf.signal.fft
ifft = tf.signal.ifft


def rfft(x: Any, n: int) -> Any:
    return tf.signal.rfft(x, [n])


def irfft(x: Any, n: int) -> Any:
    return tf.signal.irfft(x, [n])
