"""Constraints compute what Keras's compute, on all backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras

from lamina import backends, constraints
from lamina.kernel.context import interpreter

CASES: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}), ("MaxNorm", {"max_value": 0.5, "axis": 1}), ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("NonNeg", {}), ("UnitNorm", {}), ("UnitNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {}), ("MinMaxNorm", {"min_value": 2.0, "max_value": 3.0, "rate": 0.3, "axis": 1}),
]  # fmt: skip
WEIGHTS = [
    np.random.default_rng(1).normal(size=(4, 3)).astype("float32"), np.zeros((2, 3), "float32"),
    np.full((2, 2), 1e4, "float32"),
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_weights(case: tuple[str, dict[str, Any]], backend: str) -> None:
    name, arguments = case
    for weights in WEIGHTS:
        wanted = np.asarray(getattr(keras.constraints, name)(**arguments)(weights))
        with interpreter(backends.load(backend)) as k:
            found = k.to_numpy(getattr(constraints, name)(**arguments)(k.asarray(weights)))
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_configs(case: tuple[str, dict[str, Any]]) -> None:
    name, arguments = case
    ours, theirs = getattr(constraints, name)(**arguments), getattr(keras.constraints, name)(**arguments)
    assert ours.get_config() == theirs.get_config()
    assert constraints.serialize(ours) == keras.constraints.serialize(theirs)
    again = constraints.deserialize(constraints.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()


def test_identifiers() -> None:
    for name in ("max_norm", "MaxNorm", "non_neg", "NonNeg", "unit_norm", "min_max_norm"):
        assert isinstance(constraints.get(name), constraints.Constraint)
    with pytest.raises(ValueError, match=r"Unknown constraint: 'unit_nrm'. Did you mean 'unit_norm'"):
        constraints.get("unit_nrm")
    with pytest.raises(NotImplementedError, match="__call__"):
        constraints.Constraint()(1.0)
