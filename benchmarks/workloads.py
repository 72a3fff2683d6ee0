"""The models and data that are measured. Each is written once and built with Lamina or with Keras (`K`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Workload(NamedTuple):
    """A model and how it is trained."""

    build: Callable[[Any], Any]
    data: Callable[[], tuple[np.ndarray, np.ndarray]]
    batch: int
    warm: int  # epochs before the clock starts
    epochs: int  # epochs of a fit that is timed
    rounds: int = 1  # at the least; with small steps a process is fast or slow as a whole


def _images(rows: int, size: int, channels: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((rows, size, size, channels), "float32"), rng.integers(0, classes, rows).astype("int32")


def _compiled(model: Any) -> Any:
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def dense(K: Any, width: int) -> Any:
    """Two hidden layers of 64, ten classes."""
    L = K.layers
    layers = [
        L.Dense(64, activation="relu"),
        L.Dense(64, activation="relu"),
        L.Dense(10, activation="softmax"),
    ]
    return _compiled(K.Sequential([K.Input((width,)), *layers]))


def mlp(K: Any) -> Any:
    return dense(K, 784)


def mlp_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((60_000, 784), "float32"), rng.integers(0, 10, 60_000).astype("int32")


def convnet(K: Any) -> Any:
    L = K.layers
    return _compiled(
        K.Sequential(
            [
                K.Input((28, 28, 1)),
                L.Conv2D(32, 3, activation="relu"),
                L.Conv2D(64, 3, activation="relu"),
                L.MaxPooling2D(2),
                L.Dropout(0.25),
                L.Flatten(),
                L.Dense(128, activation="relu"),
                L.Dropout(0.5),
                L.Dense(10, activation="softmax"),
            ]
        )
    )


def lstm(K: Any) -> Any:
    L = K.layers
    return _compiled(K.Sequential([K.Input((80, 32)), L.LSTM(64), L.Dense(10, activation="softmax")]))


def lstm_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random((32 * 60, 80, 32), "float32"), rng.integers(0, 10, 32 * 60).astype("int32")


def transformer(K: Any) -> Any:
    L = K.layers
    tokens = K.Input((128,), dtype="int32")
    x = L.Embedding(2000, 128)(tokens)
    for _ in range(2):
        h = L.LayerNormalization()(x)
        x = L.Add()([x, L.MultiHeadAttention(4, 32)(h, h, use_causal_mask=True)])
        h = L.LayerNormalization()(x)
        x = L.Add()([x, L.Dense(128)(L.Dense(512, activation="gelu")(h))])
    logits = L.Dense(2000, activation="softmax")(L.LayerNormalization()(x))
    return _compiled(K.Model(tokens, logits))


def transformer_data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 2000, (16 * 12, 129)).astype("int32")
    return tokens[:, :-1], tokens[:, 1:]


def resnet(K: Any) -> Any:
    """Three stages of two residual blocks, 16, 32 and 64 channels, on 32x32 images."""
    L = K.layers

    def block(x: Any, channels: int, stride: int) -> Any:
        h = L.BatchNormalization()(L.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(x))
        h = L.Activation("relu")(h)
        h = L.BatchNormalization()(L.Conv2D(channels, 3, padding="same", use_bias=False)(h))
        if stride != 1:
            x = L.BatchNormalization()(L.Conv2D(channels, 1, strides=stride, use_bias=False)(x))
        return L.Activation("relu")(L.Add()([x, h]))

    inputs = K.Input((32, 32, 3))
    x = L.Activation("relu")(L.BatchNormalization()(L.Conv2D(16, 3, padding="same", use_bias=False)(inputs)))
    for channels, stride in ((16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        x = block(x, channels, stride)
    return _compiled(K.Model(inputs, L.Dense(10, activation="softmax")(L.GlobalAveragePooling2D()(x))))


def deep(K: Any, layers: int = 100, width: int = 64) -> Any:
    """A functional model of dense layers: what building costs."""
    x = inputs = K.Input((width,))
    for _ in range(layers):
        x = K.layers.Dense(width, activation="relu")(x)
    return K.Model(inputs, x)


WORKLOADS = {
    "mlp": Workload(mlp, mlp_data, 32, 1, 3, 3),
    "convnet": Workload(convnet, lambda: _images(128 * 10, 28, 1), 128, 1, 3),
    "lstm": Workload(lstm, lstm_data, 32, 1, 3),
    "transformer": Workload(transformer, transformer_data, 16, 1, 3),
    "resnet": Workload(resnet, lambda: _images(32 * 10, 32, 3), 32, 1, 3),
}
