"""TensorFlow is loaded without Keras and JAX, and both are there for whoever uses them."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("tensorflow")
from lamina.backends import process  # noqa: E402


def without_the_rest():
    return process.not_importing("keras", "jax")


SCRIPT = """
import sys
import lamina.backends.tensorflow
import tensorflow as tf

ahead = {"keras", "jax", "pandas", "sklearn", "matplotlib"} & set(sys.modules)
assert not ahead, ahead
import jax.numpy
assert tf.keras.layers.Dense(2)(tf.ones((1, 3))).shape == (1, 2)
assert tf.optimizers.Adam is tf.keras.optimizers.Adam
assert "keras" in sys.modules
"""


def test_a_process_that_uses_neither() -> None:
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def keras(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of that name which is not loaded yet."""
    package = tmp_path / "keras"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        sys.modules, "keras", None
    )  # so that what a test loads goes, even if nothing was there
    for name in [n for n in sys.modules if n.partition(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    return str(package / "__init__.py")


def test_it_is_found_but_not_loaded(keras: str) -> None:
    with without_the_rest():
        spec = importlib.util.find_spec("keras")
        assert spec is not None
        assert spec.origin == keras
        with pytest.raises(ImportError, match="keras is not loaded together with TensorFlow"):
            importlib.import_module("keras.layers")
        assert "keras" not in sys.modules
    assert importlib.import_module("keras").__file__ == keras


def test_other_threads_load_it(keras: str) -> None:
    with without_the_rest(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(importlib.import_module, "keras").result().__file__ == keras


def test_where_it_is_not_installed(keras: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with without_the_rest():
        assert importlib.util.find_spec("keras") is None
