"""Compiled programs on disk: a private folder, below its limit, switched off by a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lamina
from lamina.backends import cache


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.delenv("LAMINA_COMPILE_CACHE", raising=False)
    yield
    monkeypatch.undo()
    lamina.config.set_compile_cache(False)


def test_default_is_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_choice", None)
    assert lamina.config.compile_cache() == str(tmp_path / "home/.lamina/compiled")
    assert (tmp_path / "home/.lamina/compiled").stat().st_mode & 0o777 == 0o700


def test_off() -> None:
    lamina.config.set_compile_cache(False)
    assert lamina.config.compile_cache() is None


@pytest.mark.parametrize("word", ["0", "off", "False"])
def test_off_by_the_environment(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_choice", None)
    monkeypatch.setenv("LAMINA_COMPILE_CACHE", word)
    assert lamina.config.compile_cache() is None


def test_a_folder_of_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    with pytest.raises(ValueError, match=r"must be a folder of your own with mode 0700.*chmod 700"):
        lamina.config.set_compile_cache(str(shared))
    monkeypatch.setattr(cache, "_choice", None)
    monkeypatch.setenv("LAMINA_COMPILE_CACHE", str(shared))
    assert lamina.config.compile_cache() is None


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ValueError, match="mode 0700"):
        lamina.config.set_compile_cache(str(tmp_path / "link"))


def test_the_oldest_go_first(tmp_path: Path) -> None:
    for i in range(4):
        path = tmp_path / f"sub{i % 2}" / f"{i}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 10)
        os.utime(path, (i, i))
    cache.prune(tmp_path, 25)
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["2", "3"]


PROGRAM = """
import numpy as np, lamina
import jax
hits, programs = [], []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if "cache_hits" in event else None)
jax.monitoring.register_event_duration_secs_listener(
    lambda event, *_, **__: programs.append(event) if "backend_compile" in event else None
)
lamina.utils.set_random_seed(1)
model = lamina.Sequential([lamina.Input((8,)), lamina.layers.Dense(16, activation="relu"), lamina.layers.Dense(1)])
model.compile("adam", "mse")
loss = model.fit(np.ones((8, 8), "float32"), np.ones((8, 1), "float32"), verbose=0).history["loss"]
print(len(programs), len(hits), *loss)
"""


def test_the_second_run_compiles_less(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    place = tmp_path / "programs"
    env = os.environ | {"LAMINA_COMPILE_CACHE": str(place), "LAMINA_BACKEND": "jax"}
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=env, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    (programs, first, *loss), (_, second, *again) = (run.split() for run in runs)
    # the values' copy, whether XLA knows our options, the steps, the results of metrics
    assert int(programs) <= 4
    assert int(first) == 0
    assert int(second) > 0
    assert loss == again
    assert place.stat().st_mode & 0o777 == 0o700
