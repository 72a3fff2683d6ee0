"""Faults of a run of several processes that nobody but themselves started: nothing hangs, and what happened is said."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from tests.distribution import kills
from tests.distribution.kills import by_hand, started

BACKENDS = ["jax", "torch", "tensorflow"]
FAULTY = pathlib.Path(__file__).parent / "processes" / "faulty.py"
REFUSED = {
    "units": [r"weight '.*up/kernel' \(4, 4\) float32, process 0 \(4, 3\) float32", r"down/kernel' \(4, 1\)"],
    "rate": [r"optimizer SGD .*0\.2.*, process 0 SGD .*0\.1"],
    "batch": ["data batch size 16, process 0 8", "data batches 2, process 0 4"],
    "rows": [
        "data batch size 16, process 0 32",
        r"shape \(16, 4\) float32, process 0 shape \(32, 4\) float32",
    ],
    "labels": [r"data array 1 of shape \(32, 1\) float32, process 0 shape \(32,\) float32"],
    "folder": [r"process 1 has resume no state in '.*/1', process 0 no state in '.*/0'"],
    "seed": [r"process 1 has random seed \d+, process 0 \d+"],
}


def faulty(folder: pathlib.Path, backend: str, *arguments: str) -> tuple[list[int], list[str], float]:
    return started(folder, [str(FAULTY), *arguments], backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_differs_is_said_and_one_that_is_killed_ends_the_other(
    tmp_path: pathlib.Path, backend: str
) -> None:
    states, texts, _ = faulty(tmp_path, backend, "kill", str(tmp_path))
    for text in texts:
        told = dict(re.findall(r"REFUSED (\w+): (.*)", text))
        assert set(told) == set(REFUSED), text
        for name, words in REFUSED.items():
            assert all(re.search(word, told[name]) for word in words), told[name]
        assert "TAKEN nothing" in text
    assert states == [75, -9], texts
    assert re.search(
        r"lamina: process 1 of 2 \(pid \d+ on .*\) does not answer any more: it was killed", texts[0]
    )


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("end", "says", "failed"),
    [
        ("error", r"process 1 of 2 \(.*\) ended with ValueError: of the user\. This process ends, too", [75, 1]),
        ("exit", r"process 1 of 2 \(.*\) has come to the end of its script, and process 0 of 2 \(.*\) is in step", None),
        ("uneven", r"process 1 of 2 \(.*\) waits at the end of epoch 1, and process 0 of 2 \(.*\) is in step", None),
        ("other line", r"process 0 .* waits at the beginning of `fit`, and process 1 .* waits at the beginning of `evaluate`", None),
        ("save alone", r"process 0 .* waits at the beginning of `fit`, and process 1 .* waits at the saving of .*alone", None),
    ],
    ids=lambda value: value.replace(" ", "_") if isinstance(value, str) and len(value) < 12 else "",
)  # fmt: skip
def test_one_that_does_something_else(
    tmp_path: pathlib.Path, backend: str, end: str, says: str, failed: list[int] | None
) -> None:
    states, texts, _ = faulty(tmp_path, backend, end, str(tmp_path / "alone.keras"))
    assert re.search(says, texts[0]), texts
    assert states[0] == 75, texts
    assert failed is None or states == failed
    assert "ENDED" not in texts[0]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_one_that_is_slow_is_named(tmp_path: pathlib.Path, backend: str) -> None:
    states, texts, _ = faulty(tmp_path, backend, "slow")
    assert states == [0, 0], texts
    found = re.findall(
        r"lamina: epoch (\d): process 1 took [\d.]+ times as long as the others \(data \d+%\)", texts[0]
    )
    assert "2" in found, texts  # the first one may be spent with compiling, whatever the data takes
    assert "times as long" not in texts[1]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_goes_on_with_other_numbers_of_processes(tmp_path: pathlib.Path, backend: str) -> None:
    """Killed in the second epoch with two processes; on with one, two and four, from the same place in the data."""
    whole = tmp_path / "whole"
    kills.reference(whole, backend, 2)
    stopped = tmp_path / "stopped"
    stopped.mkdir()
    states, texts, _ = by_hand(stopped, [[1, "step", 7]], backend, 2, 0)
    assert states == [75, -9], texts
    for processes in (1, 2, 4):
        folder = tmp_path / str(processes)
        shutil.copytree(stopped, folder)
        states, texts, _ = by_hand(folder, [], backend, processes, 0)
        assert states == [0] * processes, texts
        if processes == 2:
            assert kills.ends_alike(folder, whole)
        with np.load(folder / "end.npz") as one, np.load(whole / "end.npz") as other:
            assert set(one) == set(other)
            for name in one:
                np.testing.assert_allclose(one[name], other[name], 1e-5, 1e-5, err_msg=f"{processes} {name}")


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_killed_again_and_again(tmp_path: pathlib.Path, backend: str) -> None:
    """Three kills of a run that was started by hand, three of one that `lamina launch` starts anew."""
    out = tmp_path / "kills.jsonl"
    assert kills.main(["--count", "6", "--backend", backend, "--out", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["started"] for line in lines} == {"by hand", "launch"}
    assert all(line["equal"] and all(kill["named"] for kill in line["kills"]) for line in lines)
