"""How much arithmetic each function of the contract is.

Forward, each rule gives the counts of one call by kind. Backward, for the operands that a gradient is wanted of:

| function | backward |
|---|---|
| matmul, linear, tensordot, einsum, conv, conv_transpose | the forward count once for each wanted operand |
| the bias of linear, an operand that was broadcast | a sum over the output (reduction) |
| elementwise | one operation per element of the output for each wanted operand |
| reductions, pool | the forward count: the gradient is spread over what went in |
| take, getitem and kin | an addition per element of the output |
| comparisons, floor, round, sign, stop_gradient | nothing, nor in front of them |

So the first layer has no gradient of its input, and a frozen one at the beginning has none at all. Decompositions,
Fourier transforms, sorting and random draws are not counted: their work depends on the algorithm.
"""

from __future__ import annotations

import math
from typing import Any

from lamina.kernel.contract import Elementwise, Reduction
from lamina.kernel.shapes.spec import spec

Counts = dict[str, int]

ELEMENTWISE = frozenset(n for n in vars(Elementwise) if n[0] != "_")
REDUCTIONS = frozenset(n for n in vars(Reduction) if n[0] != "_")
PRODUCTS = frozenset(("matmul", "linear", "tensordot", "einsum", "conv", "conv_transpose"))
GATHERS = frozenset(("take", "take_along_axis", "getitem", "slice", "slice_update", "scatter", "segment", "pad", "repeat",
                     "broadcast_to", "tile"))  # fmt: skip
VIEWS = frozenset(("reshape", "expand_dims", "squeeze", "stop_gradient", "asarray", "put"))
FLAT = frozenset(
    ("ceil", "floor", "round", "sign", "trunc", "floor_divide", "stop_gradient", "zeros", "ones", "full")
)
# mean and sum read each element once; these go over them three times (shift, square or exp, sum)
_PASSES = {"var": 3, "logsumexp": 3}
# what the gradient reads again
READS_NOTHING = frozenset(("add", "subtract", "negative", "conj", "real", "imag", "complex"))
READS_OUTPUT = frozenset(("exp", "sqrt", "rsqrt", "sigmoid", "tanh"))
READS_INPUT = (ELEMENTWISE - READS_NOTHING - READS_OUTPUT) | {"max", "min", "prod", "var", "pool"}


def forward(name: str, args: tuple, kwargs: dict, out: Any) -> Counts:
    """The counts of one call by kind."""
    if name in PRODUCTS:
        return _RULES[name](out, *args)
    if name == "pool":
        return {"pool": _pool(out, *args)}
    if name in ELEMENTWISE:
        return {"elementwise": int(out.size)}
    if name in REDUCTIONS:
        return {"reduction": int(spec(args[0]).size) * _PASSES.get(name, 1)}
    return {}


def backward(name: str, operands: list[Any], out_size: int, counts: Counts) -> Counts:
    """The counts of the gradient of one call with respect to its wanted operands."""
    wanted = [x for x in operands if getattr(x, "wanted", False)]
    found: Counts = {}
    if name in PRODUCTS:
        factors = operands[:2] if name == "linear" else operands
        times = sum(1 for x in factors if getattr(x, "wanted", False))
        found = {kind: n * times for kind, n in counts.items() if kind != "elementwise"}
        if name == "linear" and len(operands) > 2 and getattr(operands[2], "wanted", False):
            found["reduction"] = out_size
    elif name in ELEMENTWISE:
        found["elementwise"] = out_size * len(wanted)
        if broadcast := sum(1 for x in wanted if x.size != out_size):
            found["reduction"] = out_size * broadcast
    elif name in REDUCTIONS or name == "pool":
        found = dict(counts)
    elif name in GATHERS:
        found["elementwise"] = out_size
    return found


def summed(name: str, args: tuple, operand: int) -> frozenset[int] | None:
    """The axes of a factor, the first (0) or the second one, that a product sums over; None where no rule says."""
    if name == "einsum":
        terms, _, result = args[0].replace(" ", "").partition("->")
        letters = terms.split(",")[operand]
        return frozenset(i for i, letter in enumerate(letters) if letter not in result)
    rank = len(spec(args[operand]).shape)
    if name == "take":
        return None if operand else frozenset((args[2] % rank,))
    if name in ("matmul", "linear"):
        return frozenset((rank - 2 if operand else rank - 1,))
    if name == "conv" and operand == 1 and args[5] == 1:  # of groups each has channels of its own
        return frozenset((rank - 2,))
    return None


def _matmul(out: Any, x1: Any, x2: Any) -> Counts:
    return {"matmul": int(out.size * spec(x1).shape[-1])}


def _linear(out: Any, x: Any, kernel: Any, bias: Any = None) -> Counts:
    counts = _matmul(out, x, kernel)
    return counts if bias is None else {**counts, "elementwise": int(out.size)}


def _tensordot(out: Any, x1: Any, x2: Any, axes: Any) -> Counts:
    if isinstance(axes, int):
        inner = x1.shape[len(x1.shape) - axes :]
    else:
        inner = [x1.shape[a] for a in ([axes[0]] if isinstance(axes[0], int) else axes[0])]
    return {"matmul": int(out.size * math.prod(inner))}


def _einsum(out: Any, equation: str, *arrays: Any) -> Counts:
    """From left to right, two tensors at a time; a letter is summed as soon as nothing later has it."""
    inputs, _, result = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    sizes: dict[str, int] = {}
    for letters, x in zip(terms, arrays, strict=True):
        for letter, n in zip(letters, x.shape, strict=True):
            sizes[letter] = max(int(n), sizes.get(letter, 1))
    have = set(terms[0])
    if len(terms) == 1:
        return {"reduction": int(arrays[0].size)} if have - set(result) else {}
    total = 0
    for i, letters in enumerate(terms[1:], 2):
        have |= set(letters)
        total += math.prod(sizes[letter] for letter in have)
        have &= set(result).union(*terms[i:])
    return {"matmul": total}


def _conv(
    out: Any, x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any, groups: int, last: bool
) -> Counts:
    window = kernel.shape[:-2]
    sizes, placed = (s.shape[1:-1] if last else s.shape[2:] for s in (x, out))
    inside = math.prod(map(_taps, sizes, placed, window, strides, (low for low, _ in padding), dilation))
    each = int(x.shape[0]) * int(kernel.shape[-2]) * int(kernel.shape[-1])
    return {"conv": inside * each, "padding": (math.prod(placed) * math.prod(window) - inside) * each}


def _taps(size: int, placed: int, window: int, stride: int, low: int, dilation: int) -> int:
    """The pairs of an output and a tap that lies inside the input, along one axis."""
    total = 0
    for tap in range(window):
        shift = low - tap * dilation  # the tap reads o * stride - shift
        first, last = max(0, -(-shift // stride)), min(placed - 1, (size - 1 + shift) // stride)
        total += max(0, last - first + 1)
    return total


def _conv_transpose(
    out: Any, x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any, last: bool
) -> Counts:
    window = kernel.shape[:-2]
    sizes, placed = (s.shape[1:-1] if last else s.shape[2:] for s in (x, out))
    inside = 1
    for n, m, k, s, (low, _), d in zip(sizes, placed, window, strides, padding, dilation, strict=True):
        # each input meets each tap once; what lands outside the output is cropped
        inside *= sum(
            max(0, min(n - 1, (m - 1 - low + t * d) // s) - max(0, -((low - t * d) // s)) + 1)
            for t in range(k)
        )
    each = int(x.shape[0]) * int(kernel.shape[-2]) * int(kernel.shape[-1])
    return {"conv": inside * each, "padding": (math.prod(sizes) * math.prod(window) - inside) * each}


def _pool(out: Any, x: Any, kind: str, window: Any, strides: Any, padding: Any, last: bool) -> int:
    sizes, placed = (s.shape[1:-1] if last else s.shape[2:] for s in (x, out))
    inside = map(_taps, sizes, placed, window, strides, (low for low, _ in padding), [1] * len(sizes))
    return math.prod(inside) * int(out.shape[0]) * int(out.shape[-1 if last else 1])


_RULES: dict[str, Any] = {
    "matmul": _matmul, "linear": _linear, "tensordot": _tensordot, "einsum": _einsum, "conv": _conv,
    "conv_transpose": _conv_transpose,
}  # fmt: skip
