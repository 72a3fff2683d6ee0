"""Choosing and loading a backend."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lamina import backends
from lamina.errors import BackendError
from lamina.kernel import shapes
from lamina.kernel.context import interpreter, real_kernel


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("LAMINA_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path


def write(home: Path, name: str, text: str) -> None:
    file = home / name
    file.parent.mkdir()
    file.write_text(text)


def test_first_installed(home: Path) -> None:
    assert backends.default_name() == backends.installed()[0] == "jax"


def test_order_of_places(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, ".lamina/lamina.json", json.dumps({"backend": "tensorflow"}))
    assert backends.default_name() == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert backends.default_name() == "numpy"
    monkeypatch.setenv("LAMINA_BACKEND", "JAX")
    assert backends.default_name() == "jax"


def test_the_file_of_keras_is_nobodys_choice(home: Path) -> None:
    write(home, ".keras/keras.json", json.dumps({"backend": "tensorflow"}))
    assert backends.default_name() == "jax"


def test_unknown_name_in_a_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINA_BACKEND", "jaxx")
    with pytest.raises(ValueError, match=r"'jaxx'.*environment variable LAMINA_BACKEND.*Did you mean 'jax'"):
        backends.default_name()
    monkeypatch.delenv("LAMINA_BACKEND")
    write(home, ".lamina/lamina.json", json.dumps({"backend": "nunpy"}))
    with pytest.raises(ValueError, match=r"lamina\.json.*Did you mean 'numpy'"):
        backends.default_name()


def test_broken_config_file(home: Path) -> None:
    write(home, ".lamina/lamina.json", "{")
    with pytest.raises(ValueError, match=r"lamina\.json cannot be read"):
        backends.default_name()


def test_load_knows_its_names() -> None:
    with pytest.raises(ValueError, match=r"Unknown backend 'tensorfow'.*Did you mean 'tensorflow'"):
        backends.load("tensorfow")
    assert backends.load("numpy") is backends.load("numpy")


def test_missing_framework_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "_is_installed", lambda name: name == "numpy")
    backends.load.cache_clear()
    try:
        with pytest.raises(BackendError, match=r"pip install lamina\[torch\].*installed: numpy"):
            backends.load("torch")
    finally:
        backends.load.cache_clear()


def test_importing_imports_no_framework() -> None:
    code = (
        "import sys; from lamina import backends; backends.default_name(); "
        "print([m for m in ('jax', 'torch', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_holds_numbers_below_the_shape_interpreter():
    numpy, default = backends.load("numpy"), real_kernel()
    with interpreter(numpy):
        with interpreter(shapes), interpreter(shapes):
            assert real_kernel() is numpy
            with interpreter(default):
                assert real_kernel() is default
            assert real_kernel() is numpy
        assert real_kernel() is numpy
    with interpreter(shapes):
        assert real_kernel() is default
