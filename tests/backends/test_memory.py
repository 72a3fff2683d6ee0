"""Freed memory stays with the process, unless somebody has said otherwise."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lamina.backends import memory

PROGRAM = """
import numpy as np, resource
from lamina.backends.memory import keep_pages
print(keep_pages())
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(5_000_000)
before = faults()
for _ in range(5):
    np.ones(5_000_000)
print(faults() - before)
"""

HOLES = """
import numpy as np
from lamina.backends.memory import give_back, keep_pages
size = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
keep_pages()
blocks = [np.ones(130_000) for _ in range(200)]
del blocks[:-1]  # the last one holds the top of the heap
before = size()
give_back()
print(True, before - size())
"""

GAPS = """
import numpy as np
from lamina.backends import memory
from lamina.backends.memory import give_back, keep_pages
place = lambda array: array.__array_interface__["data"][0]
keep_pages()
blocks = [np.ones(4_000) for _ in range(400)]
end = max(map(place, blocks))
del blocks[::2]
give_back()
held = len(memory._aside)
print(all(place(np.empty(3_000 + i)) > end for i in range(20)), end=" ")
give_back()
print(len(memory._aside) - held)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc")


def run(program: str = PROGRAM, **environment: str) -> tuple[bool, int]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", program], env=kept | environment, capture_output=True, text=True, check=True
    )
    answer, faults = done.stdout.split()
    return answer == "True", int(faults)


@glibc
def test_pages_are_used_again() -> None:
    answer, faults = run()
    assert answer
    assert faults < 100


@glibc
@pytest.mark.parametrize("name", ["LAMINA_KEEP_MEMORY", "MALLOC_TOP_PAD_", "GLIBC_TUNABLES"])
def test_others_decide(name: str) -> None:
    answer, faults = run(**{name: "glibc.malloc.tcache_count=7" if name == "GLIBC_TUNABLES" else "0"})
    assert not answer
    assert faults > 100


@glibc
def test_free_pages_are_given_back_when_asked() -> None:
    assert run(HOLES)[1] > 150e6


@glibc
def test_what_a_compiler_leaves_serves_no_request() -> None:
    beyond, more = run(GAPS)
    assert beyond
    assert more < 20  # what was set aside before is free before more is


@glibc
def test_nothing_is_set_aside_where_malloc_lays_blocks_out_in_another_way() -> None:
    """As with jemalloc preloaded: all that was asked for goes back."""
    freed = []
    counter = itertools.count(0, 1_000_000)
    libc = SimpleNamespace(malloc=lambda size: next(counter) + 1, free=freed.append)
    assert memory._gaps(libc, 4096) == []
    assert len(freed) == memory._MOST // 4096


def test_nothing_is_opened_where_nothing_was_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux there may be no such library to load."""
    monkeypatch.setattr(memory, "_libc", None)
    monkeypatch.setattr(memory, "_aside", [])
    monkeypatch.setattr(memory, "_opened", False)
    memory.open_gaps()
    memory.close_gaps()
