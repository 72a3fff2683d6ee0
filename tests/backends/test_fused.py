"""Every fused form of every backend gives what the composed form gives. (`lstm`, `gru`: tests/layers/test_recurrent.py)"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamina import backends, optimizers
from lamina.kernel.contract import Fused, Unfit
from lamina.optimizers import clipping

NAMES = backends.installed()
FORMS = [name for name in vars(Fused) if name[0] != "_" and name not in ("offers", "projects_in_turn")]
oracle = backends.load("numpy")


def offered(form: str) -> list[str]:
    return [name for name in NAMES if backends.load(name).fused.offers(form)]


def column(seed: int, positive: bool = False) -> list[np.ndarray]:
    """One array per variable; the last is larger than what torch's form takes at once."""
    rng = np.random.default_rng(seed)
    found = [rng.standard_normal(shape).astype("float32") for shape in ((3, 4), (5,), (400, 400))]
    return [np.abs(x) for x in found] if positive else found


def composed(rule: Any, columns: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """The rule, variable by variable, on NumPy: its results in columns."""
    rows = [rule(oracle, *row) for row in zip(*columns, strict=True)]
    return [list(new) for new in zip(*rows, strict=True)]


def close(k: Any, found: Any, wanted: Any) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(k.to_numpy(a), b, rtol=1e-5, atol=1e-6)


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.1),
    "sgd momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "sgd nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.1),
    "rmsprop centered": lambda: optimizers.RMSprop(0.1, momentum=0.9, centered=True),
    "rmsprop momentum": lambda: optimizers.RMSprop(0.1, momentum=0.9),
    "adam": lambda: optimizers.Adam(0.1),
    "adam amsgrad": lambda: optimizers.Adam(0.1, amsgrad=True),
}


def transposed(k: Any, x: np.ndarray) -> Any:
    """The same elements in another order of memory, as the gradients that a native LSTM gives its kernels."""
    return k.permute_dims(k.asarray(np.ascontiguousarray(x.T)), list(reversed(range(x.ndim))))


@pytest.mark.parametrize("order", ["as the variables", "transposed"])
@pytest.mark.parametrize("label", OPTIMIZERS)
def test_updates(label: str, order: str) -> None:
    optimizer = OPTIMIZERS[label]()
    count = sum(map(len, optimizer.slot_groups()))
    arrays = [column(0), column(1), *[column(2 + i, positive=True) for i in range(count)]]
    if count:  # a mean of squares is larger than the square of the mean
        arrays[2] = [x + 20 for x in arrays[2]]
    rate = np.float32(0.05)
    wanted = composed(lambda k, p, g, *slots: optimizer.rule(k, p, g, rate, *slots), arrays)
    for name in offered(optimizer.fused):
        k = backends.load(name)
        p, g, *slots = [[k.copy(k.asarray(x)) for x in xs] for xs in arrays]
        if order == "transposed":
            g = [transposed(k, x) for x in arrays[1]]
        assert optimizer.run_fused(k.fused, p, g, slots, k.asarray(rate)) is None
        for found, expected in zip([p, *slots], wanted, strict=True):
            close(k, found, expected)
        close(k, g, arrays[1])


@pytest.mark.parametrize("name", offered("foreach_in_place"))
def test_foreach(name: str) -> None:
    k = backends.load(name)
    rule = lambda k, a, b, c: (k.maximum(a, 0.1) - c * 2.0, k.sqrt(k.abs(b)) / (1.0 + k.square(c)))
    arrays = [column(0), column(1), column(2)]
    wanted = composed(rule, arrays)
    a, b, c = [[k.copy(k.asarray(x)) for x in xs] for xs in arrays]
    close(k, k.fused.foreach(lambda k, *xs: rule(k, *xs)[0], [a, b, c]), wanted[0])
    close(k, a, arrays[0])  # in new memory
    assert k.fused.foreach_in_place(rule, [a, b], [c]) is None
    close(k, a, wanted[0])
    close(k, b, wanted[1])


@pytest.mark.parametrize("name", offered("global_norm"))
def test_global_norm(name: str) -> None:
    k, arrays = backends.load(name), column(0)
    wanted = clipping.global_norm(oracle, arrays)
    np.testing.assert_allclose(float(k.fused.global_norm(list(map(k.asarray, arrays)))), wanted, rtol=1e-5)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("name", offered("recurrence"))
def test_recurrence(name: str, keep: bool, backwards: bool) -> None:
    k, rng = backends.load(name), np.random.default_rng(0)
    x, h, w = (rng.standard_normal(s).astype("float32") for s in ((5, 2, 3), (2, 3), (3, 3)))
    state, outputs = h, []
    for row in x[::-1] if backwards else x:
        state = np.tanh(row + state @ w)
        outputs.append(state)
    update = lambda sums, states: [k.tanh(sums)]
    found, last = k.fused.recurrence(
        update, k.asarray(x), [k.asarray(h)], k.asarray(w), backwards=backwards, keep=keep
    )
    close(k, last, [state])
    if keep:
        close(k, [found], [np.stack(outputs[::-1] if backwards else outputs)])
    else:
        assert found == ()


def test_every_form_has_a_test_and_some_backend() -> None:
    assert {form: bool(offered(form)) for form in FORMS} == dict.fromkeys(FORMS, True)
    tested = {"recurrence", "foreach", "foreach_in_place", "global_norm", "lstm", "gru"}
    assert tested | {label.partition(" ")[0] for label in OPTIMIZERS} == set(FORMS)


def test_backends_get_no_object_of_the_library() -> None:
    """`optimizer.beta_1` in a backend would be a second contract."""
    folder = backends.__path__[0]
    import pathlib
    import re

    guilty = [
        f"{path.name}: {line.strip()}"
        for path in pathlib.Path(folder).rglob("*.py")
        if path.name
        not in ("module.py", "trackable.py")  # what makes a layer a guest of a framework knows layers
        for line in path.read_text().splitlines()
        if re.search(
            r"\b(optimizer|layer|model|cell)\.\w|lamina\.(layers|optimizers|core|models|training)\b", line
        )
        and not line.lstrip().startswith(("#", '"'))
    ]
    assert guilty == []


def test_unfit_says_why() -> None:
    assert isinstance(
        Fused().lstm(None, [], None, None, None, None, backwards=False, zero_masked=False), Unfit
    )
    assert Fused().foreach(None, []).reason == "there is none"
