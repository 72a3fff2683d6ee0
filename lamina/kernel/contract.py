"""What a backend is: the functions of the kernel language, with the rule of each in a line.

The first part is the Python Array API standard (dtypes are names, axes are normal Python integers), the second
the neural extension; `Fused`, `Spread`, `Sparse` and `Host` at the end are optional. A backend is a module that has every function listed here:
`backend: Kernel = lamina.backends.jax` is checked by the type checker for each of them (`tests/checked/`),
`tests/backends/test_contract.py` checks what they do. `Interpreter` makes the object of it that programs run on.
Callers (`lamina.ops`) hand over clean input: tensors of this interpreter, of one dtype where a function takes several,
axes in range.

Three conventions hold throughout. `axis` may be negative. A shape is a tuple of Python integers (a backend whose tensors
have unknown sizes may also meet its own scalar tensors there). What stands before `/` is passed by position, so that a
framework's own function, which names it differently, can be the binding; the rest is passed by name.
"""

# pyright: reportReturnType=false
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lamina.errors import BackendError

Axis = int | tuple[int, ...] | None
Shape = Sequence[int]


class Placement(NamedTuple):
    """Where the parts of a tensor lie: a grid of devices, and which axis of the grid divides each axis of the tensor.

    Plain values, so that every backend makes its own object of it and programs can be remembered by it.

    Fields:
        sizes: The sizes of the grid's axes.
        names: Their names.
        devices: The names of the devices, row by row.
        axes: For each axis of the tensor the name of the grid's axis that divides it, a tuple of several, or None; axes that
            are not listed are whole on each device.
        gathered: Whether programs bring the tensor together where a layer reads it, and divide its gradient again (fully
            sharded training); `again` says that they do so once more for the gradient instead of keeping it.
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    devices: tuple[str, ...]
    axes: tuple[str | tuple[str, ...] | None, ...] = ()
    gathered: bool = False
    again: bool = False

    @property
    def parts(self) -> tuple[int, ...]:
        """Into how many parts each listed axis of the tensor is divided."""
        size = dict(zip(self.names, self.sizes, strict=True))
        return tuple([math.prod(size[name] for name in _names(axis)) for axis in self.axes])

    @property
    def whole(self) -> Placement:
        """The same grid, each device with the whole tensor."""
        return Placement(self.sizes, self.names, self.devices)

    def part_of(self, shape: Shape) -> tuple[int, ...]:
        """The shape of a device's part."""
        parts = (*self.parts, *[1] * len(shape))
        return tuple([-(-n // by) for n, by in zip(shape, parts, strict=False)])

    def undivided(self, shape: Shape) -> int | None:
        """The first axis of a tensor of this shape that does not divide; None where all do."""
        return next((i for i, (n, by) in enumerate(zip(shape, self.parts, strict=False)) if n % by), None)


def _names(axis: Any) -> tuple[str, ...]:
    return () if axis is None else (axis,) if isinstance(axis, str) else tuple(axis)


NOT_POSITIVE = "cholesky: the matrix is not positive definite."


class Tensor(Protocol):
    """What a checker knows of a tensor, whichever interpreter made it."""

    @property
    def shape(self) -> Any: "The sizes, in the framework's own type; `Kernel.shape` gives a plain tuple."
    @property
    def dtype(self) -> Any: "The framework's own dtype; `Kernel.dtype` gives its name."
    def __getitem__(self, key: Any, /) -> Any: ...
    def __add__(self, other: Any, /) -> Any: ...
    def __radd__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __rsub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __rmul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...
    def __rtruediv__(self, other: Any, /) -> Any: ...
    def __floordiv__(self, other: Any, /) -> Any: ...
    def __pow__(self, other: Any, /) -> Any: ...
    def __neg__(self) -> Any: ...
    def __and__(self, other: Any, /) -> Any: ...
    def __or__(self, other: Any, /) -> Any: ...
    def __lt__(self, other: Any, /) -> Any: ...
    def __le__(self, other: Any, /) -> Any: ...
    def __gt__(self, other: Any, /) -> Any: ...
    def __ge__(self, other: Any, /) -> Any: ...


T = Any  # a tensor as a parameter: the interpreter's own type, which a backend may name (`x: jax.Array`)


class Facts(Protocol):
    """What an interpreter says of itself."""

    name: str
    abstract: bool  # tensors hold no numbers (the shape interpreter)
    functional: bool  # state must flow through arguments and results (jax): variables cannot change inside `jit`
    in_place: bool  # the storage of a variable is written to in place (torch, tensorflow): a copy of it can go stale
    traced_step: bool  # a step must be traced into a graph to be fast (tensorflow); others run it as it is
    differentiable: bool  # has `value_and_grad`

    @property
    def Tensor(self) -> type | tuple[type, ...]: "What `isinstance` recognizes as this interpreter's tensors."
    @property
    def overrides(self) -> Mapping[str, Callable[..., Any]]: "Op name -> native form of that op's body."
    @property
    def fused(self) -> Fused: "What it has a form of its own for beyond single ops."
    @property
    def spread(self) -> Spread: "How tensors lie on several devices; the base where each lies on one."
    @property
    def sparse(self) -> Sparse: "Its own kind of sparse tensors; the base where it has none."
    @property
    def host(self) -> Host: "Python in the midst of its programs; the base where it cannot be called from there."


class Inspection(Protocol):
    """Looking at tensors, and moving them in and out."""

    def is_tensor(self, x: Any, /) -> bool: "Whether x is a tensor of this interpreter."
    def dtype(self, x: T, /) -> str: "The dtype's name."
    def shape(self, x: T, /) -> tuple: "The sizes: integers where known, else scalar tensors or unknown sizes."
    def asarray(self, x: Any, /, dtype: str | None = None) -> Tensor: "A tensor from numbers, nested sequences or NumPy."
    def to_numpy(self, x: T, /, view: bool = False) -> Any:
        "A NumPy array with the same numbers (waits for the device). With `view` it is to be read at once: it may lie in memory that a later write to x changes."
    def astype(self, x: T, dtype: str, /) -> Tensor: "The same values in another dtype; float to int truncates."
    def bitcast(self, x: T, dtype: str, /) -> Tensor: "The same bits read as another dtype; the last axis scales with its width."
    def copy(self, x: T, /) -> Tensor: "The same values in memory of their own."


class Creation(Protocol):
    """Tensors from nothing."""

    def arange(self, start: Any, stop: Any, step: Any, dtype: str, /) -> Tensor: "1-d, ceil((stop - start) / step) long."
    def eye(self, rows: int, columns: int, k: int, dtype: str, /) -> Tensor: "(rows, columns), ones on diagonal k."
    def full(self, shape: Shape, value: Any, dtype: str, /) -> Tensor: "`shape`, every element `value`."
    def linspace(self, start: T, stop: T, num: int, endpoint: bool, dtype: str, /) -> Tensor: "(num, *start.shape)."
    def meshgrid(self, *arrays: T, indexing: str) -> list[Any]: "One grid per 1-d array."
    def ones(self, shape: Shape, dtype: str, /) -> Tensor: "`shape`, all ones."
    def zeros(self, shape: Shape, dtype: str, /) -> Tensor: "`shape`, all zeros."
    def tril(self, x: T, k: int, /) -> Tensor: "The last two axes below diagonal k, zeros elsewhere."
    def triu(self, x: T, k: int, /) -> Tensor: "The last two axes above diagonal k, zeros elsewhere."


class Elementwise(Protocol):
    """Same shape out, or the broadcast shape of two; the dtype stays unless said otherwise."""

    def abs(self, x: T, /) -> Tensor: "Complex becomes the float of its parts."
    def acos(self, x: T, /) -> Tensor: "Floats."
    def acosh(self, x: T, /) -> Tensor: "Floats."
    def add(self, x1: T, x2: T, /) -> Tensor: "Numbers; bool means logical or."
    def asin(self, x: T, /) -> Tensor: "Floats."
    def asinh(self, x: T, /) -> Tensor: "Floats."
    def atan(self, x: T, /) -> Tensor: "Floats."
    def atan2(self, x1: T, x2: T, /) -> Tensor: "Floats."
    def atanh(self, x: T, /) -> Tensor: "Floats."
    def bitwise_and(self, x1: T, x2: T, /) -> Tensor: "Integers and bool."
    def bitwise_invert(self, x: T, /) -> Tensor: "Integers and bool."
    def bitwise_left_shift(self, x1: T, x2: T, /) -> Tensor: "Integers."
    def bitwise_or(self, x1: T, x2: T, /) -> Tensor: "Integers and bool."
    def bitwise_right_shift(self, x1: T, x2: T, /) -> Tensor: "Integers; keeps the sign."
    def bitwise_xor(self, x1: T, x2: T, /) -> Tensor: "Integers and bool."
    def ceil(self, x: T, /) -> Tensor: "Floats."
    def clip(self, x: T, low: Any, high: Any, /) -> Tensor: "Bounds are Python scalars, tensors that broadcast, or None."
    def conj(self, x: T, /) -> Tensor: "Any dtype."
    def copysign(self, x1: T, x2: T, /) -> Tensor: "Floats."
    def cos(self, x: T, /) -> Tensor: "Inexact."
    def cosh(self, x: T, /) -> Tensor: "Inexact."
    def divide(self, x1: T, x2: T, /) -> Tensor: "Inexact."
    def equal(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def erf(self, x: T, /) -> Tensor: "Floats."
    def erfinv(self, x: T, /) -> Tensor: "Floats."
    def exp(self, x: T, /) -> Tensor: "Inexact."
    def expm1(self, x: T, /) -> Tensor: "Inexact."
    def floor(self, x: T, /) -> Tensor: "Floats."
    def floor_divide(self, x1: T, x2: T, /) -> Tensor: "Numbers; rounds towards minus infinity."
    def greater(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def greater_equal(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def hypot(self, x1: T, x2: T, /) -> Tensor: "Floats."
    def imag(self, x: T, /) -> Tensor: "The float of the parts; zeros for a real dtype."
    def isfinite(self, x: T, /) -> Tensor: "bool out."
    def isinf(self, x: T, /) -> Tensor: "bool out."
    def isnan(self, x: T, /) -> Tensor: "bool out."
    def less(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def less_equal(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def lgamma(self, x: T, /) -> Tensor: "Floats; log of the absolute value of the gamma function."
    def log(self, x: T, /) -> Tensor: "Inexact."
    def log10(self, x: T, /) -> Tensor: "Inexact."
    def log1p(self, x: T, /) -> Tensor: "Inexact."
    def log2(self, x: T, /) -> Tensor: "Inexact."
    def logaddexp(self, x1: T, x2: T, /) -> Tensor: "Floats; stable."
    def logical_and(self, x1: T, x2: T, /) -> Tensor: "bool in, bool out."
    def logical_not(self, x: T, /) -> Tensor: "bool in, bool out."
    def logical_or(self, x1: T, x2: T, /) -> Tensor: "bool in, bool out."
    def logical_xor(self, x1: T, x2: T, /) -> Tensor: "bool in, bool out."
    def maximum(self, x1: T, x2: T, /) -> Tensor: "NaN wins. Either may be a Python scalar."
    def minimum(self, x1: T, x2: T, /) -> Tensor: "NaN wins. Either may be a Python scalar."
    def multiply(self, x1: T, x2: T, /) -> Tensor: "Numbers; bool means logical and."
    def negative(self, x: T, /) -> Tensor: "Numbers."
    def nextafter(self, x1: T, x2: T, /) -> Tensor: "Floats."
    def not_equal(self, x1: T, x2: T, /) -> Tensor: "bool out."
    def pow(self, x1: T, x2: T, /) -> Tensor: "Numbers. The exponent may be a Python scalar."
    def real(self, x: T, /) -> Tensor: "The float of the parts."
    def remainder(self, x1: T, x2: T, /) -> Tensor: "Numbers; the sign of the divisor, as Python's %."
    def round(self, x: T, /) -> Tensor: "Floats; halves to even."
    def rsqrt(self, x: T, /) -> Tensor: "Floats; one over the square root."
    def sigmoid(self, x: T, /) -> Tensor: "Floats; stable at both ends."
    def sign(self, x: T, /) -> Tensor: "Numbers; NaN stays."
    def signbit(self, x: T, /) -> Tensor: "bool out; true for -0.0."
    def sin(self, x: T, /) -> Tensor: "Inexact."
    def sinh(self, x: T, /) -> Tensor: "Inexact."
    def softplus(self, x: T, /) -> Tensor: "Floats; log(1 + exp(x)), stable at both ends."
    def sqrt(self, x: T, /) -> Tensor: "Inexact."
    def square(self, x: T, /) -> Tensor: "Numbers."
    def subtract(self, x1: T, x2: T, /) -> Tensor: "Numbers."
    def tan(self, x: T, /) -> Tensor: "Inexact."
    def tanh(self, x: T, /) -> Tensor: "Inexact."
    def trunc(self, x: T, /) -> Tensor: "Floats."
    def where(self, condition: T, x1: T, x2: T, /) -> Tensor: "Broadcasts all three. A branch may be a Python scalar."
    def complex(self, real: T, imag: T, /) -> Tensor: "float32 makes complex64, float64 complex128."


class Reduction(Protocol):
    """Axes disappear, or stay with size 1 under keepdims; axis None means all of them."""

    def all(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "bool in, bool out."
    def any(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "bool in, bool out."
    def argmax(self, x: T, /, axis: int | None = None, keepdims: bool = False) -> Tensor: "int32; the first of equals."
    def argmin(self, x: T, /, axis: int | None = None, keepdims: bool = False) -> Tensor: "int32; the first of equals."
    def logsumexp(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "Floats; stable, -inf for all -inf."
    def max(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "The same dtype."
    def mean(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "Inexact."
    def min(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "The same dtype."
    def prod(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "The same dtype."
    def sum(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "The same dtype."
    def var(self, x: T, /, axis: Axis = None, keepdims: bool = False) -> Tensor: "Of the population; complex gives float."
    def cumulative_prod(self, x: T, axis: int, /) -> Tensor: "The same shape and dtype."
    def cumulative_sum(self, x: T, axis: int, /) -> Tensor: "The same shape and dtype."
    def cumulative_max(self, x: T, axis: int, /) -> Tensor: "The same shape and dtype."


class Ordering(Protocol):
    """Sorting and searching."""

    def argsort(self, x: T, axis: int, /, descending: bool = False) -> Tensor: "int32; stable."
    def sort(self, x: T, axis: int, /, descending: bool = False) -> Tensor: "NaN last."
    def searchsorted(self, sorted: T, values: T, side: str, /) -> Tensor: "int32, the shape of values; sorted is 1-d."
    def top_k(self, x: T, k: int, sorted: bool, /) -> tuple[Tensor, Tensor]: "(values, int32 indices) along the last axis."
    def nonzero(self, x: T, /, size: int | None = None) -> tuple[Tensor, ...]: "int32 per axis; size pads with zeros."
    def unique(self, x: T, /, size: int | None = None, fill: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        "Of a 1-d tensor: sorted values, first indices, inverse, counts (int32 all three)."


class Manipulation(Protocol):
    """The same values in another shape."""

    def broadcast_to(self, x: T, shape: Shape, /) -> Tensor: "By the usual rule."
    def concat(self, arrays: list[T], axis: int, /) -> Tensor: "One dtype, one rank."
    def expand_dims(self, x: T, axis: int | tuple[int, ...], /) -> Tensor: "Size-1 axes at these positions of the result."
    def flip(self, x: T, axis: Axis, /) -> Tensor: "Reversed along the axes."
    def getitem(self, x: T, key: Any, /) -> Tensor: "Integers, slices, None, Ellipsis, integer or bool tensors, as NumPy."
    def pad(self, x: T, widths: Sequence[tuple[int, int]], mode: str, value: Any, /) -> Tensor:
        "constant, reflect, symmetric or edge."
    def permute_dims(self, x: T, axes: tuple[int, ...] | list[int], /) -> Tensor: "Axes in a new order."
    def repeat(self, x: T, repeats: Any, axis: int, /, total: int | None = None) -> Tensor: "An integer, or one per element."
    def reshape(self, x: T, shape: Shape, /) -> Tensor: "One -1 allowed."
    def roll(self, x: T, shift: Any, axis: Any, /) -> Tensor: "Cyclic."
    def squeeze(self, x: T, axis: Axis, /) -> Tensor: "Axes of size 1 removed."
    def stack(self, arrays: list[T], axis: int, /) -> Tensor: "A new axis."
    def tile(self, x: T, repeats: Sequence[int], /) -> Tensor: "As many repeats as axes."
    def unstack(self, x: T, axis: int, /) -> list[Any]: "One tensor per index; the axis goes."
    def diagonal(self, x: T, offset: int, axis1: int, axis2: int, /) -> Tensor: "The diagonal becomes the last axis."
    def split(self, x: T, sections: Sequence[int], axis: int, /) -> list[Any]: "Cut before each of these indices."


class Indexing(Protocol):
    """Reading and writing by position; indices are int32 or int64."""

    def take(self, x: T, indices: T, axis: int, /) -> Tensor: "indices.shape in place of the axis; negative from the end."
    def take_along_axis(self, x: T, indices: T, axis: int, /) -> Tensor: "The shape of indices, broadcast elsewhere."
    def scatter(self, x: T, indices: T, updates: T, reduce: str, /) -> Tensor:
        "A copy of x; x[indices[i]] set, add, max, min or multiply updates[i]; indices is (n, depth)."
    def slice(self, x: T, starts: Any, sizes: Sequence[int], /) -> Tensor: "A block; starts may be tensors, clamped inside."
    def slice_update(self, x: T, starts: Any, updates: T, /) -> Tensor: "A copy of x with the block replaced."
    def segment(self, x: T, ids: T, num: int, reduce: str, /) -> Tensor:
        "(num, *rest): sum, max, min or prod of the rows with each id; ids outside are dropped."
    def one_hot(self, x: T, depth: int, axis: int, dtype: str, /) -> Tensor: "A new axis; rows outside 0..depth are zero."


class Linear(Protocol):
    """Linear algebra over the last two axes; float32, float64 and complex."""

    def matmul(self, x1: T, x2: T, /) -> Tensor: "NumPy's rule for ranks and batches; integers too."
    def tensordot(self, x1: T, x2: T, axes: Any, /) -> Tensor: "An integer, or a pair of axis lists."
    def einsum(self, equation: str, /, *arrays: T) -> Tensor: "Explicit output; no ellipsis left."
    def cholesky(self, x: T, upper: bool, /) -> Tensor:
        "A triangular factor; a matrix that has none: LinAlgError(NOT_POSITIVE), in a compiled program NaN."
    def det(self, x: T, /) -> Tensor: "(...)."
    def eig(self, x: T, /) -> tuple[Tensor, Tensor]: "Complex values and vectors."
    def eigh(self, x: T, /) -> tuple[Tensor, Tensor]: "Ascending values and vectors of a Hermitian matrix."
    def inv(self, x: T, /) -> Tensor: "The inverse."
    def lstsq(self, a: T, b: T, rcond: float | None, /) -> Tensor: "Least squares; a is (m, n), b (m,) or (m, k)."
    def lu_factor(self, x: T, /) -> tuple[Tensor, Tensor]: "Packed factors and int32 pivots."
    def qr(self, x: T, mode: str, /) -> tuple[Tensor, Tensor]: "reduced or complete."
    def slogdet(self, x: T, /) -> tuple[Tensor, Tensor]: "Sign and log of the absolute determinant."
    def solve(self, a: T, b: T, /) -> Tensor: "a x = b; b is (..., n, k)."
    def solve_triangular(self, a: T, b: T, lower: bool, /) -> Tensor: "a x = b for triangular a; b is (..., n, k)."
    def svd(self, x: T, full_matrices: bool, /) -> tuple[Tensor, Tensor, Tensor]: "u, s, vh."


class Fourier(Protocol):
    """Over the last axis; complex in and out unless said otherwise."""

    def fft(self, x: T, /) -> Tensor: "Forward, unscaled."
    def ifft(self, x: T, /) -> Tensor: "Backward, over n."
    def rfft(self, x: T, n: int, /) -> Tensor: "Real in, n // 2 + 1 complex out."
    def irfft(self, x: T, n: int, /) -> Tensor: "Complex in, n real out."


class Neural(Protocol):
    """The neural extension: what the standard lacks and networks need."""

    def conv(self, x: T, kernel: T, strides: Sequence[int], padding: Sequence[tuple[int, int]],
             dilation: Sequence[int], groups: int, channels_last: bool, /) -> Tensor:
        "Cross-correlation; kernel is (*window, in / groups, out); padding is explicit."
    def conv_transpose(self, x: T, kernel: T, strides: Sequence[int], padding: Sequence[tuple[int, int]],
                       dilation: Sequence[int], channels_last: bool, /) -> Tensor:
        "The gradient of conv: x spread by strides, padded, correlated with the flipped kernel (*window, out, in)."
    def pool(self, x: T, kind: str, window: Sequence[int], strides: Sequence[int],
             padding: Sequence[tuple[int, int]], channels_last: bool, /) -> Tensor:
        "max (padded by the least value) or avg (the mean of what lies inside)."
    def linear(self, x: T, kernel: T, bias: T | None, /) -> Tensor: "x @ kernel + bias over the last axis."
    def cond(self, pred: T, true: Callable[[], Any], false: Callable[[], Any], /) -> Any: "One of two trees alike."
    def switch(self, index: T, branches: Sequence[Callable], operands: Sequence[Any], /) -> Any: "The index is clamped."
    def while_loop(self, cond: Callable, body: Callable, state: tuple, limit: int | None, /) -> tuple:
        "body(*state) while cond(*state), at most `limit` times."
    def scan(self, f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int, /) -> tuple[Any, Any]:
        "carry, y = f(carry, x) over the leading axis; (last carry, stacked ys)."
    def associative_scan(self, f: Callable, elems: Any, reverse: bool, axis: int, /) -> Any: "Prefixes under f."
    def vmap(self, f: Callable, in_axes: Any, out_axes: Any, /) -> Callable: "f over a mapped axis."
    def stop_gradient(self, x: T, /) -> Tensor: "x, constant to differentiation."
    def custom_gradient(self, f: Callable, args: tuple, /) -> Any:
        "f(*args) -> (output, grad); the output, differentiated by grad(*upstream)."
    def value_and_grad(self, f: Callable[[list[T]], tuple[T, Any]], values: list[T], /) -> tuple[tuple[Tensor, Any], list]:
        "((loss, aux), gradients) of f(values) -> (scalar, aux); None where the loss does not depend on a value."
    def jvp(self, f: Callable, primals: tuple, tangents: tuple, /) -> tuple[Any, Any]: "(outputs, directional)."
    def jit(self, f: Callable, /, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
        "f compiled; tensors in trees in and out, anything else is part of it. The arguments of these positions are donated: such a program is not called from others, and where state must flow it takes `shared` as a loop does. `forward` says that f is neither differentiated nor a loop, for backends that have other forms then."
    def remat(self, f: Callable, /) -> Callable: "f whose inner results are computed again for the gradient."
    def without_gradient(self, f: Callable, /) -> Callable:
        "f, of whose inner results nothing is kept for a gradient; `value_and_grad` inside keeps its own."
    def eval_shape(self, f: Callable, specs: Any, /) -> Any: "The tree of (shape, dtype) that f gives for such tensors."
    def loop(self, step: Callable[[Any, Any], Any], donate: bool, /, finish: Callable[[Any], Any] | None = None) -> Callable:
        "run(state, data, indices, start, stop, shared=()) -> state: step(state, rows) over rows taken by indices[start:stop], then finish(state). With `donate` the state is donated, after copies of the leaves of which `shared` says that others hold them."


class Random(Protocol):
    """Stateless draws. A seed is a (2,) uint32 tensor; equal seeds give equal draws on one backend."""

    def random_uniform(self, seed: T, shape: Shape, dtype: str, /) -> Tensor: "Floats in [0, 1)."
    def random_normal(self, seed: T, shape: Shape, dtype: str, /) -> Tensor: "Floats, mean 0, variance 1."
    def random_integers(self, seed: T, shape: Shape, low: Any, high: Any, dtype: str, /) -> Tensor: "low <= n < high."
    def random_gamma(self, seed: T, alpha: T, shape: Shape, dtype: str, /) -> Tensor: "Floats, scale 1."
    def random_binomial(self, seed: T, counts: T, probs: T, shape: Shape, dtype: str, /) -> Tensor: "Whole floats."
    def random_categorical(self, seed: T, logits: T, num: int, /) -> Tensor: "(batch, num) int32 from (batch, classes)."
    def random_permutation(self, seed: T, n: int, /) -> Tensor: "int32, a shuffled arange(n)."
    def random_truncated(self, seed: T, shape: Shape, dtype: str, /) -> Tensor: "Normal within two deviations."


class Devices(Protocol):
    """Where tensors live, and what a Variable is made of."""

    def variable(self, value: Any, dtype: str, trainable: bool, /, placement: Placement | None = None) -> Any:
        "The storage of a Variable. With a placement (see `Spread`), value may be anything of a shape whose parts are read by slices; each process reads its own."
    def read(self, storage: Any, /) -> Tensor: "The tensor in a storage."
    def write(self, storage: Any, value: T, /) -> Any: "The storage with a new value (the same object where it can be)."
    def holds_numbers(self, x: Any, /) -> bool: "Whether x has numbers that can be kept: no tracer or fake tensor, memory not given away."
    def device(self, name: str | None, /) -> Any: "A context in which new tensors live there."
    def devices(self, kind: str | None, /) -> list[str]: "Names such as cpu:0."
    def put(self, x: Any, /, dtype: str | None = None, placement: Placement | None = None, own: bool = False) -> Tensor:
        "NumPy to the device without waiting; to the devices of a placement (see `Spread`), of anything of a shape whose parts are read by slices. An array that the caller gives away (`own`) may become the tensor."
    def copies_on_host(self) -> bool: "Whether put() copies within the host's memory, so that a data set would be there twice: not where it is a view, or on another device."
    def padded_size(self, rows: int, /) -> int: "The size to pad so many rows to, where programs are compiled for a size: nearly equal sizes then share one."
    def to_default_device(self, xs: list, /) -> list: "Tensors that a loop gave, where other programs use them in place: a loop may run on a device of its own."
    def wait(self, x: Any, /) -> None: "Block until the tensors of the tree are computed."
    def seed(self, value: int, /) -> None: "Make the framework's own generators repeatable, too."
    def compile_cache(self, folder: Any, /) -> None: "Keep compiled programs below this folder (a Path) between runs; None keeps none."


class Kernel(
    Facts, Inspection, Creation, Elementwise, Reduction, Ordering, Manipulation, Indexing, Linear, Fourier, Neural,
    Random, Devices, Protocol,
):  # fmt: skip
    """The whole contract."""


class Unfit:
    """What a fused form answers instead of a result: why it does not serve this call."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


MISSING = Unfit("there is none")
Numbers = Sequence[T]


class Fused:
    """Optional: several operations in one, where a framework has a faster form of them.

    Tensors and numbers go in, never objects of Lamina. A form that does not serve a call answers `Unfit`, and the caller
    composes the same from the functions above, which is each form's test. The forms with "in place" are for interpreters
    whose variables change in place.
    """

    def offers(self, name: str, /) -> bool:
        "Whether there is a form of this name, for some calls at least."
        return getattr(type(self), name) is not getattr(Fused, name)

    def recurrence(self, update: Callable, x: T, states: list[T], kernel: T, /, *, backwards: bool,
                   keep: bool) -> tuple[T, list[T]] | Unfit:
        "states = update(x[t] + states[0] @ kernel, states) over the first axis of x: (states[0] of each t in the order of x, or () without `keep`; the last states). `update` reads no tensor that a gradient is wanted for."
        return MISSING

    def projects_in_turn(self, shape: Shape, /) -> bool:
        "Whether a loop had better make the product of the input in each turn, not of all (steps, rows, columns) ahead."
        return False

    def lstm(self, x: T, states: list[T], kernel: T, recurrent: T, bias: T | None, mask: T | None, /, *,
             backwards: bool, zero_masked: bool) -> tuple[T, T, list[T]] | Unfit:
        "A whole LSTM over x (batch, steps, features), gates i, f, g, o: (last output, outputs in the order of the steps taken, last states); a masked step repeats the output before, or gives zeros."
        return MISSING

    def gru(self, x: T, states: list[T], kernel: T, recurrent: T, bias: T | None, mask: T | None, /, *,
            backwards: bool, zero_masked: bool) -> tuple[T, T, list[T]] | Unfit:
        "A whole GRU, gates z, r, h, with the reset gate after the product and two rows of biases; as `lstm`."
        return MISSING

    def foreach(self, rule: Callable, columns: Sequence[Numbers], /) -> Numbers | Unfit:
        "[rule(kernel, *row) for row in zip(*columns)], each tensor's elements by themselves."
        return MISSING

    def foreach_in_place(self, rule: Callable, state: Sequence[Numbers], inputs: Sequence[Numbers], /) -> Unfit | None:
        "state = rule(kernel, *state, *inputs) in place, row by row; the rule gives a tensor for each column of the state."
        return MISSING

    def sgd(self, p: Numbers, g: Numbers, m: Numbers, /, *, rate: T, momentum: float, nesterov: bool) -> Unfit | None:
        "In place: m = momentum m - rate g, p += m, or with `nesterov` p += momentum m - rate g; without m p -= rate g."
        return MISSING

    def rmsprop(self, p: Numbers, g: Numbers, v: Numbers, m: Numbers, mean: Numbers, /, *, rate: T, rho: float,
                momentum: float, epsilon: float) -> Unfit | None:
        "In place: v = rho v + (1 - rho) g^2, s = rate g / sqrt(v - mean^2 + epsilon), m = momentum m + s, p -= m; m and mean (of g, as v) may be empty."
        return MISSING

    def adam(self, p: Numbers, g: Numbers, m: Numbers, v: Numbers, greatest: Numbers, /, *, rate: T, beta_1: float,
             beta_2: float, epsilon: float) -> Unfit | None:
        "In place: m and v as means of g and g^2, p -= rate m / (sqrt(v) + epsilon), by the greatest v so far where it is kept; `rate` has the corrections of the bias."
        return MISSING

    def projected(self, images: T, maps: T, /, *, interpolation: str, fill_mode: str, fill_value: float) -> T | Unfit:
        "images (batch, height, width, channels) whose pixel (x, y) is taken from ((a x + b y + c) / w, (d x + e y + f) / w), w = g x + h y + 1, maps (batch, 8); its gradients are the caller's affair."
        return MISSING

    def global_norm(self, gradients: Numbers, /) -> T | Unfit:
        "The norm of all tensors together; float32 at least."
        return MISSING


class Spread:
    """Optional: tensors that lie on several devices, in one process or in several that run the same program.

    A backend that offers it takes a `placement` in `put` and `variable`. What programs compute from such tensors are the
    numbers that one device would compute; who moves what between devices is the framework's affair. The base is a
    backend whose tensors lie on one device each: it refuses in words (`refuse` does it for `put` and `variable`).

    Attributes:
        regrids: Whether tensors on grids of other shapes over the same devices may meet in an operation.
        checkpoints: The format in which each process writes the parts of tensors that it holds: "orbax", a package that
            takes the framework's tensors as they are, or "dcp", by `write_parts`. With "arrays" the first process writes whole
            arrays, by Orbax too.
        stacks_apart: Whether several processes may run a step on stacks of different numbers of batches.
        runs_as_written: Whether a step runs on such tensors as it is written, too, and not compiled alone.
        workers: The module of Ray, and the class in it, that starts processes of this framework; empty where Ray has none.
    """

    regrids = True
    checkpoints = "arrays"
    stacks_apart = True
    runs_as_written = True
    workers: tuple[str, str] = ("", "")

    def offered(self) -> bool:
        "Whether tensors can lie on several devices."
        return type(self).native is not Spread.native

    def native(self, placement: Placement, /) -> Any:
        "The framework's own object for a placement."
        raise BackendError(NO_SPREAD)

    def mesh(self, placement: Placement, /) -> Any:
        "The framework's own object for the grid of a placement."
        raise BackendError(NO_SPREAD)

    def constrain(self, x: T, placement: Placement, /) -> Tensor:
        "The same numbers, lying like this; inside programs too, where a gradient passes."
        raise BackendError(NO_SPREAD)

    def gather(self, x: T, placement: Placement, /) -> Tensor:
        "x whole on each device; its gradient is divided as x is."
        raise BackendError(NO_SPREAD)

    def sparing(self, f: Callable, /) -> Callable:
        "f, to be differentiated: what `gather` brought together for a placement that says `again` is not kept for the gradient, but gathered once more."
        return f

    def join(self, address: str | None, processes: int | None, rank: int | None, addresses: Sequence[str] = (), /) -> None:
        "Become one of several processes that run the same program; what is None the framework finds out by itself. Where the addresses of all are known they are given, too."
        raise BackendError(NO_SPREAD)

    def processes(self) -> tuple[int, int]:
        "(the number of this process, how many there are)."
        return 0, 1

    def opened(self) -> Sequence[str] | None:
        "The devices that a scope of the framework's own, open in this thread, spreads training over; None without one."
        return None

    def rank_of(self, device: str, /) -> int:
        "The number of the process that a device belongs to."
        return 0

    def collect(self, x: Any, /) -> Any:
        "(processes, *shape): the host array that each process has, on each of them."
        return x[None]

    def broken(self, error: Exception, /) -> bool:
        "Whether an error says that processes cannot reach each other any more."
        return False

    def own_parts(self, x: Any, /) -> list[tuple[tuple[int, ...], Any]]:
        "(where it begins, host array) of the parts of x, a tensor or what `variable` made, that this process has to write, so that all write each entry once."
        raise BackendError(NO_SPREAD)

    def write_parts(self, folder: str, tensors: Mapping[str, Any], /) -> Callable[[], None]:
        "Begin to write tensors as they are now, each process the parts that it holds; gives what waits until all are written."
        raise BackendError(NO_SPREAD)


class Sparse:
    """Optional: a framework's own tensors that keep only what is not zero.

    Whatever computes takes them as dense ones (`lamina.backends.sparse`), those of other frameworks too.
    """

    def offered(self) -> bool:
        "Whether there are such tensors."
        return type(self).from_dense is not Sparse.from_dense

    def from_dense(self, x: T, /) -> Any:
        "A sparse tensor of the entries that are not zero; x itself where their number is not known, in a program that is traced."
        raise BackendError("This backend has no sparse tensors.")

    def to_dense(self, x: Any, /) -> Tensor | Unfit:
        "The tensor in full of one that is kept sparse by this framework, also of a gradient that is kept by rows; `Unfit` for anything else."
        return MISSING

    def holds(self, x: Any, /) -> bool:
        "Whether x is a sparse tensor of this framework."
        return False


class Host:
    """Optional: Python in the midst of a framework's own programs, and what only layers on the host give."""

    def offered(self) -> bool:
        "Whether a program that is traced can call Python."
        return type(self).call is not Host.call

    def call(self, function: Callable, inputs: Sequence[T], dtype: str, shape: Sequence[int | None], /) -> Tensor:
        "The tensor that `function` makes of the NumPy arrays in `inputs` (strings as arrays of bytes), from inside a program that is traced; of its shape this much is known."
        raise BackendError("This backend cannot call Python from inside a program.")

    def ragged(self, flat: Any, lengths: Any, /) -> Any:
        "Rows of these lengths, one behind the other in flat, as the framework's own kind of tensor; a list of arrays where it has none."
        ends = lengths.cumsum()
        return [flat[end - n : end] for end, n in zip(ends.tolist(), lengths.tolist(), strict=True)]


JOINING = 300  # seconds in which all processes have to come
SILENCE = 60  # seconds after which a process that says nothing counts as gone. A framework's own watch is to be slower

NO_SPREAD = (
    "This backend keeps each tensor on one device: it cannot spread them over several. Use one that can "
    "(LAMINA_BACKEND=jax), or none of `lamina.distribution`."
)


def refuse(placement: Placement | None) -> None:
    """For `put` and `variable` of backends without `Spread`.

    Raises:
        BackendError: if there is a placement.
    """
    if placement is not None:
        raise BackendError(NO_SPREAD)


STANDARD = (Inspection, Creation, Elementwise, Reduction, Ordering, Manipulation, Indexing, Linear, Fourier)
EXTENSION = (Neural, Random, Devices)


def functions(parts: Sequence[type] = (*STANDARD, *EXTENSION)) -> list[str]:
    """The names of the contract's functions, in order."""
    return [name for part in parts for name, value in vars(part).items() if callable(value) and name[0] != "_"]


def facts() -> list[str]:
    """The names of the facts."""
    return [*Facts.__annotations__, *[n for n, value in vars(Facts).items() if isinstance(value, property)]]
