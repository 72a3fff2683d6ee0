"""Interpreters are derived: from any backend and from the shape interpreter, with loops known to them."""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends
from lamina.core.operation import infer_call
from lamina.kernel import contract
from lamina.kernel.context import interpreter
from lamina.kernel.contract import Fused
from lamina.kernel.interpreter import Interpreter
from lamina.kernel.shapes import SHAPES
from lamina.kernel.shapes.infer import infer


class Counting(Interpreter):
    name = "counting"

    def __init__(self, base: Any) -> None:
        self.calls: Counter = Counter()
        super().__init__(base)

    def wrap(self, name: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return function(*args, **kwargs)

        return call


ARITHMETIC = ("linear", "max", "subtract", "exp", "sum", "divide")


def counts(counting: Counting) -> dict[str, int]:
    return {name: n for name, n in counting.calls.items() if name in ARITHMETIC}


def test_counting_calls() -> None:
    """Of a Dense layer and softmax: as many with numbers as without."""
    dense = lamina.layers.Dense(4)
    dense.build((None, 3))
    program = lambda x: lamina.ops.softmax(dense(x))
    with interpreter(Counting(backends.load("numpy"))) as numbers:
        y = program(numbers.asarray(np.ones((2, 3), "float32")))
    np.testing.assert_allclose(np.sum(y, -1), 1, rtol=1e-6)
    shapes = Counting(SHAPES)
    found = infer(lambda specs: program(specs[0]), [((2, 3), "float32")], shapes)
    assert found.shape == (2, 4)
    assert counts(numbers)["linear"] == counts(numbers)["exp"] == 1
    assert counts(numbers) == counts(shapes)


class Cost(Interpreter):
    name = "cost"
    overrides, fused = {}, Fused()  # to see every operation
    multiplications, times = 0, 1

    def matmul(self, x1: Any, x2: Any) -> Any:
        self.multiplications += self.times * math.prod(x1.shape) * x2.shape[-1]
        return self.base.matmul(x1, x2)

    def linear(self, x: Any, kernel: Any, bias: Any) -> Any:
        self.multiplications += self.times * math.prod(x.shape) * kernel.shape[-1]
        return self.base.linear(x, kernel, bias)

    def scan(self, f: Any, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> Any:
        self.times *= length
        try:
            return self.base.scan(f, init, xs, length, reverse, unroll)
        finally:
            self.times //= length


def test_the_body_of_a_loop_is_counted_as_often_as_it_runs() -> None:
    layer = lamina.layers.SimpleRNN(5)
    layer.build((2, 7, 3))
    cost = Cost(SHAPES)
    y = infer_call(layer, (lamina.KerasTensor((2, 7, 3)),), {}, cost)
    assert y.shape == (2, 5)
    assert cost.multiplications == 2 * 7 * 3 * 5 + 7 * 2 * 5 * 5
    with interpreter(Cost(backends.load("numpy"))) as k:  # here the body runs seven times
        layer(k.asarray(np.ones((2, 7, 3), "float32")))
    assert k.multiplications == 2 * 7 * 3 * 5 + 7 * 7 * 2 * 5 * 5


def test_a_loop_of_steps_without_numbers() -> None:
    seen = []

    def step(state: Any, rows: Any) -> Any:
        seen.append(rows.shape)
        return state + SHAPES.sum(rows)

    spec = lambda *shape: SHAPES.zeros(shape, "float32")
    run = SHAPES.loop(step, True, finish=lambda state: (state, state))
    found = run(spec(), spec(100, 3), SHAPES.zeros((5, 20), "int32"), 0, 5, shared=[True])
    assert [f.shape for f in found] == [(), ()]
    assert seen == [(20, 3)]


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_functions_are_the_frameworks_own(name: str) -> None:
    """One look-up and no call between: each lies in the object itself."""
    if name not in backends.installed():
        pytest.skip("not installed")
    k = backends.load(name)
    for function in contract.functions():
        assert vars(k)[function] is getattr(k.base, function)
    assert copy.deepcopy({"k": k})["k"] is k
    assert repr(k) == f"<interpreter '{name}'>"


def test_what_is_derived_compiles() -> None:
    """torch's compiler traces through an interpreter, and through one that stands on it, in one program."""
    torch = pytest.importorskip("torch")
    for k in (backends.load("torch"), Cost(backends.load("torch"))):
        x, w = torch.ones(2, 3), torch.ones(3, 4)
        program = torch.compile(
            lambda x, w, k=k: k.exp(k.linear(x, w, None)), backend="eager", fullgraph=True
        )
        torch.testing.assert_close(program(x, w), torch.exp(x @ w))


def test_fused_forms_are_optional() -> None:
    assert not any(Fused().offers(n) for n in vars(Fused) if n[0] != "_" and n != "offers")
    assert Fused().global_norm([]) is contract.MISSING
    if "torch" in backends.installed():
        assert backends.load("torch").fused.offers("adam")
