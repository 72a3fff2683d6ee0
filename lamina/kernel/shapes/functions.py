"""The shape and dtype rules of the kernel language, except control flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.kernel.shapes.spec import NeedsNumbers, Spec, Unknown, broadcast, combine, matmul_shape, spec

# -- inspection and creation ---------------------------------------------------------------------------------------


def is_tensor(x: Any) -> bool:
    return isinstance(x, Spec)


def dtype(x: Spec) -> str:
    return x.dtype


def shape(x: Spec) -> tuple:
    return x.shape


def asarray(x: Any, dtype: str | None = None) -> Spec:
    found = spec(x)
    return found if dtype is None or dtype == found.dtype else Spec(found.shape, dtype)


def put(x: Any, dtype: str | None = None, placement: Any = None, own: bool = False) -> Spec:
    return asarray(x, dtype)


def to_numpy(x: Spec, view: bool = False) -> Any:
    if not isinstance(x, Spec):
        import numpy as np

        return np.asarray(x)
    return x._no_numbers()


def astype(x: Spec, dtype: str) -> Spec:
    return Spec(x.shape, dtype)


def bitcast(x: Spec, dtype: str) -> Spec:
    bits = {"bool": 8, "bfloat16": 16, "complex64": 64, "complex128": 128}
    width = [bits.get(d) or int("".join(c for c in d.split("_")[0] if c.isdigit())) for d in (x.dtype, dtype)]
    if width[0] == width[1]:
        return Spec(x.shape, dtype)
    return Spec((*x.shape[:-1], x.shape[-1] * width[0] // width[1]), dtype)


def _given(shape: Sequence[int]) -> tuple:
    for n in shape:
        if isinstance(n, Spec):
            n._no_numbers()
    return tuple(shape)


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Spec:
    if Spec in map(type, (start, stop, step)):
        return Spec((Unknown(1009),), dtype)
    size = -((start - stop) // step)
    size = size if size > 0 else 0
    return Spec((Unknown(size) if Unknown in map(type, (start, stop, step)) else int(size),), dtype)


def eye(rows: int, columns: int, k: int, dtype: str) -> Spec:
    return Spec((rows, columns), dtype)


def full(shape: Sequence[int], value: Any, dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


def ones(shape: Sequence[int], dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


zeros = ones


def linspace(start: Spec, stop: Spec, num: int, endpoint: bool, dtype: str) -> Spec:
    return Spec((num, *spec(start).shape), dtype)


def meshgrid(*arrays: Spec, indexing: str) -> list[Spec]:
    sizes = [n for a in arrays for n in (a.shape or (1,))]
    if indexing == "xy" and len(sizes) > 1:
        sizes[:2] = sizes[1::-1]
    return [Spec(tuple(sizes), a.dtype) for a in arrays]


def tril(x: Spec, k: int) -> Spec:
    return Spec(x.shape, x.dtype)


triu = tril

# -- elementwise -----------------------------------------------------------------------------------------------------


def _same(x: Spec) -> Spec:
    return Spec(x.shape, x.dtype)


acos = acosh = asin = asinh = atan = atanh = bitwise_invert = ceil = conj = cos = cosh = erf = erfinv = (
    exp
) = _same
expm1 = floor = lgamma = log = log10 = log1p = log2 = logical_not = negative = round = rsqrt = sigmoid = _same
sign = sin = sinh = softplus = sqrt = square = tan = tanh = trunc = stop_gradient = copy = _same


def _bool(x: Spec) -> Spec:
    return Spec(x.shape, "bool")


isfinite = isinf = isnan = signbit = _bool


def _part(x: Spec) -> Spec:
    return Spec(x.shape, {"complex64": "float32", "complex128": "float64"}.get(x.dtype, x.dtype))


abs = real = imag = _part


def _pair(x1: Any, x2: Any) -> Spec:
    return combine(x1, x2)


add = atan2 = bitwise_and = bitwise_left_shift = bitwise_or = bitwise_right_shift = bitwise_xor = copysign = (
    _pair
)
divide = floor_divide = hypot = logaddexp = logical_and = logical_or = logical_xor = maximum = minimum = _pair
multiply = nextafter = pow = remainder = subtract = _pair


def _compare(x1: Any, x2: Any) -> Spec:
    return combine(x1, x2, compare=True)


equal = greater = greater_equal = less = less_equal = not_equal = _compare


def clip(x: Spec, low: Any, high: Any) -> Spec:
    bounds = [b.shape for b in (low, high) if isinstance(b, Spec)]
    return Spec(broadcast(x.shape, *bounds), x.dtype)


def where(condition: Spec, x1: Any, x2: Any) -> Spec:
    found = combine(x1, x2)
    return Spec(broadcast(condition.shape, found.shape), found.dtype)


def complex(real: Spec, imag: Spec) -> Spec:
    return Spec(broadcast(real.shape, imag.shape), "complex128" if real.dtype == "float64" else "complex64")


# -- reductions ------------------------------------------------------------------------------------------------------


def _axes(axis: Any, rank: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(rank))
    return tuple(a % rank if rank else a for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def _reduced(shape: tuple, axis: Any, keepdims: bool) -> tuple:
    axes = _axes(axis, len(shape))
    if keepdims:
        return tuple([1 if i in axes else n for i, n in enumerate(shape)])
    return tuple([n for i, n in enumerate(shape) if i not in axes])


def sum(x: Spec, axis: Any = None, keepdims: bool = False) -> Spec:
    return Spec(_reduced(x.shape, axis, keepdims), x.dtype)


max = mean = min = prod = logsumexp = sum


def var(x: Spec, axis: Any = None, keepdims: bool = False) -> Spec:
    return _part(sum(x, axis, keepdims))


def all(x: Spec, axis: Any = None, keepdims: bool = False) -> Spec:
    return Spec(_reduced(x.shape, axis, keepdims), "bool")


any = all


def argmax(x: Spec, axis: int | None = None, keepdims: bool = False) -> Spec:
    return Spec(_reduced(x.shape, axis, keepdims), "int32")


argmin = argmax


def cumulative_sum(x: Spec, axis: int) -> Spec:
    return Spec(x.shape, x.dtype)


cumulative_prod = cumulative_max = cumulative_sum

# -- ordering --------------------------------------------------------------------------------------------------------


def argsort(x: Spec, axis: int, descending: bool = False) -> Spec:
    return Spec(x.shape, "int32")


def sort(x: Spec, axis: int, descending: bool = False) -> Spec:
    return Spec(x.shape, x.dtype)


def searchsorted(sorted: Spec, values: Spec, side: str) -> Spec:
    return Spec(values.shape, "int32")


def top_k(x: Spec, k: int, sorted: bool) -> tuple[Spec, Spec]:
    shape = (*x.shape[:-1], k)
    return Spec(shape, x.dtype), Spec(shape, "int32")


def nonzero(x: Spec, size: int | None = None) -> tuple[Spec, ...]:
    return tuple([Spec((Unknown(1009) if size is None else size,), "int32") for _ in x.shape])


def unique(x: Spec, size: int | None = None, fill: Any = None) -> tuple[Spec, Spec, Spec, Spec]:
    n = Unknown(1009) if size is None else size
    return Spec((n,), x.dtype), Spec((n,), "int32"), Spec(x.shape, "int32"), Spec((n,), "int32")


# -- manipulation ----------------------------------------------------------------------------------------------------


def broadcast_to(x: Spec, shape: Sequence[int]) -> Spec:
    broadcast(x.shape, tuple(shape))
    return Spec(_given(shape), x.dtype)


def concat(arrays: Sequence[Spec], axis: int) -> Spec:
    first = arrays[0]
    axis = axis % len(first.shape)
    sizes = list(first.shape)
    for other in arrays[1:]:
        for i, n in enumerate(other.shape):
            if i == axis:
                sizes[i] = sizes[i] + n
            elif type(sizes[i]) is Unknown:
                sizes[i] = n
    return Spec(tuple(sizes), first.dtype)


def _result_axes(axis: Any, rank: int) -> tuple[int, ...]:
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple([a % (rank + len(axes)) for a in axes])


def expand_dims(x: Spec, axis: Any) -> Spec:
    axes = _result_axes(axis, len(x.shape))
    sizes = iter(x.shape)
    return Spec(tuple([1 if i in axes else next(sizes) for i in range(len(x.shape) + len(axes))]), x.dtype)


def flip(x: Spec, axis: Any) -> Spec:
    return Spec(x.shape, x.dtype)


def roll(x: Spec, shift: Any, axis: Any) -> Spec:
    return Spec(x.shape, x.dtype)


def getitem(x: Spec, key: Any) -> Spec:
    return x[key]


def pad(x: Spec, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Spec:
    return Spec(tuple([n + low + high for n, (low, high) in zip(x.shape, widths, strict=True)]), x.dtype)


def permute_dims(x: Spec, axes: Sequence[int]) -> Spec:
    return Spec(tuple([x.shape[a] for a in axes]), x.dtype)


def repeat(x: Spec, repeats: Any, axis: int, total: int | None = None) -> Spec:
    sizes = list(x.shape)
    if isinstance(repeats, int):
        sizes[axis] = sizes[axis] * repeats
    elif total is not None:
        sizes[axis] = total
    elif isinstance(repeats, Spec):
        sizes[axis] = Unknown(1009)
    else:
        counts = [int(r) for r in repeats]
        sizes[axis] = counts[0] * sizes[axis] if len(counts) == 1 else _total(counts)
    return Spec(tuple(sizes), x.dtype)


def _total(values: Sequence[int]) -> int:
    total = 0
    for v in values:
        total = total + v
    return total


def _product(shape: Sequence[int]) -> int:
    size: int = 1
    for n in shape:
        size = size * n
    return size


def reshape(x: Spec, shape: Sequence[int]) -> Spec:
    sizes, count = list(_given(shape)), _product(x.shape)
    if -1 in sizes:
        rest = _product([n for n in sizes if n != -1])
        place = sizes.index(-1)
        # A size that appears on both sides cancels: the rest is known although the whole is not.
        sizes[place] = 0 if rest == 0 else _divide(x.shape, [n for n in sizes if n != -1], count, rest)
    elif _product(sizes) != count and not _unknown(x.shape) and not _unknown(sizes):
        raise ValueError(f"Cannot reshape a tensor of shape {x.shape} ({count} entries) into {tuple(sizes)}.")
    return Spec(tuple(sizes), x.dtype)


def _divide(have: Sequence[int], taken: list[int], count: int, rest: int) -> int:
    left = [n for n in have if type(n) is Unknown]
    for n in taken:
        if type(n) is Unknown and n in left:
            left.remove(n)
        elif type(n) is Unknown:
            left.append(n)
    if count % rest and not _unknown(have) and not _unknown(taken):
        raise ValueError(
            f"Cannot reshape {count} entries (shape {tuple(have)}): {rest} does not divide them."
        )
    return Unknown(count // rest) if left else int(count // rest)


def _unknown(sizes: Sequence[Any]) -> bool:
    return Unknown in map(type, sizes)


def squeeze(x: Spec, axis: Any) -> Spec:
    axes = _axes(axis, len(x.shape)) if axis is not None else [i for i, n in enumerate(x.shape) if n == 1]
    return Spec(tuple([n for i, n in enumerate(x.shape) if i not in axes]), x.dtype)


def stack(arrays: Sequence[Spec], axis: int) -> Spec:
    sizes = list(broadcast(*[a.shape for a in arrays]))
    sizes.insert(axis % (len(sizes) + 1), len(arrays))
    return Spec(tuple(sizes), arrays[0].dtype)


def tile(x: Spec, repeats: Sequence[int]) -> Spec:
    return Spec(tuple([n * r for n, r in zip(x.shape, repeats, strict=True)]), x.dtype)


def unstack(x: Spec, axis: int) -> list[Spec]:
    rest = _reduced(x.shape, axis, False)
    return [Spec(rest, x.dtype) for _ in range(x.shape[axis])]


def diagonal(x: Spec, offset: int, axis1: int, axis2: int) -> Spec:
    rows, columns = x.shape[axis1], x.shape[axis2]
    size = _least(rows, columns - offset) if offset >= 0 else _least(rows + offset, columns)
    size = size if size > 0 else 0
    return Spec((*_reduced(x.shape, (axis1, axis2), False), size), x.dtype)


def split(x: Spec, sections: Sequence[int], axis: int) -> list[Spec]:
    n = x.shape[axis]
    ends = [*[s if s < n else n for s in sections], n]
    out, start = [], 0
    for end in ends:
        sizes = list(x.shape)
        sizes[axis] = end - start if end > start else 0
        out.append(Spec(tuple(sizes), x.dtype))
        start = end
    return out


# -- indexing --------------------------------------------------------------------------------------------------------


def take(x: Spec, indices: Spec, axis: int) -> Spec:
    axis = axis % len(x.shape)
    return Spec((*x.shape[:axis], *spec(indices).shape, *x.shape[axis + 1 :]), x.dtype)


def take_along_axis(x: Spec, indices: Spec, axis: int) -> Spec:
    sizes = list(broadcast(_at(x.shape, axis, 1), _at(indices.shape, axis, 1)))
    return Spec(_at(tuple(sizes), axis, indices.shape[axis]), x.dtype)


def _at(shape: tuple, axis: int, size: int) -> tuple:
    axis = axis % len(shape)
    return (*shape[:axis], size, *shape[axis + 1 :])


def scatter(x: Spec, indices: Spec, updates: Spec, reduce: str) -> Spec:
    return Spec(x.shape, x.dtype)


def slice(x: Spec, starts: Any, sizes: Sequence[int]) -> Spec:
    return Spec(_given(sizes), x.dtype)


def slice_update(x: Spec, starts: Any, updates: Spec) -> Spec:
    return Spec(x.shape, x.dtype)


def segment(x: Spec, ids: Spec, num: int, reduce: str) -> Spec:
    return Spec((num, *x.shape[1:]), x.dtype)


def one_hot(x: Spec, depth: int, axis: int, dtype: str) -> Spec:
    place = axis % (len(x.shape) + 1)
    return Spec((*x.shape[:place], depth, *x.shape[place:]), dtype)


# -- linear algebra and Fourier ----------------------------------------------------------------------------------------


def matmul(x1: Spec, x2: Spec) -> Spec:
    return Spec(matmul_shape(x1.shape, x2.shape), x1.dtype)


def linear(x: Spec, kernel: Spec, bias: Spec | None) -> Spec:
    return Spec(matmul_shape(x.shape, kernel.shape), x.dtype)


def tensordot(x1: Spec, x2: Spec, axes: Any) -> Spec:
    if isinstance(axes, int):
        axes = (range(len(x1.shape) - axes, len(x1.shape)), range(axes))
    left, right = ([a] if isinstance(a, int) else list(a) for a in axes)
    for i, j in zip(left, right, strict=True):
        n, m = x1.shape[i], x2.shape[j]
        if n != m and not _unknown((n, m)):
            raise ValueError(
                f"tensordot: axis {i} of {x1.shape} has size {n}, axis {j} of {x2.shape} has {m}."
            )
    return Spec((*_reduced(x1.shape, tuple(left), False), *_reduced(x2.shape, tuple(right), False)), x1.dtype)


def einsum(equation: str, *arrays: Spec) -> Spec:
    terms, _, result = equation.replace(" ", "").partition("->")
    sizes: dict[str, int] = {}
    for letters, x in zip(terms.split(","), arrays, strict=True):
        for letter, n in zip(letters, x.shape, strict=True):
            known = sizes.get(letter)
            if known is None or type(known) is Unknown or known == 1:
                sizes[letter] = n
            elif n not in (known, 1) and type(n) is not Unknown:
                raise ValueError(
                    f"einsum {equation!r}: {letter!r} is {known} in one tensor and {n} in another."
                )
    return Spec(tuple([sizes[letter] for letter in result]), arrays[0].dtype)


def cholesky(x: Spec, upper: bool) -> Spec:
    return Spec(x.shape, x.dtype)


def inv(x: Spec) -> Spec:
    return Spec(x.shape, x.dtype)


def det(x: Spec) -> Spec:
    return Spec(x.shape[:-2], x.dtype)


def _complex_of(dtype: str) -> str:
    return "complex128" if dtype in ("float64", "complex128") else "complex64"


def eig(x: Spec) -> tuple[Spec, Spec]:
    return Spec(x.shape[:-1], _complex_of(x.dtype)), Spec(x.shape, _complex_of(x.dtype))


def eigh(x: Spec) -> tuple[Spec, Spec]:
    return Spec(x.shape[:-1], _part(x).dtype), Spec(x.shape, x.dtype)


def lstsq(a: Spec, b: Spec, rcond: float | None) -> Spec:
    return Spec((a.shape[1], *b.shape[1:]), a.dtype)


def _least(a: int, b: int) -> int:
    least = a if a < b else b
    return Unknown(least) if _unknown((a, b)) else least


def lu_factor(x: Spec) -> tuple[Spec, Spec]:
    return Spec(x.shape, x.dtype), Spec((*x.shape[:-2], _least(*x.shape[-2:])), "int32")


def qr(x: Spec, mode: str) -> tuple[Spec, Spec]:
    *batch, m, n = x.shape
    k = m if mode == "complete" else _least(m, n)
    return Spec((*batch, m, k), x.dtype), Spec((*batch, k, n), x.dtype)


def slogdet(x: Spec) -> tuple[Spec, Spec]:
    return Spec(x.shape[:-2], x.dtype), Spec(x.shape[:-2], _part(x).dtype)


def solve(a: Spec, b: Spec) -> Spec:
    return Spec((*broadcast(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), a.dtype)


def solve_triangular(a: Spec, b: Spec, lower: bool) -> Spec:
    return solve(a, b)


def svd(x: Spec, full_matrices: bool) -> tuple[Spec, Spec, Spec]:
    *batch, m, n = x.shape
    k = _least(m, n)
    rows, columns = (m, n) if full_matrices else (k, k)
    return (
        Spec((*batch, m, rows), x.dtype),
        Spec((*batch, k), _part(x).dtype),
        Spec((*batch, columns, n), x.dtype),
    )


def fft(x: Spec) -> Spec:
    return Spec(x.shape, _complex_of(x.dtype))


ifft = fft


def rfft(x: Spec, n: int) -> Spec:
    return Spec((*x.shape[:-1], n // 2 + 1), _complex_of(x.dtype))


def irfft(x: Spec, n: int) -> Spec:
    return Spec((*x.shape[:-1], n), _part(Spec(x.shape, _complex_of(x.dtype))).dtype)


# -- networks --------------------------------------------------------------------------------------------------------


def _spatial(shape: tuple, channels_last: bool) -> tuple[tuple, int]:
    return (shape[1:-1], shape[-1]) if channels_last else (shape[2:], shape[1])


def _place(batch: int, sizes: Sequence[int], channels: int, channels_last: bool) -> tuple:
    return (batch, *sizes, channels) if channels_last else (batch, channels, *sizes)


def _windows(sizes: Any, window: Any, strides: Any, padding: Any, dilation: Any) -> list[int]:
    out = []
    for n, k, s, (low, high), d in zip(sizes, window, strides, padding, dilation, strict=True):
        count = (n + low + high - ((k - 1) * d + 1)) // s + 1
        if count < 1 and type(count) is not Unknown:
            count = 0
        out.append(count)
    return out


def conv(
    x: Spec, kernel: Spec, strides: Any, padding: Any, dilation: Any, groups: int, channels_last: bool
) -> Spec:
    sizes, _ = _spatial(x.shape, channels_last)
    out = _windows(sizes, kernel.shape[:-2], strides, padding, dilation)
    return Spec(_place(x.shape[0], out, kernel.shape[-1], channels_last), x.dtype)


def conv_transpose(
    x: Spec, kernel: Spec, strides: Any, padding: Any, dilation: Any, channels_last: bool
) -> Spec:
    sizes, _ = _spatial(x.shape, channels_last)
    spread = [(n - 1) * s + 1 for n, s in zip(sizes, strides, strict=True)]
    out = _windows(spread, kernel.shape[:-2], [1] * len(spread), padding, dilation)
    return Spec(_place(x.shape[0], out, kernel.shape[-2], channels_last), x.dtype)


def pool(x: Spec, kind: str, window: Any, strides: Any, padding: Any, channels_last: bool) -> Spec:
    sizes, channels = _spatial(x.shape, channels_last)
    out = _windows(sizes, window, strides, padding, [1] * len(sizes))
    return Spec(_place(x.shape[0], out, channels, channels_last), x.dtype)


# -- random and devices ------------------------------------------------------------------------------------------------


def random_uniform(seed: Spec, shape: Sequence[int], dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


random_normal = random_truncated = random_uniform


def random_integers(seed: Spec, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


def random_gamma(seed: Spec, alpha: Spec, shape: Sequence[int], dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


def random_binomial(seed: Spec, counts: Spec, probs: Spec, shape: Sequence[int], dtype: str) -> Spec:
    return Spec(_given(shape), dtype)


def random_categorical(seed: Spec, logits: Spec, num: int) -> Spec:
    return Spec((logits.shape[0], num), "int32")


def random_permutation(seed: Spec, n: int) -> Spec:
    return Spec((n,), "int32")


def variable(value: Any, dtype: str, trainable: bool, placement: Any = None) -> Any:
    raise NeedsNumbers("A variable cannot keep its numbers in the shape interpreter.")


def read(storage: Any) -> Spec:
    return spec(storage)


def write(storage: Any, value: Spec) -> Any:
    return storage


def holds_numbers(x: Any, /) -> bool:
    return False


def devices(kind: str | None) -> list[str]:
    return []


def to_default_device(xs: list) -> list:
    return xs


def copies_on_host() -> bool:
    return False


def padded_size(rows: int) -> int:
    return rows


def wait(x: Any) -> None:
    return None


def seed(value: int) -> None:
    return None


def compile_cache(folder: Any) -> None:
    return None
