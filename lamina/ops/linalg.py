"""Linear algebra over the last two axes. Half precision is computed in float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import axes_of, known_sizes, one_of, rank_at_least, shown
from lamina.ops.control import leading
from lamina.ops.math import square_matrix
from lamina.ops.op import Output, Tensor, op

_HALF = ("float16", "bfloat16")
_ALMOST_1 = 1 - 2.0**-23  # as a share of the largest singular value, which itself it keeps
_EPSILON = {"float64": 2.0**-52, "complex128": 2.0**-52}


def _wide(k: Kernel, x: Any) -> Any:
    return k.astype(x, "float32") if k.dtype(x) in _HALF else x


def _as(k: Kernel, x: Any, dtype: str) -> Any:
    """Back to half precision, where the input was in it."""
    return k.astype(x, dtype) if dtype in _HALF else x


def _epsilon(k: Kernel, x: Any) -> float:
    return _EPSILON.get(k.dtype(x), 2.0**-23)


@op("x", promote="float", module="linalg")
def cholesky(k: Kernel, x: Tensor, upper: bool = False) -> Output:
    """Triangular factor of a positive definite matrix.

    `x = L L^H`, or `x = U^H U` for the upper factor.

    Args:
        x: Tensor (..., n, n), Hermitian and positive definite.
        upper: Whether the upper factor is wanted.

    Returns:
        A tensor (..., n, n). In a compiled program, which cannot stop, NaN where x is not positive definite.

    Raises:
        ValueError: if the last two sizes differ, or x is not positive definite.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.cholesky([[4.0, 0.0], [0.0, 9.0]])).tolist()
        [[2.0, 0.0], [0.0, 3.0]]
    """
    square_matrix("cholesky", x)
    return _as(k, k.cholesky(_wide(k, x), upper), k.dtype(x))


@op("x", promote="float", module="linalg")
def cholesky_inverse(k: Kernel, x: Tensor, upper: bool = False) -> Output:
    """Inverse of a matrix given by its triangular factor.

    `(L L^H)^-1`, or `(U^H U)^-1` for the upper factor.

    Args:
        x: Tensor (..., n, n): the factor; the other triangle is not read.
        upper: Whether x is the upper factor.

    Returns:
        A tensor (..., n, n).

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.cholesky_inverse([[2.0, 0.0], [0.0, 0.5]])).tolist()
        [[0.25, 0.0], [0.0, 4.0]]
    """
    square_matrix("cholesky_inverse", x)
    wide = _wide(k, x)
    identity = k.broadcast_to(k.eye(x.shape[-1], x.shape[-1], 0, k.dtype(wide)), wide.shape)
    factor = k.solve_triangular(wide, identity, not upper)
    left, right = (factor, _transposed(k, factor)) if upper else (_transposed(k, factor), factor)
    return _as(k, k.matmul(left, right), k.dtype(x))


def _transposed(k: Kernel, x: Any) -> Any:
    """The conjugate transpose of the last two axes."""
    rank = len(x.shape)
    swapped = k.permute_dims(x, (*range(rank - 2), rank - 1, rank - 2))
    return k.conj(swapped) if k.dtype(x) in dtypes.COMPLEX else swapped


@op("x", promote="float", module="linalg")
def det(k: Kernel, x: Tensor) -> Output:
    """Determinant.

    Args:
        x: Tensor (..., n, n).

    Returns:
        A tensor (...).

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> float(lamina.ops.det([[2.0, 0.0], [0.0, 4.0]]))
        8.0
    """
    square_matrix("det", x)
    return _as(k, k.det(_wide(k, x)), k.dtype(x))


@op("x", promote="float", module="linalg")
def eig(k: Kernel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of any square matrix.

    `x v_i = w_i v_i`

    Args:
        x: Tensor (..., n, n).

    Returns:
        Two complex tensors: the values w (..., n) in no particular order, the vectors (..., n, n) as columns.

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> values, vectors = lamina.ops.eig([[2.0, 0.0], [0.0, 2.0]])
        >>> lamina.ops.convert_to_numpy(values).tolist()
        [(2+0j), (2+0j)]
    """
    square_matrix("eig", x)
    values, vectors = k.eig(_wide(k, x))
    return values, vectors


@op("x", promote="float", module="linalg")
def eigh(k: Kernel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of a Hermitian matrix.

    `x v_i = w_i v_i`

    Args:
        x: Tensor (..., n, n), Hermitian.

    Returns:
        Two tensors: the real values w (..., n), ascending, and the vectors (..., n, n) as columns.

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> values, vectors = lamina.ops.eigh([[4.0, 0.0], [0.0, 1.0]])
        >>> lamina.ops.convert_to_numpy(values).tolist()
        [1.0, 4.0]
    """
    square_matrix("eigh", x)
    values, vectors = k.eigh(_wide(k, x))
    return _as(k, values, k.dtype(x)), _as(k, vectors, k.dtype(x))


@op("x", promote="float", module="linalg")
def inv(k: Kernel, x: Tensor) -> Output:
    """Inverse of a matrix.

    `x^-1 x = 1`

    Args:
        x: Tensor (..., n, n).

    Returns:
        A tensor (..., n, n).

    Raises:
        ValueError: if the last two sizes differ.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.inv([[2.0, 0.0], [0.0, 4.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    square_matrix("inv", x)
    return _as(k, k.inv(_wide(k, x)), k.dtype(x))


@op("x", promote="float", module="linalg")
def lu_factor(k: Kernel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Factors of a matrix with exchanged rows.

    `P x = L U`; the diagonal of L is 1 and not kept.

    Args:
        x: Tensor (..., m, n).

    Returns:
        Two tensors: L below and U on and above the diagonal (..., m, n), and int32 pivots (..., min(m, n)): row i
        was exchanged with row pivots[i].

    Raises:
        ValueError: if the rank is below 2.

    Example:
        >>> import lamina
        >>> factors, pivots = lamina.ops.lu_factor([[4.0, 2.0], [2.0, 3.0]])
        >>> lamina.ops.convert_to_numpy(factors).tolist()
        [[4.0, 2.0], [0.5, 2.0]]
    """
    rank_at_least("lu_factor", x, 2)
    factors, pivots = k.lu_factor(_wide(k, x))
    return _as(k, factors, k.dtype(x)), pivots


@op("x", promote="float", module="linalg")
def qr(k: Kernel, x: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Orthogonal and triangular factor.

    `x = Q R`

    Args:
        x: Tensor (..., m, n).
        mode: "reduced" (Q has min(m, n) columns) or "complete" (Q is square).

    Returns:
        Two tensors: Q (..., m, c) and R (..., c, n).

    Raises:
        ValueError: if the rank is below 2 or the mode unknown.

    Example:
        >>> import lamina
        >>> q, r = lamina.ops.qr(lamina.ops.ones((3, 2)))
        >>> q.shape == (3, 2), r.shape == (2, 2)
        (True, True)
    """
    one_of("qr", "mode", mode, ("reduced", "complete"))
    rank_at_least("qr", x, 2)
    q, r = k.qr(_wide(k, x), mode)
    return _as(k, q, k.dtype(x)), _as(k, r, k.dtype(x))


@op("x", promote="float", module="linalg", class_name="SVD")
def svd(k: Kernel, x: Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Singular value decomposition.

    `x = U diag(s) V^H`

    Args:
        x: Tensor (..., m, n).
        full_matrices: Whether U and V are square.
        compute_uv: Whether U and V are wanted.

    Returns:
        Three tensors: U (..., m, c), s (..., min(m, n)) descending, V^H (..., c, n); or only s.

    Raises:
        ValueError: if the rank is below 2.

    Example:
        >>> import lamina
        >>> s = lamina.ops.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False)
        >>> lamina.ops.convert_to_numpy(s).tolist()
        [4.0, 3.0]
    """
    rank_at_least("svd", x, 2)
    if not compute_uv:
        return _as(k, _singular_values(k, x), k.dtype(x))
    return tuple(_as(k, part, k.dtype(x)) for part in k.svd(_wide(k, x), full_matrices))


def _singular_values(k: Kernel, x: Any) -> Any:
    return k.svd(_wide(k, x), False)[1]


@op("x", promote="float", module="linalg")
def pinv(k: Kernel, x: Tensor, rcond: float | None = None) -> Output:
    """Pseudo-inverse (Moore-Penrose).

    `V diag(1 / s) U^H` over the singular values `s > rcond max(s)`

    Args:
        x: Tensor (..., m, n).
        rcond: Which singular values count as 0; None means `10 max(m, n)` times the dtype's epsilon.

    Returns:
        A tensor (..., n, m).

    Raises:
        ValueError: if the rank is below 2.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.pinv([[2.0, 0.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    rank_at_least("pinv", x, 2)
    rows, columns = known_sizes("pinv", x)[-2:]
    wide = _wide(k, x)
    if 0 in x.shape:
        return k.zeros((*x.shape[:-2], columns, rows), k.dtype(x))
    u, s, vh = k.svd(wide, False)
    least = 10.0 * max(rows, columns) * _epsilon(k, wide) if rcond is None else rcond
    keep = s > k.max(s, -1, True) * least
    inverse = k.where(keep, 1.0 / k.where(keep, s, 1.0), 0.0)
    inverse = k.expand_dims(k.astype(inverse, k.dtype(vh)), -1)
    return _as(k, k.matmul(_transposed(k, vh), inverse * _transposed(k, u)), k.dtype(x))


@op("x", promote="float", module="linalg")
def matrix_rank(k: Kernel, x: Tensor, tol: float | None = None) -> Output:
    """How many singular values are not 0.

    Args:
        x: Tensor (..., m, n).
        tol: The largest singular value that counts as 0; None means `max(s) max(m, n)` times the dtype's epsilon.

    Returns:
        An int32 tensor (...).

    Raises:
        ValueError: if the rank is below 2.

    Example:
        >>> import lamina
        >>> int(lamina.ops.matrix_rank([[1.0, 1.0], [1.0, 1.0]]))
        1
    """
    rank_at_least("matrix_rank", x, 2)
    if 0 in x.shape:
        return k.zeros(x.shape[:-2], "int32")
    s = _singular_values(k, x)
    least = k.max(s, -1, True) * (max(*x.shape[-2:]) * _epsilon(k, s)) if tol is None else tol
    return k.sum(k.astype(s > least, "int32"), -1)


def _right_side(name: str, k: Kernel, a: Any, b: Any) -> bool:
    """Whether b holds vectors (..., n) rather than matrices (..., n, k).

    Raises:
        ValueError: if the shapes do not fit.
    """
    square_matrix(name, a)
    rank_at_least(name, b, 1)
    unlike = lambda n: n != a.shape[-1] and Unknown not in (type(n), type(a.shape[-1]))
    vectors = len(b.shape) in (1, len(a.shape) - 1)
    if vectors and len(b.shape) > 1 and unlike(b.shape[-1]) and not unlike(b.shape[-2]):
        vectors = False  # one matrix for all of the batch
    if unlike(b.shape[-1 if vectors else -2]):
        raise ValueError(
            f"{name}: the right side must have shape (..., {a.shape[-1]}) or (..., {a.shape[-1]}, k) for matrices "
            f"of shape {shown(a.shape)}, got {shown(b.shape)}."
        )
    return vectors


@op("a", "b", promote="float", module="linalg")
def solve(k: Kernel, a: Tensor, b: Tensor) -> Output:
    """Solution of linear equations.

    `a x = b`

    Args:
        a: Tensor (..., n, n).
        b: Tensor (..., n), or (..., n, k) for several right sides.

    Returns:
        A tensor of the shape of b.

    Raises:
        ValueError: if a is not square or b does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 8.0])).tolist()
        [1.0, 2.0]
    """
    dtype, vectors = k.dtype(a), _right_side("solve", k, a, b)
    right = _wide(k, k.expand_dims(b, -1) if vectors else b)
    x = k.solve(_wide(k, a), right)
    return _as(k, k.squeeze(x, -1) if vectors else x, dtype)


@op("a", "b", promote="float", module="linalg")
def solve_triangular(k: Kernel, a: Tensor, b: Tensor, lower: bool = False) -> Output:
    """Solution of linear equations with a triangular matrix.

    `a x = b`

    Args:
        a: Tensor (..., n, n); the other triangle is not read.
        b: Tensor (..., n), or (..., n, k) for several right sides.
        lower: Whether a is a lower triangle.

    Returns:
        A tensor of the shape of b.

    Raises:
        ValueError: if a is not square or b does not fit.

    Example:
        >>> import lamina
        >>> x = lamina.ops.solve_triangular([[1.0, 0.0], [1.0, 2.0]], [1.0, 5.0], lower=True)
        >>> lamina.ops.convert_to_numpy(x).tolist()
        [1.0, 2.0]
    """
    dtype, vectors = k.dtype(a), _right_side("solve_triangular", k, a, b)
    right = _wide(k, k.expand_dims(b, -1) if vectors else b)
    x = k.solve_triangular(_wide(k, a), right, bool(lower))
    return _as(k, k.squeeze(x, -1) if vectors else x, dtype)


@op("a", "b", promote="float", module="linalg")
def lstsq(k: Kernel, a: Tensor, b: Tensor, rcond: float | None = None) -> Output:
    """Least squares: the shortest x for which a x is nearest to b.

    `argmin |b - a x|`

    Args:
        a: Tensor (m, n).
        b: Tensor (m,) or (m, k).
        rcond: Singular values below `rcond max(s)` count as 0; None means the dtype's epsilon times max(m, n).

    Returns:
        A tensor (n,) or (n, k).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> x = lamina.ops.lstsq([[1.0], [1.0]], [1.0, 3.0])
        >>> x.shape == (1,)
        True
    """
    fits = len(a.shape) == 2 and len(b.shape) in (1, 2)
    if not fits or (a.shape[0] != b.shape[0] and Unknown not in (type(a.shape[0]), type(b.shape[0]))):
        raise ValueError(
            f"lstsq: expected shapes (m, n) and (m,) or (m, k), got {shown(a.shape)} and {shown(b.shape)}."
        )
    if rcond is not None and rcond > 1:  # LAPACK would take it for "as precise as can be"
        return k.zeros((a.shape[1], *b.shape[1:]), k.dtype(a))
    rcond = _ALMOST_1 if rcond == 1 else rcond
    return _as(k, k.lstsq(_wide(k, a), _wide(k, b), rcond), k.dtype(a))


@op("x", promote="float", module="linalg")
def norm(k: Kernel, x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Output:
    """Norm of vectors or matrices.

    `(sum |x|^ord)^(1 / ord)` over one axis. Over two axes: "fro" is the root of the sum of squares, "nuc" the sum of
    the singular values, 2 and -2 the largest and smallest of them, 1 and -1 the largest and smallest sum of a
    column, inf and -inf of a row.

    Args:
        x: A tensor.
        ord: The order, as above; None means the root of the sum of squares.
        axis: One axis for vectors, two for matrices; None means all of x.
        keepdims: Whether reduced axes stay with size 1.

    Returns:
        A tensor without the axes.

    Raises:
        ValueError: if an axis is out of range, there are more than two, or the order does not suit their number.

    Example:
        >>> import lamina
        >>> float(lamina.ops.norm([3.0, 4.0]))
        5.0
    """
    axes = axes_of("norm", axis, len(x.shape))
    dtype, wide = k.dtype(x), _wide(k, x)
    if ord is None and (axis is None or len(axes) < 3):
        return _as(k, _root_of_squares(k, wide, axes, keepdims), dtype)
    if len(axes) not in (1, 2):
        raise ValueError(f"norm: one axis (vectors) or two axes (matrices) can be reduced, got {len(axes)}.")
    reduced = _vector_norm if len(axes) == 1 else _matrix_norm
    return _as(k, reduced(k, wide, ord, axes, keepdims), dtype)


def _root_of_squares(k: Kernel, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    squares = k.square(k.abs(x)) if k.dtype(x) in dtypes.COMPLEX else k.square(x)
    return k.sqrt(k.sum(squares, axes, keepdims))


def _vector_norm(k: Kernel, x: Any, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if isinstance(order, str):
        raise ValueError(f"norm: order {order!r} needs two axes (matrices), got one.")
    if order == 2:
        return _root_of_squares(k, x, axes, keepdims)
    size = k.abs(x)
    if order == math.inf:
        return k.max(size, axes, keepdims)
    if order == -math.inf:
        return k.min(size, axes, keepdims)
    if order == 0:
        return k.sum(k.astype(size != 0, k.dtype(size)), axes, keepdims)
    if order == 1:
        return k.sum(size, axes, keepdims)
    return k.pow(k.sum(k.pow(size, order), axes, keepdims), 1.0 / order)


def _matrix_norm(k: Kernel, x: Any, order: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    rows, columns = axes
    if order == "fro":
        return _root_of_squares(k, x, axes, keepdims)
    if order in ("nuc", 2, -2):
        rest = [i for i in range(len(x.shape)) if i not in axes]
        s = _singular_values(k, k.permute_dims(x, (*rest, rows, columns)))
        out = k.sum(s, -1) if order == "nuc" else k.max(s, -1) if order == 2 else k.min(s, -1)
        return k.expand_dims(out, tuple(sorted(axes))) if keepdims else out
    if order not in (1, -1, math.inf, -math.inf):
        raise ValueError(
            f"norm: unknown order {order!r} for matrices. Known: 'fro', 'nuc', 1, -1, 2, -2, inf, -inf."
        )
    inner, outer = (rows, columns) if order in (1, -1) else (columns, rows)
    sums = k.sum(k.abs(x), inner, True)
    out = k.max(sums, outer, True) if order > 0 else k.min(sums, outer, True)
    return out if keepdims else k.squeeze(out, axes)


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Derivative of a function along a direction (Jacobian-vector product).

    `d/dt fun(primals + t tangents)` at t = 0

    Args:
        fun: A function of tensors that gives a tensor or a tree of them.
        primals: The arguments, as a tuple or list.
        tangents: The direction: as many tensors of the same shapes.
        has_aux: Whether `fun` gives (output, more) of which only the output is differentiated.

    Returns:
        (output, directional derivative), and `more` as the third with `has_aux`.

    Raises:
        ValueError: if primals and tangents differ in number.

    Example:
        >>> import lamina
        >>> value, slope = lamina.ops.jvp(lamina.ops.square, (3.0,), (1.0,))
        >>> float(value), float(slope)
        (9.0, 6.0)
    """
    if not isinstance(primals, list | tuple) or not isinstance(tangents, list | tuple):
        raise TypeError("jvp: `primals` and `tangents` must be tuples or lists, with one entry per argument.")
    if len(primals) != len(tangents):
        raise ValueError(f"jvp: {len(primals)} primals but {len(tangents)} tangents.")
    k, primals, tangents = leading(tuple(primals), tuple(tangents))
    outputs, directional = k.jvp(fun, primals, tangents)
    return (outputs[0], directional[0], outputs[1]) if has_aux else (outputs, directional)
