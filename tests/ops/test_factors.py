"""Factors of matrices, which are not unique: they multiply back, and have the form they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from case import normal
from test_ops import NAMES

import lamina.ops as ops
from lamina import backends
from lamina.kernel.context import interpreter

square, tall = normal(2, 4, 4), normal(2, 5, 3)


@pytest.fixture(params=NAMES)
def kernel(request: pytest.FixtureRequest) -> Any:
    return backends.load(request.param)


def numbers(k: Any, f: Any, *args: Any, **kwargs: Any) -> list[np.ndarray]:
    with interpreter(k):
        return [
            k.to_numpy(x)
            for x in f(*(k.asarray(a) if isinstance(a, np.ndarray) else a for a in args), **kwargs)
        ]


def near(x: np.ndarray, y: np.ndarray) -> None:
    np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("x", [square, tall, tall.transpose(0, 2, 1).copy()], ids=["square", "tall", "wide"])
def test_qr(kernel: Any, x: np.ndarray, mode: str) -> None:
    q, r = numbers(kernel, ops.qr, x, mode)
    near(q @ r, x)
    near(q.transpose(0, 2, 1) @ q, np.broadcast_to(np.eye(q.shape[-1]), (2, q.shape[-1], q.shape[-1])))
    near(np.tril(r, -1), np.zeros(r.shape))
    assert q.shape[-1] == (x.shape[-2] if mode == "complete" else min(x.shape[-2:]))


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("x", [square, tall], ids=["square", "tall"])
def test_svd(kernel: Any, x: np.ndarray, full: bool) -> None:
    u, s, vh = numbers(kernel, ops.svd, x, full)
    count = s.shape[-1]
    near((u[..., :count] * s[:, None]) @ vh[:, :count], x)
    assert u.shape[-1] == (x.shape[-2] if full else count)
    assert (np.diff(s) <= 0).all()


def test_eigh(kernel: Any) -> None:
    x = square + square.transpose(0, 2, 1)
    values, vectors = numbers(kernel, ops.eigh, x)
    near(x @ vectors, vectors * values[:, None])
    assert (np.diff(values) >= 0).all()


def test_eig(kernel: Any) -> None:
    values, vectors = numbers(kernel, ops.eig, square)
    assert values.dtype == vectors.dtype == np.complex64
    near(np.abs(square @ vectors - vectors * values[:, None]), np.zeros(square.shape))


def test_lu_factor(kernel: Any) -> None:
    factors, pivots = numbers(kernel, ops.lu_factor, square)
    for x, lu, pivot in zip(square, factors, pivots, strict=True):
        rows = np.arange(4)
        for i, p in enumerate(pivot):
            rows[[i, p]] = rows[[p, i]]
        near((np.tril(lu, -1) + np.eye(4)) @ np.triu(lu), x[rows])
