"""The workloads in bare jax: a model is its first weights and a function (weights, averages, x, key) -> logits, averages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Apply = Callable[..., tuple[jax.Array, Any]]
_rng = np.random.default_rng(0)


def _weight(*shape: int) -> np.ndarray:
    """A kernel, the last axis its outputs, scaled by what comes in and goes out."""
    area = int(np.prod(shape[:-2]))
    limit = np.sqrt(6 / (area * (shape[-2] + shape[-1])))
    return _rng.uniform(-limit, limit, shape).astype("float32")


def _affine(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    return _weight(*shape), np.zeros(shape[-1], "float32")


def _norm(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(size, "float32"), np.zeros(size, "float32")


def _dense(x: jax.Array, p: Any) -> jax.Array:
    return x @ p[0] + p[1]


def _conv(x: jax.Array, kernel: Any, stride: int = 1, padding: str = "VALID") -> jax.Array:
    return lax.conv_general_dilated(
        x, kernel, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _dropout(x: jax.Array, rate: float, key: jax.Array | None) -> jax.Array:
    return x if key is None else jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def mlp() -> tuple[Any, Any, Apply]:
    def apply(p: Any, s: Any, x: jax.Array, key: Any) -> tuple[jax.Array, Any]:
        x = jax.nn.relu(_dense(x, p[0]))
        return _dense(jax.nn.relu(_dense(x, p[1])), p[2]), s

    return [_affine(784, 64), _affine(64, 64), _affine(64, 10)], [], apply


def convnet() -> tuple[Any, Any, Apply]:
    def apply(p: Any, s: Any, x: jax.Array, key: Any) -> tuple[jax.Array, Any]:
        first, second = (None, None) if key is None else jax.random.split(key)
        x = jax.nn.relu(_conv(x, p[0][0]) + p[0][1])
        x = jax.nn.relu(_conv(x, p[1][0]) + p[1][1])
        x = x.reshape(-1, 12, 2, 12, 2, 64).max((2, 4))  # faster than lax.reduce_window
        x = _dropout(x, 0.25, first).reshape(len(x), -1)
        return _dense(_dropout(jax.nn.relu(_dense(x, p[2])), 0.5, second), p[3]), s

    return [_affine(3, 3, 1, 32), _affine(3, 3, 32, 64), _affine(9216, 128), _affine(128, 10)], [], apply


def lstm() -> tuple[Any, Any, Apply]:
    def apply(p: Any, s: Any, x: jax.Array, key: Any) -> tuple[jax.Array, Any]:
        def cell(carry: Any, z: jax.Array) -> tuple[Any, None]:
            h, c = carry
            i, f, g, o = jnp.split(z + h @ p["again"], 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zeros = jnp.zeros((len(x), 64))
        (h, _), _ = lax.scan(cell, (zeros, zeros), _dense(x.swapaxes(0, 1), p["in"]))
        return _dense(h, p["out"]), s

    return {"in": _affine(32, 256), "again": _weight(64, 256), "out": _affine(64, 10)}, [], apply


def transformer() -> tuple[Any, Any, Apply]:
    def norm(x: jax.Array, p: Any) -> jax.Array:
        x = x - x.mean(-1, keepdims=True)
        return x * lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + 1e-3) * p[0] + p[1]

    def attend(x: jax.Array, p: Any) -> jax.Array:
        b, n, _ = x.shape
        q, k, v = jnp.moveaxis(_dense(x, p["qkv"]).reshape(b, n, 3, 4, 32), 2, 0)
        scores = jnp.einsum("bqhd,bkhd->bhqk", q, k) / np.sqrt(32)
        weights = jax.nn.softmax(jnp.where(jnp.tri(n, dtype=bool), scores, -1e9))
        return _dense(jnp.einsum("bhqk,bkhd->bqhd", weights, v).reshape(b, n, 128), p["attended"])

    def apply(p: Any, s: Any, x: jax.Array, key: Any) -> tuple[jax.Array, Any]:
        x = p["tokens"][x]
        for b in p["blocks"]:
            x += attend(norm(x, b["norm1"]), b)
            x += _dense(jax.nn.gelu(_dense(norm(x, b["norm2"]), b["wide"]), approximate=False), b["narrow"])
        return _dense(norm(x, p["norm"]), p["out"]), s

    block = lambda: {
        "norm1": _norm(128), "qkv": _affine(128, 384), "attended": _affine(128, 128),
        "norm2": _norm(128), "wide": _affine(128, 512), "narrow": _affine(512, 128),
    }  # fmt: skip
    tokens = _rng.uniform(-0.05, 0.05, (2000, 128)).astype("float32")
    return (
        {"tokens": tokens, "blocks": [block(), block()], "norm": _norm(128), "out": _affine(128, 2000)},
        [],
        apply,
    )


def resnet() -> tuple[Any, Any, Apply]:
    sizes = [(3, 16, 3, 1)]  # of each convolution: channels in, channels out, edge, stride
    for before, after, stride in (
        (16, 16, 1),
        (16, 16, 1),
        (16, 32, 2),
        (32, 32, 1),
        (32, 64, 2),
        (64, 64, 1),
    ):
        sizes += [(before, after, 3, stride), (after, after, 3, 1)] + [(before, after, 1, stride)] * (
            stride > 1
        )

    def apply(p: Any, s: Any, x: jax.Array, key: Any) -> tuple[jax.Array, Any]:
        layers, averages = iter(zip(sizes, p["convs"], s, strict=True)), []

        def conv(x: jax.Array) -> jax.Array:
            (*_, stride), (kernel, scale, offset), (mean, variance) = next(layers)
            x = _conv(x, kernel, stride, "SAME")
            if key is not None:
                old, mean = mean, x.mean((0, 1, 2))
                moved, variance = variance, jnp.square(x).mean((0, 1, 2)) - jnp.square(mean)
                averages.append((0.99 * old + 0.01 * mean, 0.99 * moved + 0.01 * variance))
            scale = scale * lax.rsqrt(variance + 1e-3)
            return x * scale + (offset - mean * scale)

        x = jax.nn.relu(conv(x))
        for stride in (1, 1, 2, 1, 2, 1):
            h = conv(jax.nn.relu(conv(x)))
            x = jax.nn.relu(h + (x if stride == 1 else conv(x)))
        return _dense(x.mean((1, 2)), p["out"]), averages

    convs = [(_weight(edge, edge, before, after), *_norm(after)) for before, after, edge, _ in sizes]
    averages = [_norm(after)[::-1] for _, after, _, _ in sizes]
    return {"convs": convs, "out": _affine(64, 10)}, averages, apply


MODELS = {"mlp": mlp, "convnet": convnet, "lstm": lstm, "transformer": transformer, "resnet": resnet}


def prepare(what: str) -> tuple[Callable[[Iterable], float], Callable[[np.ndarray], np.ndarray]]:
    """A function that trains on batches and returns the last loss, and one that predicts."""
    params, averages, apply = MODELS[what]()
    zeros = lambda: jax.tree.map(np.zeros_like, params)
    state = jax.device_put((params, averages, zeros(), zeros(), np.int32(0)))

    @partial(jax.jit, donate_argnums=0)
    def step(state: Any, x: jax.Array, y: jax.Array) -> tuple[Any, jax.Array]:
        params, averages, first, second, count = state

        def loss(params: Any) -> tuple[jax.Array, Any]:
            logits, moved = apply(params, averages, x, jax.random.fold_in(jax.random.key(0), count))
            right = jax.nn.one_hot(y, logits.shape[-1])  # faster than to take them by place
            return -jnp.sum(right * jax.nn.log_softmax(logits), -1).mean(), moved

        (value, averages), slope = jax.value_and_grad(loss, has_aux=True)(params)
        count += 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, first, second)
        return (params, averages, first, second, count), value

    def train(batches: Iterable) -> float:
        nonlocal state
        value = None
        for x, y in batches:
            state, value = step(state, x, y)
        jax.block_until_ready(state)
        return float(value)

    forward = jax.jit(lambda params, averages, x: jax.nn.softmax(apply(params, averages, x, None)[0]))
    return train, lambda row: np.asarray(forward(state[0], state[1], row))
