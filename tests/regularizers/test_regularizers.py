"""Regularizers compute what Keras's compute, on all backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras

from lamina import backends, regularizers
from lamina.kernel.context import interpreter

CASES: list[tuple[str, dict[str, Any]]] = [
    ("L1", {}), ("L1", {"l1": 0.3}), ("L2", {}), ("L2", {"l2": 0.5}), ("L1L2", {}), ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("L1L2", {"l2": 0.2}), ("OrthogonalRegularizer", {}), ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]  # fmt: skip
WEIGHTS = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_penalties(case: tuple[str, dict[str, Any]], backend: str) -> None:
    name, arguments = case
    columns = arguments.get("mode") == "columns"  # which in Keras works for square matrices only
    theirs = getattr(keras.regularizers, name)(**arguments | ({"mode": "rows"} if columns else {}))
    wanted = float(theirs(WEIGHTS.T if columns else WEIGHTS))
    with interpreter(backends.load(backend)) as k:
        assert float(getattr(regularizers, name)(**arguments)(k.asarray(WEIGHTS))) == pytest.approx(
            wanted, rel=1e-6
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_configs(case: tuple[str, dict[str, Any]]) -> None:
    name, arguments = case
    ours, theirs = getattr(regularizers, name)(**arguments), getattr(keras.regularizers, name)(**arguments)
    assert (
        ours.get_config() == pytest.approx(theirs.get_config(), rel=1e-6)
        if "mode" not in ours.get_config()
        else True
    )
    assert ours.get_config().keys() == theirs.get_config().keys()
    again = regularizers.deserialize(regularizers.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    assert type(keras.regularizers.deserialize(regularizers.serialize(ours))) is type(theirs)


def test_identifiers() -> None:
    for name in ("l1", "l2", "l1_l2", "l1l2", "L1L2", "orthogonal_regularizer", "OrthogonalRegularizer"):
        assert isinstance(regularizers.get(name), regularizers.Regularizer)
    with pytest.raises(ValueError, match=r"Unknown regularizer: 'l1l3'. Did you mean"):
        regularizers.get("l1l3")
    assert regularizers.get(None) is None


@pytest.mark.parametrize("bad", [-1.0, "a", float("nan"), float("inf"), True])
def test_bad_factors(bad: Any) -> None:
    with pytest.raises(ValueError, match="`l1` must"):
        regularizers.L1(bad)


def test_bad_shapes_and_modes() -> None:
    with pytest.raises(ValueError, match="matrices only"):
        regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2), "float32"))
    with pytest.raises(ValueError, match="'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="all")
    assert float(regularizers.OrthogonalRegularizer()(np.ones((1, 3), "float32"))) == 0.0
