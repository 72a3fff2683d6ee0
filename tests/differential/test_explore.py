"""The short form of the explorer: the first cases of each kind, and that a difference would be found."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from explore import HERE, Difference, Explorer

from lamina.core.layer import Layer

FIRST, CASES = 0, 160


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer()


def test_the_first_cases_are_alike(explorer: Explorer) -> None:
    found: list[Difference] = [d for number in range(FIRST, FIRST + CASES) for d in explorer.run(number)]
    assert not found, "\n".join(
        f"case {d.case}: {d.subject} | {d.fact}: {d.theirs} / {d.ours} | {d.said}" for d in found
    )


def test_a_case_is_the_same_each_time(explorer: Explorer) -> None:
    explorer.decided, kept = [], explorer.decided
    try:
        first, again = (
            [[(d.subject, d.fact) for d in explorer.run(number)] for number in (8, 30, 31)] for _ in range(2)
        )
    finally:
        explorer.decided = kept
    assert first == again
    assert any(first)  # without the lines of decided.toml there are differences


def test_a_difference_is_found(explorer: Explorer, monkeypatch: Any) -> None:
    monkeypatch.setattr(Layer, "trainable", False)
    found = [d.fact for number in range(6) for d in explorer.run(number)]
    assert "trainable" in found


def test_each_decision_has_a_reason() -> None:
    for line in tomllib.loads((HERE / "decided.toml").read_text())["decided"]:
        assert line["where"]
        assert len(line["reason"]) > 5


def test_every_kind_has_tests_that_are_there() -> None:
    for kind, tests in tomllib.loads((HERE / "kinds.toml").read_text()).items():
        assert tests, kind
        for test in tests:
            file, _, name = test.partition("::")
            assert f"def {name}" in (HERE.parent / file).read_text(), test
