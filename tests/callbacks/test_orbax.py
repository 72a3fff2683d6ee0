"""OrbaxCheckpoint, where its package is installed."""

import os

import numpy as np
import pytest

import lamina
from lamina import callbacks

X = np.ones((4, 1), "float32")


def model():
    made = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def test_without_the_package(monkeypatch):
    monkeypatch.setattr("lamina.callbacks.sharded.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install orbax-checkpoint"):
        callbacks.OrbaxCheckpoint("folder")


@pytest.mark.filterwarnings("ignore")
def test_the_last_ones_are_kept(tmp_path):
    orbax = pytest.importorskip("orbax.checkpoint").v1
    made = model()
    callback = callbacks.OrbaxCheckpoint(tmp_path / "o", max_to_keep=2)
    made.fit(X, X, epochs=3, verbose=0, callbacks=[callback])
    assert sorted(os.listdir(tmp_path / "o")) == ["1", "2"]
    keeper = orbax.training.Checkpointer(tmp_path / "o")
    tree = keeper.load_checkpointables(2)["pytree"]
    keeper.close()
    kernel = next(iter(tree["trainable_variables"].values()))
    while isinstance(kernel, dict):
        kernel = kernel.get("kernel", next(iter(kernel.values())))
    np.testing.assert_array_equal(np.asarray(kernel), made.get_weights()[0])
