"""All that Lamina does to the process it is a guest in. No other file may: `tests/test_layout.py` looks.

Each effect has a reason, an end where it can have one, and an environment variable that switches it off (`EFFECTS`, and
the table in `docs/backends.md`). `LAMINA_LEAVE_PROCESS=1` switches all of them off.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, NamedTuple


class Effect(NamedTuple):
    """Something that Lamina does to the process."""

    what: str
    why: str
    when: str
    undone: str


EFFECTS: dict[str, Effect] = {  # by the environment variable that switches it off with the value 0
    "LAMINA_PAUSE_GC": Effect(
        "the garbage collector is off while a framework is imported; what exists then counts as old afterwards",
        "it would walk through a hundred thousand new modules and classes a dozen times",
        "a backend is loaded",
        "when the import ends",
    ),
    "LAMINA_LEAN_TENSORFLOW": Effect(
        "an import hook (`sys.meta_path`) fails `import keras` and `import jax` for the importing thread",
        "TensorFlow imports both ahead of use: half of its start, and 270 MB",
        "tensorflow is loaded",
        "when the import ends",
    ),
    "LAMINA_QUIET_TENSORFLOW": Effect(
        "`TF_CPP_MIN_LOG_LEVEL=2` unless it is set, and no warnings of retracing in TensorFlow's Python logger",
        "a page of notes about CPU features; Lamina's programs have one name, by which retracing is counted. "
        "Errors are shown",
        "tensorflow is loaded",
        "the variable when the import ends; the filter stays",
    ),
    "LAMINA_PLAIN_AUTOGRAPH": Effect(
        "`lamina` stands beside `keras` in TensorFlow's list of packages that AutoGraph takes as they are",
        "a `tf.function` of yours that calls a loss, a metric or an optimizer would be traced at a third of the speed, with "
        "warnings of Python that AutoGraph cannot read",
        "tensorflow is loaded",
        "never",
    ),
    "LAMINA_COMPILE_CACHE": Effect(
        "jax's compilation cache is a subfolder of `lamina.config.compile_cache()`",
        "the second run of a script starts without compiling. jax has one cache, so programs of yours go there, too, "
        "unless you gave it a folder (`JAX_COMPILATION_CACHE_DIR` or `jax.config`)",
        "jax is loaded",
        "`lamina.config.set_compile_cache(False)`",
    ),
    "LAMINA_KEEP_MEMORY": Effect(
        "malloc (glibc) serves large blocks from its heaps, too, and keeps what is freed; when `fit` ends, all but 256 MB "
        "goes back to the system. With the value 1 all memory comes from one heap, which every thread of the program "
        "shares and which keeps up to 1 GB",
        "a step that allocates 100 MB of intermediate results pays for 25,000 fresh pages each time",
        "the first training step on jax or torch; with 1 when a backend is loaded",
        "`lamina.config.keep_memory(False)`",
    ),
    "LAMINA_TRACE_GRADIENTS": Effect(
        "`torch._dynamo.config.trace_autograd_ops = True`, where torch has it (2.11)",
        "without it the gradient of a step splits its program in two",
        "the first program is compiled on torch",
        "never",
    ),
    "LAMINA_MIX_TENSORS": Effect(
        "torch's DTensors and plain tensors may meet in an operation (`implicit_replication`); a plain one counts as whole",
        "constants in a layer are plain tensors, and the same in every process",
        "a tensor is first laid on several devices on torch",
        "never",
    ),
    "LAMINA_CPU_DEVICES": Effect(
        "TensorFlow's CPU counts as so many devices as this variable says",
        "to try distributions out without them; `lamina launch --cpu --devices 8` sets it",
        "tensorflow is loaded, where the variable is set",
        "never",
    ),
    "LAMINA_TENSORFLOW_CLUSTER": Effect(
        "the variables `DTENSOR_JOBS`, `DTENSOR_CLIENT_ID` and `DTENSOR_JOB_NAME` are set",
        "TensorFlow reads from them, time and again, which processes there are",
        "`lamina.distribution.initialize()` on tensorflow, in one of several processes",
        "never",
    ),
    "LAMINA_HOLD_INTERRUPT": Effect(
        "Ctrl-C (SIGINT) waits for the end of a step that has taken over the weights' memory; a second one does not",
        "the weights would be lost",
        "a model is trained or evaluated in the main thread",
        "when that ends",
    ),
    "LAMINA_JAX_TUNING": Effect(
        "the affinity of the calling thread is one core while XLA's client of one thread is made",
        "XLA reads from it how many threads to make",
        "the first small loop of steps on jax, on a CPU",
        "at once",
    ),
    "LAMINA_WATCH_PROCESSES": Effect(
        "a thread watches the other processes of the run. Where one of them ends, this one is ended, too (`os._exit` with "
        "status 75, after its streams are flushed), if it does not end by itself within 3 seconds; after an error of its own "
        "it ends with status 1 without waiting for the others",
        "it would wait for ever in a collective, where no exception can reach it",
        "`lamina.distribution.initialize()` has joined several processes",
        "never; forks of the process do not watch",
    ),
    "LAMINA_AS_KERAS": Effect(
        "an import hook (`sys.meta_path`) and the modules it has made (`sys.modules`): `keras`, `tf_keras` and "
        "`tensorflow.keras` are Lamina",
        "scripts and packages written for Keras run unedited",
        "`lamina.install_as_keras()`, `lamina run`, or at the start of Python after `lamina alias on`",
        "`lamina.uninstall_as_keras()`",
    ),
}  # fmt: skip
_OFF = ("0", "off", "false", "no")


def allows(name: str) -> bool:
    """Whether an effect is switched on."""
    assert name in EFFECTS, name
    if os.environ.get("LAMINA_LEAVE_PROCESS", "0").lower() not in ("", *_OFF):
        return False
    return os.environ.get(name, "1").lower() not in _OFF


# The garbage collector


@contextmanager
def collector_paused() -> Iterator[None]:
    """What is made inside is taken for long-lived at once, as the modules and classes of a framework are.

    Objects of the user's that are alive count as old afterwards, too: they are walked again by full collections only.
    """
    if not allows("LAMINA_PAUSE_GC"):
        yield
        return
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what somebody has frozen stays so
            gc.freeze()
            gc.unfreeze()  # to the oldest generation, without a walk
        if working:
            gc.enable()


# Imports


class _Hidden(MetaPathFinder, Loader):
    """Finds packages, for others ask where they lie, but does not load them for the thread that made it."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.thread = names, threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.names or threading.get_ident() != self.thread:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} is not loaded together with TensorFlow.", name=module.__name__)


@contextmanager
def not_importing(*names: str) -> Iterator[None]:
    """Inside, importing these packages fails in this thread, if they are not loaded yet."""
    if not allows("LAMINA_LEAN_TENSORFLOW"):
        yield
        return
    finder = _Hidden(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def add_finder(finder: Any) -> None:
    """Ask this finder first for every module that is imported."""
    if finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)


def remove_finder(finder: Any) -> None:
    """Ask it no more."""
    while finder in sys.meta_path:
        sys.meta_path.remove(finder)


def take_modules(belongs: Callable[[str], bool]) -> dict[str, ModuleType]:
    """Take the loaded modules whose names belong out of `sys.modules`.

    Returns:
        Them by name, for `put_modules`.
    """
    return {name: sys.modules.pop(name) for name in list(sys.modules) if belongs(name)}


def put_modules(modules: dict[str, ModuleType]) -> None:
    """Make these the loaded modules of their names."""
    sys.modules.update(modules)


@contextmanager
def as_main_program(arguments: Sequence[str], folder: str) -> Iterator[None]:
    """Inside, `sys.argv` and the first place of `sys.path` are those of a script in this folder."""
    argv, path = sys.argv[:], sys.path[:]
    sys.argv[:] = arguments
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.argv[:], sys.path[:] = argv, path


# What frameworks print, trace and keep


@contextmanager
def tensorflow_quiet() -> Iterator[None]:
    """While TensorFlow is imported, which reads once how much it shall print; errors are printed in any case."""
    name = "TF_CPP_MIN_LOG_LEVEL"
    if name in os.environ or not allows("LAMINA_QUIET_TENSORFLOW"):
        yield
        return
    os.environ[name] = "2"
    try:
        yield
    finally:
        os.environ.pop(name, None)


def without_retracing_warnings(logger: Any) -> None:
    """They count by the name of a function, which is one and the same for all that `jit` compiles."""
    if allows("LAMINA_QUIET_TENSORFLOW"):
        logger.addFilter(_is_other)


def plain_to_autograph(package: str) -> None:
    """Let AutoGraph call what this package defines as it is; a TensorFlow without such a list converts it."""
    if not allows("LAMINA_PLAIN_AUTOGRAPH"):
        return
    with suppress(ImportError, AttributeError):
        from tensorflow.python.autograph.core import config

        config.CONVERSION_RULES = (config.DoNotConvert(package), *config.CONVERSION_RULES)


def _is_other(record: Any) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def simulate_cpus(tf: Any) -> None:
    """Let TensorFlow's CPU count as several devices, where the environment asks for it."""
    given = os.environ.get("LAMINA_CPU_DEVICES", "")
    if not given or not allows("LAMINA_CPU_DEVICES"):
        return
    if not given.isdigit():
        raise ValueError(f"LAMINA_CPU_DEVICES must be a number of devices, got {given!r}.")
    cpu = tf.config.list_physical_devices("CPU")[0]
    if tf.config.get_logical_device_configuration(cpu) is None:  # the user's own stays
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(given))


def tensorflow_cluster(addresses: Sequence[str], rank: int) -> None:
    """Tell TensorFlow of the processes that train together.

    Raises:
        RuntimeError: where it is switched off and nobody else has told.
    """
    told = {
        "DTENSOR_JOBS": ",".join(addresses),
        "DTENSOR_CLIENT_ID": str(rank),
        "DTENSOR_JOB_NAME": "worker",
    }
    if allows("LAMINA_TENSORFLOW_CLUSTER"):
        os.environ.update(told)
    elif any(name not in os.environ for name in told):
        raise RuntimeError(
            f"TensorFlow reads {', '.join(told)} from the environment, and setting them is switched off "
            "(LAMINA_TENSORFLOW_CLUSTER or LAMINA_LEAVE_PROCESS): set them."
        )


_jax_cache: str | None = None  # the folder that Lamina gave to jax


def set_jax_cache(config: Any, folder: str | None) -> None:
    """Give jax this folder, or none; one that the user gave it stays."""
    global _jax_cache
    others = config.jax_compilation_cache_dir != _jax_cache or os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if others or folder == _jax_cache or (folder and not allows("LAMINA_COMPILE_CACHE")):
        return
    _jax_cache = folder
    config.update("jax_compilation_cache_dir", folder)
    # not the programs of single operations: they compile as fast as they load
    config.update("jax_persistent_cache_min_compile_time_secs", 0.05)
    config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def trace_gradients() -> None:
    """Let torch's compiler follow `torch.autograd.grad`; torch before 2.11 has no such setting and splits programs."""
    from torch._dynamo import config

    if hasattr(config, "trace_autograd_ops") and allows("LAMINA_TRACE_GRADIENTS"):
        config.trace_autograd_ops = True


@functools.cache
def mix_spread_tensors() -> None:
    """Let tensors of torch that lie on several devices meet others, which count as whole."""
    if not allows("LAMINA_MIX_TENSORS"):
        return
    from torch.distributed.tensor.experimental import implicit_replication

    scope = implicit_replication()
    scope.__enter__()
    atexit.register(scope.__exit__, None, None, None)  # not before: it would end when it is collected


# Memory

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = (
    -1,
    -2,
    -3,
    -4,
    -8,
)  # mallopt's, from malloc.h
_GLIBC = {
    _TRIM_THRESHOLD: 128 << 10,
    _TOP_PAD: 128 << 10,
    _MMAP_THRESHOLD: 128 << 10,
    _MMAP_MAX: 65536,
    _ARENA_MAX: 0,
}  # its own
# No mapped blocks, which go back to the system at once whatever the threshold: the largest one that glibc takes is 32 MB,
# less than a gradient of a convolution has. Threads keep heaps of their own, what is too large for those is in the main one.
_KEPT_BYTES = 256 << 20
_BOUNDED = {_TRIM_THRESHOLD: _KEPT_BYTES, _TOP_PAD: 16 << 20, _MMAP_MAX: 0}
# One heap without mapped blocks: heaps of single threads are unmapped when they are empty.
_WHOLE = {_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20}
_kept: str | None = None  # what malloc was told: "bounded", "whole" or nothing
_trainings, _counting = 0, threading.Lock()


def keep_memory_for_training() -> bool:
    """Before the first step: freed memory stays with the process, within bounds that cost a host program nothing.

    Returns:
        Whether malloc keeps memory.
    """
    global _kept
    if _kept is None:
        _kept = "bounded" if allows("LAMINA_KEEP_MEMORY") and _mallopt(_BOUNDED) else ""
    return bool(_kept)


@contextmanager
def training() -> Iterator[None]:
    """Inside, a model trains. What is free after the last of those that train at once goes back, but for the bound."""
    global _trainings
    with _counting:
        _trainings += 1
    try:
        yield
    finally:
        with _counting:
            _trainings -= 1
            last = not _trainings
        if last and _kept == "bounded":
            _glibc().malloc_trim(_KEPT_BYTES)


def keep_memory_if_asked() -> None:
    """When a backend is loaded, before its threads start: `LAMINA_KEEP_MEMORY=1` asks for one heap that keeps more."""
    if os.environ.get("LAMINA_KEEP_MEMORY") == "1" and allows("LAMINA_KEEP_MEMORY"):
        keep_memory(True)


def keep_memory(flag: bool) -> bool:
    """All memory from one heap that keeps what is freed; or malloc as it was, and what is free given back.

    Returns:
        Whether malloc could be set.
    """
    global _kept
    before, _kept = _kept, ""
    if flag:
        _kept = "whole" if _mallopt(_GLIBC | _WHOLE) else ""
        return bool(_kept)
    if not before:
        return True
    done = _mallopt(_GLIBC)
    if done:
        _glibc().malloc_trim(0)
    return done


def _mallopt(settings: dict[int, int]) -> bool:
    """Not without glibc, nor where the environment says how malloc should behave."""
    chosen = any(name.startswith("MALLOC_") for name in os.environ) or "GLIBC_TUNABLES" in os.environ
    libc = None if chosen else _glibc()
    return libc is not None and min(libc.mallopt(name, value) for name, value in settings.items()) == 1


@functools.cache
def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None


# Signals and threads


@contextmanager
def interrupt_handled_by(make: Callable[[Any], Callable[[int, Any], None]]) -> Iterator[bool]:
    """Inside, Ctrl-C calls `make(the handler before)`.

    Yields:
        Whether it does: not outside the main thread, nor where the handler before is not Python's, or switched off.
    """
    before = signal.getsignal(signal.SIGINT)
    main = threading.current_thread() is threading.main_thread()
    if before is None or not main or not allows("LAMINA_HOLD_INTERRUPT"):
        yield False
        return
    signal.signal(signal.SIGINT, handler := make(before))
    try:
        yield True
    finally:
        if signal.getsignal(signal.SIGINT) is handler:  # not where somebody has set his own meanwhile
            signal.signal(signal.SIGINT, before)


def at_end(function: Callable[[], None]) -> None:
    """Call this when the interpreter ends, before all that was asked for earlier."""
    atexit.register(function)


def in_forks(function: Callable[[], None]) -> None:
    """Call this in forks of the process."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def end(status: int) -> None:
    """End the process at once, whatever its other threads do; what it has printed is flushed, if that can be done."""

    def flush() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()

    with suppress(RuntimeError):  # the interpreter has nearly ended
        (flushing := threading.Thread(target=flush, daemon=True)).start()
        flushing.join(1.0)  # not longer: another thread may hold a stream that nobody reads
    os._exit(status)


def fork_is_safe() -> bool:
    """Whether a fork of the process as it is now can go on: not where jax or TensorFlow run threads that it would lack."""
    return hasattr(os, "fork") and sys.platform == "linux" and not {"jax", "tensorflow"} & set(sys.modules)


@contextmanager
def on_one_core() -> Iterator[bool]:
    """Inside, this thread may use one core; threads that start inside may use all again afterwards.

    Yields:
        Whether it is so: not where the system has no affinities.
    """
    tasks = "/proc/self/task"
    if not hasattr(os, "sched_setaffinity") or not os.path.isdir(tasks) or not allows("LAMINA_JAX_TUNING"):
        yield False
        return
    allowed, before = os.sched_getaffinity(0), set(os.listdir(tasks))
    one = {min(allowed)}
    os.sched_setaffinity(0, one)
    try:
        yield True
    finally:
        os.sched_setaffinity(0, allowed)
        for thread in set(os.listdir(tasks)) - before:
            with suppress(OSError):  # it has ended
                if os.sched_getaffinity(int(thread)) == one:
                    os.sched_setaffinity(int(thread), allowed)
