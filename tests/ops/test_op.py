"""`@op` itself: what it is told must be true, what a call costs, and which body runs inside another one."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import ops
from lamina.kernel.context import current
from lamina.ops.op import OPS, Op, op

ops.load_all()


def body(k: Any, x: Any, y: Any = None, *, axis: int = -1) -> Any: ...


def body_of_many(k: Any, *xs: Any) -> Any: ...


@pytest.mark.parametrize(
    ("declare", "body", "text"),
    [
        (lambda: op("z"), body, "the tensor 'z' is none of its positional parameters ('x', 'y')"),
        (lambda: op("axis"), body, "the tensor 'axis' is none of its positional parameters ('x', 'y')"),
        (lambda: op(lists=("xs",)), body, "the tensor 'xs' is none of its positional"),
        (lambda: op("x", given=("key",)), body, "'key' is none of its parameters ('x', 'y', 'axis')"),
        (lambda: op("x", "x"), body, "a parameter is declared twice"),
        (lambda: op("x", lists=("x",)), body, "a parameter is declared twice"),
        (lambda: op("x", promote=True, only=("y",)), body, "only=('y',) are not all among its tensors"),
        (lambda: op("x", scalars=True), body, "say how to promote, and it does not"),
        (lambda: op("x", promote="floats"), body, "promote must be False, True or 'float', got 'floats'"),
        (lambda: op("xs"), body_of_many, "'xs' is none of its positional parameters ('*xs',)"),
        (lambda: op(), body_of_many, "must be declared as tensors: @op('*xs')"),
    ],
)
def test_a_wrong_declaration_is_an_error(declare: Callable, body: Callable, text: str) -> None:
    before = dict(OPS)
    with pytest.raises(TypeError) as error:
        declare()(body)
    assert str(error.value).startswith(f"@op on {body.__module__}.{body.__name__}: ")
    assert text in str(error.value)
    assert before == OPS


@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_declared_tensors_are_those_of_the_signature(op: Op) -> None:
    """What is written for the reader (`x: Tensor`) and what `@op` is told agree: nothing is forgotten."""
    notes = {name: str(p.annotation) for name, p in inspect.signature(op.body).parameters.items()}
    assert list(op.tensors) == [name for name in op.parameters if "Tensor" in notes[name]]
    assert op.lists == {name for name in op.parameters if "Sequence[Tensor" in notes[name]}


def test_the_public_function_has_the_parameters_of_the_body() -> None:
    for what in OPS.values():
        wanted = list(inspect.signature(what.body).parameters.values())[1:]
        code = what.function.__code__
        kept = [p.name for p in wanted if p.kind is not p.VAR_POSITIONAL and p.kind is not p.VAR_KEYWORD]
        assert list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]) == kept
        assert list(inspect.signature(what.function).parameters.values()) == wanted
        assert what.function.__defaults__ == what.body.__defaults__


def frames(call: Callable[[], Any]) -> list[str]:
    """The functions of Lamina that a call enters."""
    folder = str(Path(lamina.__file__).parent)
    entered: list[str] = []

    def note(frame: Any, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event == "call" and (name.startswith(folder) or name == "<lamina.ops.caller>"):
            entered.append(frame.f_code.co_name)

    call()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered


def test_a_call_enters_the_caller_and_the_body() -> None:
    with lamina.backend("jax"):
        x = ops.ones((2, 3))
        c = ops.greater(x, 0.0)
        assert frames(lambda: ops.softmax(x)) == ["call", "softmax"]
        assert frames(lambda: ops.add(x, x)) == ["call", "add"]
        assert frames(lambda: ops.add(x, 1.0)) == ["call", "add"]
        assert frames(lambda: ops.where(c, x, 0.0))[:2] == ["call", "where"]
        kernel = ops.ones((3, 2))
        assert frames(lambda: ops.matmul(x, kernel))[:2] == ["call", "matmul"]


def calls_of_bodies() -> list[str]:
    """`another.op.body`, or a call of it, in the package: it would skip the native override."""
    folder = Path(lamina.__file__).parent
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            inner = (
                node.value if isinstance(node, ast.Attribute) and node.attr in ("body", "bodies") else None
            )
            if isinstance(inner, ast.Attribute) and inner.attr == "op":
                found.append(f"{path.relative_to(folder)}:{node.lineno}")
    return found


def test_no_op_calls_the_body_of_another() -> None:
    assert calls_of_bodies() == []


def graph_of(y: Any) -> set[str]:
    """The names of torch's nodes behind a result."""
    nodes, left = set(), [y.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            left.extend(parent for parent, _ in node.next_functions)
    return {node.name() for node in nodes}


CALLS: Sequence[tuple[str, Callable[[Any], Any], str]] = [
    (
        "categorical",
        lambda x: ops.categorical_crossentropy(np.eye(3, dtype="float32"), x, from_logits=True),
        "LogSoftmaxBackward0",
    ),
    (
        "sparse",
        lambda x: ops.sparse_categorical_crossentropy(np.arange(3), x, from_logits=True),
        "LogSoftmaxBackward0",
    ),
    (
        "ctc",
        lambda x: ops.ctc_loss(np.ones((1, 1), "int32"), ops.expand_dims(x, 0), np.ones(1, "int32"), np.full(1, 3)),
        "LogSoftmaxBackward0",
    ),
    ("relu of activations", lambda x: lamina.activations.relu(x), "ReluBackward0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "node"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_an_op_inside_another_is_native_where_it_has_a_native_form(call: Callable, node: str) -> None:
    with lamina.backend("torch"):
        x = ops.convert_to_tensor(np.eye(3, dtype="float32")).requires_grad_()
        assert node in graph_of(call(x))


def test_selu_composes_the_elu_in_force() -> None:
    """SELU itself is native on torch, so its composed definition runs here, on torch's ELU."""
    with lamina.backend("torch"):
        x = ops.convert_to_tensor(np.eye(3, dtype="float32")).requires_grad_()
        composed = OPS["Selu"].body(current(), x)
        assert "EluBackward0" in graph_of(composed)
        np.testing.assert_allclose(composed.detach(), ops.selu(x).detach(), rtol=1e-6)


def test_a_native_form_may_decline() -> None:
    """A tuple of axes is not torch's softmax: the composed definition answers, alone and inside another op."""
    with lamina.backend("torch"):
        x = np.random.default_rng(1).normal(size=(2, 3)).astype("float32")
        both = np.exp(x) / np.exp(x).sum()
        np.testing.assert_allclose(ops.softmax(x, (0, 1)), both, rtol=1e-5)
        np.testing.assert_allclose(ops.log_softmax(x, (0, 1)), np.log(both), rtol=1e-5)
