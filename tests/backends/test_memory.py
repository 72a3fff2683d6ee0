"""malloc is left alone until Lamina trains, then told to keep a bounded amount; more where it is asked for."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.steps_as_users_have_them

PROGRAM = """
import numpy as np, resource
from lamina.backends import process
size = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096

def faults(count):  # pages that five arrays take one after the other, the first of which is not counted
    np.ones(count)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(count)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

MIDDLE, LARGE = 2_000_000, 6_000_000  # of 16 and of 48 MB
"""
TRAINING = "print(process.keep_memory_for_training(), faults(MIDDLE) < 100, faults(LARGE) < 100)"
ASKED = "process.keep_memory_if_asked(); print(process._kept, faults(MIDDLE) < 100, faults(LARGE) < 100)"
GIVEN_BACK = """
process.keep_memory(True)
blocks = [np.ones(130_000) for _ in range(200)]
del blocks[:-1]  # the last one holds the top of the heap
before = size()
print(process.keep_memory(False), before - size() > 150e6)
"""
ENDED = """
with process.training():
    process.keep_memory_for_training()
    with process.training():  # of another thread, say
        blocks = [np.ones(6_000_000) for _ in range(10)]
        top = np.ones(130_000)  # holds the top of the heap
        del blocks
        begin = size()
    print(size() == begin)
print(begin - size() > 200e6)  # 480 MB were free
del top
print(faults(MIDDLE) < 100)
"""
THREADS = """
import threading, ctypes
process.keep_memory_for_training()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def allocate():
    global place
    place = libc.malloc(100_000)
thread = threading.Thread(target=allocate)
thread.start()
thread.join()
print(abs(place - libc.malloc(100_000)) > 1 << 30)  # in an arena of its own
"""
FIT = """
import lamina
lamina.backend  # importing is not enough
from lamina import backends
backends.load(lamina.config.backend())
before = process._kept
model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
model.compile("sgd", "mse")
model.predict(np.ones((4, 2), "float32"), verbose=0)
between = process._kept
model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)
print(before, between, process._kept)
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc")


def run(program: str, **environment: str) -> list[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_", "LAMINA_"))}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        env=kept | {"LAMINA_COMPILE_CACHE": "0"} | environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


@glibc
def test_training_keeps_what_is_freed() -> None:
    assert run(TRAINING) == ["True", "True", "True"]


@glibc
def test_what_is_free_after_training_goes_back_but_for_the_bound() -> None:
    assert run(ENDED) == ["True", "True", "True"]


@glibc
@pytest.mark.parametrize(
    "environment",
    [
        {"LAMINA_KEEP_MEMORY": "0"}, {"LAMINA_LEAVE_PROCESS": "1"}, {"MALLOC_TOP_PAD_": "0"},
        {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=7"},
    ],
    ids=str,
)  # fmt: skip
def test_others_decide(environment: dict[str, str]) -> None:
    assert run(TRAINING, **environment)[0] == "False"


@glibc
def test_one_heap_that_keeps_all_is_asked_for() -> None:
    assert run(ASKED) == ["None", "False", "False"]
    assert run(ASKED, LAMINA_KEEP_MEMORY="1") == ["whole", "True", "True"]


@glibc
def test_memory_is_given_back_when_asked() -> None:
    assert run(GIVEN_BACK) == ["True", "True"]
    undone = "process.keep_memory(True); process.keep_memory(False); print(faults(MIDDLE) > 100)"
    assert run(undone) == ["True"]


@glibc
def test_threads_keep_their_arenas() -> None:
    assert run(THREADS) == ["True"]


@glibc
def test_nothing_is_set_before_training() -> None:
    assert run(FIT, LAMINA_BACKEND="torch") == ["None", "None", "bounded"]
