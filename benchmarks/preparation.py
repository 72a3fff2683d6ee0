"""What making data ready costs: texts and categories, and a chain of image augmentations. CPU seconds and seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

SENTENCES, WORDS, STRINGS = 200_000, 40_000, 1_000_000
IMAGES = (64, 224, 224, 3)


def prepared(K: Any, what: str) -> dict[str, float]:
    """The figures of `text` or `augment`; `K` is `lamina` or `keras`, with its backend chosen before."""
    return texts(K) if what == "text" else augmented(K)


def texts(K: Any) -> dict[str, float]:
    """`adapt` and calls of the layers for strings, on NumPy's arrays of strings, and on arrays of Python's strings."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(3 * WORDS // 4)] + [f"Word,{i}" for i in range(WORDS // 4)])
    often = 1 / np.arange(1, WORDS + 1)  # Zipf's law
    often /= often.sum()
    drawn = words[rng.choice(WORDS, (SENTENCES, 12), p=often)].tolist()
    sentences = np.array([" ".join(row) for row in drawn])
    strings = words[rng.choice(WORDS, STRINGS, p=often)]
    different = np.array([f"user-{i:08d}" for i in rng.integers(0, 10**8, STRINGS)])

    def adapted() -> Any:
        layer = K.layers.TextVectorization(max_tokens=20_000, output_sequence_length=16)
        layer.adapt(sentences)
        return layer

    vectorize, hashing = adapted(), K.layers.Hashing(10_000)
    lookup = K.layers.StringLookup(vocabulary=words[: WORDS // 2].tolist())
    return _timed(
        {
            "text adapt": adapted,
            "text call": lambda: vectorize(sentences),
            "lookup": lambda: lookup(strings),
            "lookup of objects": lambda value=strings.astype(object): lookup(value),
            "hashing": lambda: hashing(strings),
            "hashing of different strings": lambda: hashing(different),
            "hashing of objects": lambda value=strings.astype(object): hashing(value),
        }
    )


def chain(K: Any) -> list[Any]:
    """Eight layers, five of which move pixels."""
    L = K.layers
    return [
        L.RandomFlip("horizontal", seed=1), L.RandomRotation(0.1, seed=2), L.RandomZoom(0.2, seed=3),
        L.RandomTranslation(0.1, 0.1, seed=4), L.RandomShear(0.1, 0.1, seed=5), L.RandomContrast(0.2, seed=6),
        L.RandomBrightness(0.2, seed=7), L.RandomCrop(200, 200, seed=8),
    ]  # fmt: skip


def augmented(K: Any) -> dict[str, float]:
    """A batch through eight layers, called one after the other, and the first layers of a model in `fit`."""
    images = np.random.default_rng(0).uniform(0, 255, IMAGES).astype("float32")
    layers = chain(K)

    def called() -> None:
        x = images
        for layer in layers:
            x = layer(x, training=True)
        K.ops.convert_to_numpy(x[:1, :1, :1])  # what was only begun is waited for

    inside = [*chain(K), K.layers.GlobalAveragePooling2D(), K.layers.Dense(1)]
    model = K.Sequential([K.Input(IMAGES[1:]), *inside])
    model.compile("sgd", "mse")
    targets = np.zeros((len(images), 1), "float32")
    fit = lambda: model.fit(images, targets, batch_size=len(images), verbose=0)
    return _timed({"augment eager": called, "augment in fit": fit}, rounds=3)


def _timed(ways: dict[str, Callable[[], Any]], rounds: int = 5) -> dict[str, float]:
    """For each, the least CPU seconds of the process (of all threads) and the least seconds, after a first call."""
    figures = {}
    for name, way in ways.items():
        way()
        cpu, wall = [], []
        for _ in range(rounds):
            busy, start = time.process_time(), time.perf_counter()
            way()
            cpu.append(time.process_time() - busy)
            wall.append(time.perf_counter() - start)
        figures[f"{name}, CPU"], figures[name] = min(cpu), min(wall)
    return figures
