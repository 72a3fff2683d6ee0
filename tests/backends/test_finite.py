"""The backend of the page "Write a backend": loaded from here, it fulfils the contract and trains a Dense layer."""

import pathlib

import numpy as np
from finite import finite

import lamina
from lamina import layers
from lamina.kernel import contract
from lamina.kernel.context import interpreter

X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")


def trained():
    lamina.utils.set_random_seed(3)
    model = lamina.Sequential([lamina.Input((3,)), layers.Dense(1)])
    model.compile(lamina.optimizers.SGD(0.1), "mse")
    history = model.fit(X, Y, batch_size=8, epochs=9, shuffle=False, verbose=0)
    return model, history.history["loss"]


def test_it_has_every_function():
    assert [n for n in contract.functions() if not hasattr(finite, n)] == []


def test_it_trains_a_dense_layer():
    with interpreter(finite):
        model, losses = trained()
        assert model.layers[0].kernel.handle.writes > 0
        ours = model.get_weights()
    assert losses[-1] < 0.1 * losses[0]
    _, theirs = trained()
    np.testing.assert_allclose(losses, theirs, rtol=2e-2)
    assert ours[0].shape == (3, 1)


def test_the_page_shows_this_code():
    """What the page prints is what is tested here."""
    root = pathlib.Path(__file__).parent
    page = (root.parent.parent / "docs" / "backends.md").read_text()
    code = (root / "finite.py").read_text().partition("from __future__")[2]
    assert code.strip() in page
