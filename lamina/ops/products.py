"""Products of matrices and vectors, and traces."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import axes_of, axis_of, known_sizes, one_of, rank_at_least, shown
from lamina.ops.diagonals import diagonal_of
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, move, static, together, wants_bool, wide


def _numbers(k: Kernel, function: Any, *tensors: Any) -> Any:
    """A sum of products; for bool it is computed on integers: true where one product is."""
    if k.dtype(tensors[0]) != "bool":
        return function(*tensors)
    out = function(*[k.astype(x, "int32") for x in tensors])
    return k.not_equal(out, k.full((), 0, "int32"))


@op("x1", "x2")
def matmul(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Matrix product over the last two axes; the axes before are batches and broadcast.

    Args:
        x1: Tensor of shape (..., n, m), or a vector (m,).
        x2: Tensor of shape (..., m, p), or a vector (m,).

    Returns:
        Tensor of shape (..., n, p), without the axes of vectors. int8 times int8 gives int32.

    Raises:
        ValueError: for scalars, or shapes that do not multiply.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.matmul([[1, 2], [3, 4]], [[1], [1]])).tolist()
        [[3], [7]]
    """
    dtype = k.dtype(x1)
    if dtype != k.dtype(x2):
        x1, x2 = together(k, x1, x2)
    elif dtype == "int8":
        x1, x2 = k.astype(x1, "int32"), k.astype(x2, "int32")
    return _numbers(k, k.matmul, x1, x2)


@op("x1", "x2", promote=True)
def dot(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Sum of products over the last axis of x1 and the last but one of x2 (the last of a vector).

    Args:
        x1: Tensor of shape (..., m), or a number.
        x2: Tensor of shape (..., m, p) or (m,), or a number.

    Returns:
        Tensor of shape `x1.shape[:-1] + x2.shape without m`; the product with a number.

    Raises:
        ValueError: if the sizes differ.

    Example:
        >>> int(lamina.ops.dot([1, 2], [3, 4]))
        11
    """
    if not len(x1.shape) or not len(x2.shape):
        return k.multiply(x1, x2)
    return _contract("dot", k, x1, x2, [-1], [-2 if len(x2.shape) > 1 else -1])


def _contract(name: str, k: Kernel, x1: Any, x2: Any, axes1: Sequence[int], axes2: Sequence[int]) -> Any:
    left = [axis_of(name, a, len(x1.shape)) for a in axes1]
    right = [axis_of(name, a, len(x2.shape)) for a in axes2]
    sizes = [(k.shape(x1)[i], k.shape(x2)[j]) for i, j in zip(left, right, strict=True)]
    if any(static(pair) and pair[0] != pair[1] for pair in sizes):
        shapes = f"{shown(k.shape(x1))} and {shown(k.shape(x2))}"
        raise ValueError(f"{name}: shapes {shapes} do not multiply over axes {left} and {right}.")
    return _numbers(k, lambda a, b: k.tensordot(a, b, (left, right)), x1, x2)


@op("x1", "x2", promote=True)
def inner(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Sum of products over the last axis of both.

    Args:
        x1: Tensor of shape (..., m), or a number.
        x2: Tensor of shape (..., m), or a number.

    Returns:
        Tensor of shape `x1.shape[:-1] + x2.shape[:-1]`; the product with a number.

    Raises:
        ValueError: if the last sizes differ.

    Example:
        >>> int(lamina.ops.inner([1, 2], [3, 4]))
        11
    """
    if not len(x1.shape) or not len(x2.shape):
        return k.multiply(x1, x2)
    return _contract("inner", k, x1, x2, [-1], [-1])


@op("x1", "x2", promote=True)
def vdot(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Sum of products of all entries; x1 is conjugated.

    Args:
        x1: Tensor of any shape.
        x2: Tensor with as many entries.

    Returns:
        Scalar.

    Raises:
        ValueError: if the numbers of entries differ.

    Example:
        >>> int(lamina.ops.vdot([[1, 2]], [[3, 4]]))
        11
    """
    if k.dtype(x1) in dtypes.COMPLEX:
        x1 = k.conj(x1)
    return _contract("vdot", k, k.reshape(x1, (-1,)), k.reshape(x2, (-1,)), [0], [0])


@op("x1", "x2", promote=True)
def outer(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """All products of an entry of x1 and one of x2.

    Args:
        x1: Tensor with n entries.
        x2: Tensor with m entries.

    Returns:
        Tensor of shape (n, m).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.outer([1, 2], [3, 4])).tolist()
        [[3, 4], [6, 8]]
    """
    return k.multiply(k.reshape(x1, (-1, 1)), k.reshape(x2, (1, -1)))


@op("x1", "x2", promote=True)
def tensordot(k: Kernel, x1: Tensor, x2: Tensor, axes: int | Sequence[Any] = 2) -> Output:
    """Sum of products over chosen axes of both.

    Args:
        x1: Tensor.
        x2: Tensor.
        axes: How many of the last axes of `x1` and first of `x2`; or a pair of axes, or of lists of axes.

    Returns:
        Tensor with the other axes of `x1`, then those of `x2`.

    Raises:
        ValueError: for axes out of range, or if their sizes differ.

    Example:
        >>> int(lamina.ops.tensordot([[1, 2]], [[3], [4]], axes=[[0, 1], [1, 0]]))
        11
    """
    if isinstance(axes, int):
        rank = len(x1.shape)
        if not 0 <= axes <= min(rank, len(x2.shape)):
            raise ValueError(
                f"tensordot: `axes` must be from 0 to {min(rank, len(x2.shape))} for tensors of rank {rank} and "
                f"{len(x2.shape)}, got {axes}."
            )
        return _contract("tensordot", k, x1, x2, list(range(rank - axes, rank)), list(range(axes)))
    left, right = ([a] if isinstance(a, int) else list(a) for a in axes)
    if len(left) != len(right):
        raise ValueError(f"tensordot: `axes` must be two lists of one length, got {axes!r}.")
    return _contract("tensordot", k, x1, x2, left, right)


@op("x1", "x2", promote=True)
def kron(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Kronecker product: blocks of x2, each multiplied by an entry of x1.

    Args:
        x1: Tensor.
        x2: Tensor.

    Returns:
        Tensor of size `x1.shape[i] * x2.shape[i]`; the one of lower rank gets axes of size 1 in front.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.kron([1, 10], [1, 2])).tolist()
        [1, 2, 10, 20]
    """
    rank = max(len(x1.shape), len(x2.shape))
    sizes1, sizes2 = ((1,) * (rank - len(x.shape)) + tuple(k.shape(x)) for x in (x1, x2))
    spread1 = [n for size in sizes1 for n in (size, 1)]
    spread2 = [n for size in sizes2 for n in (1, size)]
    product = k.multiply(k.reshape(x1, spread1), k.reshape(x2, spread2))
    return k.reshape(product, tuple([n * m for n, m in zip(sizes1, sizes2, strict=True)]))


@op("x1", "x2", promote=True)
def cross(
    k: Kernel,
    x1: Tensor,
    x2: Tensor,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Output:
    """Cross product of vectors of 3 (or 2) components.

    Args:
        x1: Tensor whose axis `axisa` has size 2 or 3.
        x2: Tensor whose axis `axisb` has size 2 or 3; the other axes broadcast.
        axisa: The axis of components in `x1`.
        axisb: The axis of components in `x2`.
        axisc: The axis of components in the result.
        axis: All three of them, when given.

    Returns:
        Tensor of vectors; of numbers if both have 2 components.

    Raises:
        ValueError: for an axis out of range, or another number of components.
        TypeError: for bool.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.cross([1, 0, 0], [0, 1, 0])).tolist()
        [0, 0, 1]
    """
    wants_bool("cross", k, x1)
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = _components(k, x1, axisa), _components(k, x2, axisb)
    last = k.subtract(k.multiply(a[0], b[1]), k.multiply(a[1], b[0]))
    if len(a) == len(b) == 2:
        return last
    zero = k.zeros((), k.dtype(x1))
    (ax, ay, az), (bx, by, bz) = ([*v, zero][:3] for v in (a, b))
    first = k.subtract(k.multiply(ay, bz), k.multiply(az, by))
    second = k.subtract(k.multiply(az, bx), k.multiply(ax, bz))
    out = k.stack([first, second, last], -1)
    place = axis_of("cross", axisc, len(out.shape))
    return out if place == len(out.shape) - 1 else move(k, out, len(out.shape) - 1, place)


def _components(k: Kernel, x: Any, axis: int) -> list[Any]:
    place = axis_of("cross", axis, len(x.shape))
    if type(x.shape[place]) is Unknown:  # a graph: any vector will do that has 3 components
        return k.unstack(k.zeros((*x.shape[:place], 3, *x.shape[place + 1 :]), k.dtype(x)), place)
    if x.shape[place] not in (2, 3):
        raise ValueError(
            f"cross: expected 2 or 3 components along axis {axis}, got shape {shown(k.shape(x))}."
        )
    return k.unstack(x, place)


@op("x")
def trace(k: Kernel, x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Output:
    """Sum of a diagonal.

    Args:
        x: Tensor of rank 2 or more.
        offset: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.
        axis1: The axis of rows.
        axis2: The axis of columns.

    Returns:
        Tensor without the two axes; bool and small integers give 32 bits.

    Raises:
        ValueError: for a lower rank, or axes out of range or equal.

    Example:
        >>> int(lamina.ops.trace([[1, 2], [3, 4]]))
        5
    """
    rank_at_least("trace", x, 2)
    rows, columns = axes_of("trace", (axis1, axis2), len(x.shape))
    return k.sum(diagonal_of(k, wide(k, x), offset, rows, columns), -1)


@op("x1", "x2", promote="float")
def correlate(k: Kernel, x1: Tensor, x2: Tensor, mode: str = "valid") -> Output:
    """Cross-correlation of two vectors: c[i] = sum_n x1[n + i] x2[n].

    Args:
        x1: Tensor of rank 1.
        x2: Tensor of rank 1.
        mode: "full" (wherever they overlap), "valid" (where they overlap entirely), "same" (as long as the longer).

    Returns:
        Float tensor of rank 1.

    Raises:
        ValueError: for another mode, another rank, or an empty vector.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0])).tolist()
        [2.0, 3.0]
    """
    one_of("correlate", "mode", mode, ("full", "same", "valid"))
    if len(x1.shape) != 1 or len(x2.shape) != 1:
        raise ValueError(
            f"correlate: expected two vectors, got {shown(k.shape(x1))} and {shown(k.shape(x2))}."
        )
    (n,), (m,) = known_sizes("correlate", x1), known_sizes("correlate", x2)
    if 0 in (n, m):
        raise ValueError("correlate: the vectors must not be empty.")
    full = _correlated(k, x1, x2, m)
    short, long = (n, m) if n < m else (m, n)
    # What "same" keeps of an even overlap depends on which of the two is longer.
    start = {"full": 0, "valid": short - 1, "same": (short - 1) // 2 if n >= m else short // 2}[mode]
    size = {"full": n + m - 1, "valid": long - short + 1, "same": long}[mode]
    return k.slice(full, [start], (size,))


def _correlated(k: Kernel, x1: Any, x2: Any, m: int) -> Any:
    if k.dtype(x1) in dtypes.COMPLEX:
        a, b, c, d = k.real(x1), k.imag(x1), k.real(x2), k.imag(x2)
        ac, bd, bc, ad = (_correlated(k, u, v, m) for u, v in ((a, c), (b, d), (b, c), (a, d)))
        return k.complex(k.add(ac, bd), k.subtract(bc, ad))
    signal, kernel = k.reshape(x1, (1, -1, 1)), k.reshape(x2, (-1, 1, 1))
    return k.reshape(k.conv(signal, kernel, (1,), [(m - 1, m - 1)], (1,), 1, True), (-1,))


@op("*operands")
def einsum(k: Kernel, subscripts: str, *operands: Tensor, **kwargs: Any) -> Output:
    """Sum of products in Einstein's notation.

    Args:
        subscripts: A letter for each axis of each tensor, and after "->" those of the result. Without "->" the
            letters that stand once, in alphabetical order. "..." stands for any axes, which broadcast.
        *operands: As many tensors as there are terms.

    Returns:
        Tensor with the axes of the result; letters that it lacks are summed over. int8 tensors give int32.

    Raises:
        ValueError: if the letters do not fit the tensors.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1])).tolist()
        [3, 7]
    """
    if kwargs:
        raise ValueError(f"einsum: unknown arguments {', '.join(map(repr, kwargs))}.")
    terms, result = _terms(subscripts, [len(x.shape) for x in operands])
    sizes: dict[str, Any] = {}
    for term, x in zip(terms, operands, strict=True):
        for letter, n in zip(term, k.shape(x), strict=True):
            known = sizes.setdefault(letter, n)
            if static((known, n)) and n != known and 1 not in (n, known):
                raise ValueError(f"einsum {subscripts!r}: axis {letter!r} has sizes {known} and {n}.")
            sizes[letter] = n if static((known,)) and known == 1 else known
    terms, tensors = _without_repeats(k, terms, operands)
    if all(k.dtype(x) == "int8" for x in tensors) and len(tensors) > 1:
        tensors = [k.astype(x, "int32") for x in tensors]
    tensors = together(k, *tensors)
    return _numbers(k, lambda *xs: k.einsum(f"{','.join(terms)}->{result}", *xs), *tensors)


def _terms(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """A string of letters for each tensor and for the result, without dots."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum {subscripts!r}: {len(terms)} terms for {len(ranks)} tensors.")
    spare = [c for c in string.ascii_letters if c not in subscripts]
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    for term, width, rank in zip(terms, widths, ranks, strict=True):
        if (width < 0) if "..." in term else (width != 0):
            raise ValueError(f"einsum {subscripts!r}: term {term!r} does not fit a tensor of rank {rank}.")
    most = max([w for w, term in zip(widths, terms, strict=True) if "..." in term], default=0)
    dots = "".join(spare[:most])
    terms = [t.replace("...", dots[most - w :] if w else "") for t, w in zip(terms, widths, strict=True)]
    if not arrow:
        letters = "".join(terms)
        right = dots + "".join(sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1))
    right = right.replace("...", dots)
    unknown = sorted(set(right) - set("".join(terms)))
    if unknown or len(set(right)) != len(right):
        raise ValueError(
            f"einsum {subscripts!r}: the result {right!r} must name axes of the tensors, each once."
        )
    return terms, right


def _without_repeats(k: Kernel, terms: list[str], operands: Sequence[Any]) -> tuple[list[str], list[Any]]:
    """A letter that stands twice in a term means the diagonal."""
    outs, tensors = [], []
    for term, x in zip(terms, operands, strict=True):
        while len(set(term)) < len(term):
            letter = next(c for c in term if term.count(c) > 1)
            i, j = term.index(letter), term.rindex(letter)
            x = k.diagonal(x, 0, i, j)
            term = term[:i] + term[i + 1 : j] + term[j + 1 :] + letter
        outs.append(term)
        tensors.append(x)
    return outs, tensors


@op("x", promote="float")
def slogdet(k: Kernel, x: Tensor) -> tuple[Tensor, Tensor]:
    """Sign and logarithm of the determinant: det(x) = sign * exp(logabsdet).

    Args:
        x: Tensor of shape (..., n, n).

    Returns:
        (sign, logabsdet), tensors of shape (...); (0, -inf) for a singular matrix.

    Raises:
        ValueError: if the matrices are not square.

    Example:
        >>> sign, logabsdet = lamina.ops.slogdet([[2.0, 0.0], [0.0, -1.0]])
        >>> float(sign), round(float(logabsdet), 4)
        (-1.0, 0.6931)
    """
    rank_at_least("slogdet", x, 2)
    if static(k.shape(x)[-2:]) and k.shape(x)[-1] != k.shape(x)[-2]:
        raise ValueError(f"slogdet: expected square matrices, got shape {shown(k.shape(x))}.")
    dtype = k.dtype(x)
    wide = k.astype(x, "float32") if dtype in ("float16", "bfloat16") else x
    sign, logarithm = k.slogdet(wide)
    return astype(k, sign, dtype), astype(k, logarithm, dtype)
