"""One stream of draws for all backends: a counter-based generator in the kernel language.

Threefry turns (seed, counter) into 64 bits by additions, rotations and exclusive ors; everything else is made from
uniform numbers. It is slower than the frameworks' own generators: `lamina.config.set_portable_random`.

Reference:
    Salmon et al., 2011: Parallel Random Numbers: As Easy as 1, 2, 3, https://doi.org/10.1145/2063384.2063405
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
_BITS = {"bfloat16": 8, "float16": 11}  # what a draw in [0, 1) can hold; rounding more could give 1
_ROUNDS = 16  # of the gamma rejection: each accepts more than 95 in 100


def _rotated(k: Kernel, x: Any, by: int) -> Any:
    left = k.bitwise_left_shift(x, k.full((), by, "int32"))
    return k.bitwise_or(left, _shifted(k, x, 32 - by))


def _shifted(k: Kernel, x: Any, by: int) -> Any:
    """To the right, with zeros following: int32 alone has the wrapping sums on every backend."""
    mask = k.full((), (1 << (32 - by)) - 1, "int32")
    return k.bitwise_and(k.bitwise_right_shift(x, k.full((), by, "int32")), mask)


def bits(k: Kernel, seed: Any, shape: Sequence[int], stream: int = 0) -> tuple[Any, Any]:
    """Two int32 tensors of random bits."""
    low, high = k.unstack(k.bitcast(seed, "int32"), 0)
    keys = (low, high, k.bitwise_xor(k.bitwise_xor(low, high), k.full((), _PARITY, "int32")))
    count: Any = 1
    for n in shape:
        count = count * n
    x = k.add(k.arange(0, count, 1, "int32"), keys[0])
    y = k.add(k.full((count,), stream, "int32"), keys[1])
    for i in range(5):
        for by in _ROTATIONS[i % 2]:
            x = k.add(x, y)
            y = k.bitwise_xor(_rotated(k, y, by), x)
        x = k.add(x, keys[(i + 1) % 3])
        y = k.add(k.add(y, keys[(i + 2) % 3]), k.full((), i + 1, "int32"))
    return k.reshape(x, tuple(shape)), k.reshape(y, tuple(shape))


def random_uniform(k: Kernel, seed: Any, shape: Sequence[int], dtype: str, stream: int = 0) -> Any:
    x, y = bits(k, seed, shape, stream)
    if dtype == "float64":
        upper, lower = k.astype(_shifted(k, x, 5), dtype), k.astype(_shifted(k, y, 6), dtype)
        return (upper * 2.0**26 + lower) * 2.0**-53
    kept = _BITS.get(dtype, 24)
    return k.astype(k.astype(_shifted(k, x, 32 - kept), "float32") * 2.0**-kept, dtype)


def _inner(k: Kernel, seed: Any, shape: Sequence[int], dtype: str, stream: int) -> Any:
    """Uniform, and never 0: for logarithms."""
    return random_uniform(k, seed, shape, dtype, stream) + (2.0**-54 if dtype == "float64" else 2.0**-25)


def _fine(dtype: str) -> str:
    return dtype if dtype == "float64" else "float32"


def random_normal(k: Kernel, seed: Any, shape: Sequence[int], dtype: str, stream: int = 0) -> Any:
    fine = _fine(dtype)
    radius = k.sqrt(k.log(_inner(k, seed, shape, fine, 2 * stream)) * -2.0)
    angle = random_uniform(k, seed, shape, fine, 2 * stream + 1) * (2 * math.pi)
    return k.astype(radius * k.cos(angle), dtype)


def random_truncated(k: Kernel, seed: Any, shape: Sequence[int], dtype: str) -> Any:
    fine, edge = _fine(dtype), math.erf(math.sqrt(2.0))
    draws = (2.0 * _inner(k, seed, shape, fine, 0) - 1.0) * edge
    return k.astype(k.clip(k.erfinv(draws) * math.sqrt(2.0), -2.0, 2.0), dtype)


def random_integers(k: Kernel, seed: Any, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Any:
    low, high = (v if isinstance(v, k.Tensor) else k.full((), v, "int32") for v in (low, high))
    low, high = k.astype(low, "int32"), k.astype(high, "int32")
    positive = _shifted(k, bits(k, seed, shape)[0], 1)
    return k.astype(k.add(k.remainder(positive, k.subtract(high, low)), low), dtype)


def random_gamma(k: Kernel, seed: Any, alpha: Any, shape: Sequence[int], dtype: str) -> Any:
    """Marsaglia and Tsang's rejection in a fixed number of rounds."""
    fine = _fine(dtype)
    alpha = k.astype(alpha, fine)
    small = alpha < 1
    d = k.where(small, alpha + 1.0, alpha) - 1.0 / 3.0
    c = k.rsqrt(d * 9.0)
    found, done = d, k.zeros(tuple(shape), "bool")
    for i in range(1, _ROUNDS + 1):
        x = random_normal(k, seed, shape, fine, 2 * i)
        v = k.pow(x * c + 1.0, 3)
        safe = k.where(v > 0, v, 1.0)
        level = k.square(x) * 0.5 + d * (1.0 - safe + k.log(safe))
        good = k.logical_and(v > 0, k.log(_inner(k, seed, shape, fine, 4 * i + 2)) < level)
        found = k.where(k.logical_and(good, k.logical_not(done)), d * safe, found)
        done = k.logical_or(done, good)
    power = 1.0 / k.where(small, alpha, 1.0)
    boost = k.where(small, k.exp(k.log(_inner(k, seed, shape, fine, 1)) * power), 1.0)
    return k.astype(found * boost, dtype)


def random_binomial(k: Kernel, seed: Any, counts: Any, probs: Any, shape: Sequence[int], dtype: str) -> Any:
    raise NotImplementedError(
        "random.binomial has no portable form. Use lamina.config.set_portable_random(False) for it."
    )


def random_categorical(k: Kernel, seed: Any, logits: Any, num: int) -> Any:
    batch, classes = logits.shape
    fine = _fine(k.dtype(logits))
    noise = -k.log(-k.log(_inner(k, seed, (batch, num, classes), fine, 0)))
    return k.argmax(k.expand_dims(k.astype(logits, fine), 1) + noise, -1)


def random_permutation(k: Kernel, seed: Any, n: int) -> Any:
    return k.argsort(bits(k, seed, (n,))[0], 0)
