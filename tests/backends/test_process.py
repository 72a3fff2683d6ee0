"""Every effect on the process ends when it should, and has a switch."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lamina.backends import process


@pytest.fixture(params=["its own", "all"])
def off(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """A function that switches an effect off."""

    def switch(name: str) -> None:
        assert process.allows(name)
        monkeypatch.setenv(*((name, "0") if request.param == "its own" else ("LAMINA_LEAVE_PROCESS", "1")))
        assert not process.allows(name)

    for name in ("LAMINA_LEAVE_PROCESS", "LAMINA_JAX_TUNING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("LAMINA_COMPILE_CACHE", raising=False)
    return switch


def test_every_effect_asks_its_switch() -> None:
    text = Path(process.__file__).read_text()
    elsewhere = {  # asked by who installs the alias, and by processes that join: tests/legacy/test_alias.py, test_watch.py
        "LAMINA_AS_KERAS",
        "LAMINA_WATCH_PROCESSES",
    }
    assert set(re.findall(r'allows\("(\w+)"\)', text)) | elsewhere == set(process.EFFECTS)


def test_the_collector(off) -> None:
    off("LAMINA_PAUSE_GC")
    with process.collector_paused():
        assert gc.isenabled()


def test_imports(off) -> None:
    before = list(sys.meta_path)
    with process.not_importing("keras"):
        assert len(sys.meta_path) == len(before) + 1
    assert sys.meta_path == before
    off("LAMINA_LEAN_TENSORFLOW")
    with process.not_importing("keras"):
        assert sys.meta_path == before


def test_what_tensorflow_prints(off, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "TF_CPP_MIN_LOG_LEVEL"
    monkeypatch.setenv(name, "1")
    with process.tensorflow_quiet():
        assert os.environ[name] == "1"  # the user's stays
    monkeypatch.delenv(name)
    with process.tensorflow_quiet():
        assert os.environ[name] == "2"  # 3 would hide errors
    assert name not in os.environ
    logger = logging.Logger("one")
    process.without_retracing_warnings(logger)
    record = lambda text: logger.makeRecord("one", logging.WARNING, "", 0, text, (), None)
    assert not logger.filter(record("5 out of the last 5 calls to <f> triggered tf.function retracing."))
    assert logger.filter(record("Something else."))
    off("LAMINA_QUIET_TENSORFLOW")
    with process.tensorflow_quiet():
        assert name not in os.environ
    logger = logging.Logger("two")
    process.without_retracing_warnings(logger)
    assert logger.filters == []


class Config(SimpleNamespace):
    """jax's settings."""

    def __init__(self, folder: str | None) -> None:
        super().__init__(jax_compilation_cache_dir=folder)

    def update(self, name: str, value: object) -> None:
        setattr(self, name, value)


def test_the_cache_of_jax(off, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_jax_cache", None)
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    users = Config("/the/user's")
    process.set_jax_cache(users, "/ours")
    assert vars(users) == {"jax_compilation_cache_dir": "/the/user's"}
    ours = Config(None)
    process.set_jax_cache(ours, "/ours")
    assert ours.jax_compilation_cache_dir == "/ours"
    process.set_jax_cache(ours, None)
    assert ours.jax_compilation_cache_dir is None
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/the/user's")
    process.set_jax_cache(ours, "/ours")
    assert ours.jax_compilation_cache_dir is None
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    off("LAMINA_COMPILE_CACHE")
    process.set_jax_cache(ours, "/ours")
    assert ours.jax_compilation_cache_dir is None


def test_the_compiler_of_torch(off, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch before 2.11 refuses names that it does not know."""
    pytest.importorskip("torch")
    from torch import _dynamo

    class Settings:
        __slots__ = ("trace_autograd_ops",)

    class Old:
        __slots__ = ()

    for make in (Settings, Old):
        monkeypatch.setattr(_dynamo, "config", make())
        process.trace_gradients()
    off("LAMINA_TRACE_GRADIENTS")
    monkeypatch.setattr(_dynamo, "config", Settings())
    process.trace_gradients()
    assert not hasattr(_dynamo.config, "trace_autograd_ops")


def test_memory(off, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_kept", None)
    told: list = []
    monkeypatch.setattr(process, "_mallopt", lambda settings: told.append(settings) or True)
    off("LAMINA_KEEP_MEMORY")
    assert not process.keep_memory_for_training()
    process.keep_memory_if_asked()
    assert told == []


def test_interrupts(off) -> None:
    before = signal.getsignal(signal.SIGINT)
    handler = lambda number, frame: None
    with process.interrupt_handled_by(lambda found: handler if found is before else None) as so:
        assert so
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is before
    with process.interrupt_handled_by(lambda found: lambda number, frame: None):
        signal.signal(signal.SIGINT, handler)  # as a callback may
    assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, before)
    off("LAMINA_HOLD_INTERRUPT")
    with process.interrupt_handled_by(lambda found: handler) as so:
        assert not so
        assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system has no affinities")
def test_one_core(off) -> None:
    before = os.sched_getaffinity(0)
    with process.on_one_core() as so:
        assert so
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
    off("LAMINA_JAX_TUNING")
    with process.on_one_core() as so:
        assert not so
        assert os.sched_getaffinity(0) == before


def test_devices_of_tensorflows_cpu(off, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list = []
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [kind],
        LogicalDeviceConfiguration=dict,
        get_logical_device_configuration=lambda cpu: made or None,
        set_logical_device_configuration=lambda cpu, devices: made.extend(devices),
    )
    tf = SimpleNamespace(config=config)
    monkeypatch.delenv("LAMINA_CPU_DEVICES", raising=False)
    process.simulate_cpus(tf)
    assert made == []
    monkeypatch.setenv("LAMINA_CPU_DEVICES", "3")
    process.simulate_cpus(tf)
    process.simulate_cpus(tf)  # what is there stays
    assert len(made) == 3
    monkeypatch.setenv("LAMINA_CPU_DEVICES", "many")
    with pytest.raises(ValueError, match="must be a number of devices, got 'many'"):
        process.simulate_cpus(tf)
    made.clear()
    monkeypatch.setenv("LAMINA_CPU_DEVICES", "3")
    off("LAMINA_CPU_DEVICES")
    process.simulate_cpus(tf)
    assert made == []


def test_the_cluster_of_tensorflow(off, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("DTENSOR_JOBS", "DTENSOR_CLIENT_ID", "DTENSOR_JOB_NAME")
    for name in names:
        monkeypatch.setenv(name, "")  # put back at the end
        monkeypatch.delenv(name)
    process.tensorflow_cluster(["a:1", "b:2"], 1)
    assert [os.environ[name] for name in names] == ["a:1,b:2", "1", "worker"]
    off("LAMINA_TENSORFLOW_CLUSTER")
    process.tensorflow_cluster(["c:3"], 0)
    assert os.environ["DTENSOR_JOBS"] == "a:1,b:2"
    monkeypatch.delenv("DTENSOR_JOBS")
    with pytest.raises(RuntimeError, match=r"TensorFlow reads DTENSOR_JOBS, .* switched off"):
        process.tensorflow_cluster(["c:3"], 0)
