"""Settings that hold before any test module is imported. Its folder is on the path, so tests share `oracle.py`."""

import contextlib
import ctypes
import gc
import os
import resource
import sys
from typing import Any

import pytest

MOST = 7 << 28  # bytes that a worker may hold before programs are given back

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("LAMINA_COMPILE_CACHE", "0")  # tests leave nothing in the home folder
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # workers share the cores: threads that wait for each other at each operation would wait for other workers
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))


def pytest_configure() -> None:
    """XLA compiles thousands of tiny programs here, and steps of training.

    They are compiled without LLVM's costly passes and with the emitters of kernels that XLA had before MLIR, in two thirds
    of the time. XLA reads its flags once; processes that tests start have the users' again.
    """
    try:
        import jax
    except ImportError:
        return
    before = os.environ.get("XLA_FLAGS", "")
    quick = "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false"
    os.environ["XLA_FLAGS"] = f"{quick} {before}".strip()
    jax.jit(lambda: 0)()
    os.environ["XLA_FLAGS"] = before


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: Any) -> None:
    """Where tests compare the bits of steps, or how steps are compiled, XLA compiles these as users have them."""
    if "jax" in sys.modules:
        from lamina.backends.jax.cpu import plan

        plan.for_every_step.clear()
        if item.get_closest_marker("steps_as_users_have_them"):
            plan.for_every_step.update(xla_backend_optimization_level=3, xla_cpu_use_fusion_emitters=True)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Tests that share what they compare with run one after the other, so that one worker makes it, once.

    A module says what that is: `shares`, a function of a test's parameters. Tests with the same answer stay together.
    """
    by_module: dict[Any, dict[Any, list[Any]]] = {}
    for item in items:
        module = getattr(item, "module", None)
        shares, callspec = getattr(module, "shares", None), getattr(item, "callspec", None)
        answer = shares(callspec.params) if shares is not None and callspec is not None else None
        by_module.setdefault(module, {}).setdefault(answer, []).append(item)
    items[:] = [item for groups in by_module.values() for group in groups.values() for item in group]


def pytest_collection_finish() -> None:
    """What three frameworks and all tests leave in memory is not walked again by each full collection."""
    gc.freeze()


class Room:
    """Gives back what frameworks keep of thousands of programs, once a worker holds much."""

    def __init__(self) -> None:
        self.limit, self.tests = MOST, 0

    def look(self) -> None:
        """After each test; what it compiled may have to be compiled again, so it is done seldom."""
        self.tests += 1
        if self.tests % 25 or held() < self.limit:
            return
        if "jax" in sys.modules:
            sys.modules["jax"].clear_caches()
        if "torch._dynamo" in sys.modules:
            sys.modules["torch._dynamo"].reset()
        gc.collect()
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
        self.limit = max(MOST, held() + (256 << 20))  # the tests' own fixtures stay


def held() -> int:
    """Resident bytes of this process, 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


room = Room()
peaks: list[int] = []


def pytest_runtest_teardown() -> None:
    room.look()


def pytest_sessionfinish(session: Any) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """What the workers held, told by them when they end."""
    peaks.append(getattr(node, "workeroutput", {}).get("peak", 0))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if peaks:
        terminalreporter.write_line(f"most memory of a worker: {max(peaks) / 2**20:.1f} GB")
