"""Each row of every kind of data is seen once, by however many devices and processes; of what has numbers, none reads others' rows."""

import pytest
from test_processes import SPREAD, run

ONCE = [45.0, 45 * 44 / 2, 44 * 45 * 89 / 6]


def seen_once(folder, which, backend, how):
    found = [one[f"sources:{which}"] for one in run(folder, [f"sources:{which}"], backend=backend, **how)]
    for one in found:
        assert one["seen"] == dict.fromkeys(one["seen"], ONCE)
    first = found[0]
    assert {"arrays", "memory map", "dataset", "own, none", "own generator"} <= set(first["seen"])
    for name in first["read"]:
        read = [set(one["read"][name]) for one in found]
        assert set().union(*read) == set(range(45)), name
        if len(found) == 2:  # the last batch, of five, does not divide: each computes on all of it
            assert read[0] & read[1] == (set() if name.startswith("own") else set(range(40, 45))), name
    return set(first["seen"])


@pytest.mark.parametrize("backend", SPREAD)
def test_two_processes(tmp_path, backend):
    seen_once(tmp_path, "quick", backend, SPREAD[backend][-1])


@pytest.mark.slow
@pytest.mark.parametrize("how", SPREAD["jax"], ids=str)
def test_on_jax(tmp_path, how):
    seen_once(tmp_path, "all", "jax", how)


@pytest.mark.slow
def test_on_torch(tmp_path):
    seen_once(tmp_path, "all", "torch", SPREAD["torch"][0])
