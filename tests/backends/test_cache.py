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
    place = tmp_path / "home/.lamina/compiled"
    assert lamina.config.compile_cache() == str(place)
    assert not place.exists()  # asking makes nothing
    assert cache.subfolder(place, "jax") == place / "lamina-jax"
    assert place.stat().st_mode & 0o777 == (place / "lamina-jax").stat().st_mode & 0o777 == 0o700


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


def program(i: int) -> str:
    return f"jit_f-{i:064x}-cache"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    place = tmp_path / "private"
    place.mkdir(mode=0o700)
    return place


def write(path: Path, size: int = 10, time: int = 0) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time, time))
    return path


def test_the_oldest_go_first(private: Path) -> None:
    own = cache.subfolder(private, "jax")
    for i in range(4):
        write(own / program(i), time=i)
    cache.prune(own, 25)
    assert sorted(p.name for p in own.iterdir()) == sorted([cache.MARKER, program(2), program(3)])


def test_only_what_lamina_wrote_is_deleted(
    private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the folder, not in folders of frameworks' names, not under other names or behind links in its own."""
    monkeypatch.setattr(cache, "LIMIT", 5)
    own = cache.subfolder(private, "jax")
    outside = write(tmp_path / program(7))
    places = [private, private / "jax", private / "torch", private / "lamina-torch", own / "mine"]
    kept = [
        write(place / name, 1000) for place in places for name in ("thesis.txt", "dataset.bin", program(1))
    ]
    kept += [outside, *[write(own / name, 1000) for name in ("thesis.txt", "dataset.bin", "notes-cache")]]
    (own / program(8)).symlink_to(outside)
    (own / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    gone = write(own / program(2))
    monkeypatch.setattr(cache, "_choice", None)
    monkeypatch.setenv("LAMINA_COMPILE_CACHE", str(private))
    assert lamina.config.compile_cache() == str(private)
    assert gone.exists()  # asking deletes nothing, either
    assert cache.subfolder(private, "jax") == own
    assert not gone.exists()
    assert [p for p in kept if not p.exists()] == []
    assert cache.subfolder(private, "torch") is None  # of this name, but not made by Lamina
    cache.prune(private, 5)  # without the mark
    assert [p for p in kept if not p.exists()] == []


def test_a_link_in_place_of_the_subfolder_is_refused(private: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (private / "lamina-jax").symlink_to(other)
    assert cache.subfolder(private, "jax") is None
    assert list(other.iterdir()) == []


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
    # the values' copy, whether XLA knows our options, the steps, the results of metrics, a key for the model's draws
    assert int(programs) <= 5
    assert int(first) == 0
    assert int(second) > 0
    assert loss == again
    assert place.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in place.iterdir()] == ["lamina-jax"]
    names = {p.name for p in (place / "lamina-jax").iterdir()} - {cache.MARKER}
    assert names
    assert all(map(cache._PROGRAM.fullmatch, names))  # what pruning knows is what jax writes
