"""Well-known networks: how long they take to draw, to fill from a file, to predict, and to train."""

from __future__ import annotations

import pathlib
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

# WHAT -> the application, at its own size of images
APPLICATIONS = {"resnet50": "ResNet50", "efficientnetb0": "EfficientNetB0"}
BATCH = 8


def _seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def applied(K: Any, what: str) -> dict[str, float]:
    """Seconds to build, to load a file of weights, to predict one image, and for a step of training on eight.

    Args:
        K: The library.
        what: The application, by its name here.

    Returns:
        The first building (with the framework and the library's own modules loaded, as Keras's are by its import, and a
        small model built before), the fastest of three loadings, the median of ten predictions, the fastest of three
        fits of four steps. `first predict` is with whatever is compiled for it.
    """
    import numpy as np

    from benchmarks.workloads import deep

    K.ops.convert_to_numpy(K.ops.zeros((1,)))
    deep(K, layers=2, width=4)
    for space in (K.layers, K.applications):
        for name in dir(space):
            getattr(space, name)
    made = []
    build = _seconds(lambda: made.append(getattr(K.applications, APPLICATIONS[what])(weights=None)))
    model = made[0]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "model.weights.h5"
        model.save_weights(file)
        load = min(_seconds(lambda: model.load_weights(file)) for _ in range(3))
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (BATCH, *model.input_shape[1:])).astype("float32")
    labels = rng.integers(0, 1000, BATCH).astype("int32")
    one = lambda: model.predict(images[:1], verbose=0)
    first = _seconds(one)
    predict = statistics.median(_seconds(one) for _ in range(10))
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    steps = 4
    x, y = np.concatenate([images] * steps), np.concatenate([labels] * steps)
    fit = lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    fit()
    step = min(_seconds(fit) for _ in range(3)) / steps
    return {"build": build, "load": load, "first predict": first, "predict": predict, "step": step}
