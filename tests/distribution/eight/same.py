"""Models and data, and what training gives: on one device or spread over several."""

from contextlib import nullcontext
from typing import NamedTuple

import numpy as np

import lamina

L = lamina.layers


def data(rows, dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.random((rows, 6, 6, 1)).astype(dtype), rng.integers(0, 3, rows)


class Batches(lamina.utils.PyDataset):
    """40 rows in batches of 12."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        x, y = data(40)
        return x[i * 12 : i * 12 + 12], y[i * 12 : i * 12 + 12]  # the last one of 4


def network(kind):
    inputs = lamina.Input((6, 6, 1))
    if kind == "mlp":
        x = L.Dropout(0.2)(L.Dense(16, activation="relu", name="first")(L.Flatten()(inputs)))
    elif kind == "conv":
        # without a bias: before a batch normalization its gradient is rounding, which Adam makes steps of
        x = L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(inputs))
        x = L.Flatten()(L.MaxPooling2D()(L.ReLU()(x)))
    elif kind == "lstm":
        x = L.LSTM(8)(L.LSTM(8, return_sequences=True)(L.Reshape((6, 6))(inputs)))
    else:
        x = L.Dense(16, name="embed")(L.Reshape((6, 6))(inputs))
        x = L.LayerNormalization()(
            L.Add()([x, L.MultiHeadAttention(2, 8, dropout=0.1, name="attention")(x, x)])
        )
        x = L.GlobalAveragePooling1D()(x)
    return lamina.Model(inputs, L.Dense(3, name="head")(x))


class Found(NamedTuple):
    history: dict
    evaluated: list
    predicted: np.ndarray
    weights: list
    model: object


def train(
    kind,
    batch_size,
    distribution=None,
    rows=101,
    optimizer=None,
    epochs=1,
    metrics=("accuracy",),
    dtype="float32",
):
    """What `fit`, `evaluate` and `predict` give."""
    with distribution.scope() if distribution else nullcontext():
        lamina.utils.set_random_seed(1)
        model = network(kind) if isinstance(kind, str) else kind()
        loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer() if optimizer else lamina.optimizers.Adam(0.01), loss, metrics=list(metrics))
        x, y = data(rows, dtype)
        history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0).history
        evaluated = model.evaluate(x[:30], y[:30], batch_size=batch_size, verbose=0)
        return Found(history, evaluated, model.predict(x[:10], verbose=0), model.get_weights(), model)


def assert_same(one, other, rtol=1e-5, atol=1e-5):
    for name, values in one.history.items():
        np.testing.assert_allclose(other.history[name], values, rtol, atol, err_msg=name)
    np.testing.assert_allclose(other.evaluated, one.evaluated, rtol, atol)
    np.testing.assert_allclose(other.predicted, one.predicted, 10 * rtol, 10 * atol)
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(b, a, 10 * rtol, 10 * atol)
