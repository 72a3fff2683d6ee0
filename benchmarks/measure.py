"""One measurement in a process of its own: `python -m benchmarks.measure LIBRARY BACKEND WHAT`, prints JSON.

LIBRARY is lamina, keras, or raw: the framework itself, without a library on it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

PREPARATION = ("text", "augment")


def _import(library: str, backend: str) -> Any:
    os.environ["KERAS_BACKEND"] = os.environ["LAMINA_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if library == "keras":
        import keras as K
    else:
        import lamina as K
    return K


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def imported(library: str, backend: str) -> dict[str, float]:
    """Seconds of `import`."""
    return {"import": seconds(lambda: _import(library, backend))}


def built(library: str, backend: str) -> dict[str, float]:
    """Seconds to build 100 dense layers, with the framework loaded and a small model built before."""
    from benchmarks.workloads import deep

    K = _import(library, backend)
    K.ops.convert_to_numpy(K.ops.zeros((1,)))
    deep(K, layers=2, width=4)
    return {"build": seconds(lambda: deep(K))}


def grown(library: str, backend: str) -> dict[str, float]:
    """How much longer a step is with 8 times the rows: 1 if the cost of an epoch is linear."""
    import numpy as np

    from benchmarks.workloads import dense

    K = _import(library, backend)
    model = dense(K, 20)
    rng = np.random.default_rng(0)
    x, y = rng.random((160_000, 20), "float32"), rng.integers(0, 10, 160_000).astype("int32")
    few = 20_000
    fit = lambda rows: model.fit(x[:rows], y[:rows], batch_size=64, epochs=2, verbose=0)
    fit(few)
    fit(len(x))
    small = min(seconds(lambda: fit(few)) for _ in range(3)) / few
    large = min(seconds(lambda: fit(len(x))) for _ in range(2)) / len(x)
    return {"growth": large / small}


def batches(library: str, backend: str, steps: int = 300) -> dict[str, float]:
    """Seconds per step of the MLP where batches come or are called for one by one: the fastest of five stretches, of
    which the first compiles."""
    import numpy as np

    from benchmarks.workloads import WORKLOADS

    work = WORKLOADS["mlp"]
    x, y = (np.concatenate([part[: work.batch]] * steps) for part in work.data())
    K = _import(library, backend)
    model, row, label = work.build(K), x[: work.batch], y[: work.batch]

    class Called(K.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            """As one that writes the logs somewhere."""

    def each(call: Callable) -> None:
        for _ in range(steps):
            call(row, label)

    fit = lambda *data, **more: model.fit(*data, verbose=0, **more)
    ways = {
        "train_on_batch": lambda: each(model.train_on_batch),
        "test_on_batch": lambda: each(model.test_on_batch),
        "called": lambda: fit(x, y, batch_size=work.batch, callbacks=[Called()]),
        "generated": lambda: fit(((row, label) for _ in range(steps)), steps_per_epoch=steps),
    }
    return {name: min(seconds(way) for _ in range(5)) / steps for name, way in ways.items()}


def trained(library: str, backend: str, name: str) -> dict[str, float]:
    """Seconds to the end of the first step, per step, for predictions of one row and of 1,024; peak memory in MB.

    A step's time is that of the fastest of three fits: the machine's other guests only ever add to it.
    """
    import numpy as np

    from benchmarks.workloads import WORKLOADS

    work = WORKLOADS[name]
    begun = time.perf_counter()
    x, y = work.data()
    making = time.perf_counter() - begun
    K = _import(library, backend)
    model = work.build(K)
    model.fit(x[: work.batch], y[: work.batch], batch_size=work.batch, verbose=0)
    first = time.time() - float(os.environ["BENCHMARK_STARTED"]) - making
    if os.environ.get("BENCHMARK_ONLY") == "first":
        return {"first": first}
    fit = lambda epochs: model.fit(x, y, batch_size=work.batch, epochs=epochs, verbose=0)
    fit(work.warm)
    steps = work.epochs * -(-len(x) // work.batch)
    step = min(seconds(lambda: fit(work.epochs)) for _ in range(3)) / steps
    row = x[:1]
    model.predict(row, verbose=0)
    predict = statistics.median(seconds(lambda: model.predict(row, verbose=0)) for _ in range(30))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    many = np.resize(x[:1024], (1024, *x.shape[1:]))
    model.predict(many, batch_size=256, verbose=0)
    rows = min(seconds(lambda: model.predict(many, batch_size=256, verbose=0)) for _ in range(7))
    return {"first": first, "step": step, "predict": predict, "predict many": rows, "peak": peak}


def main() -> None:
    library, backend, what = sys.argv[1:4]
    if library == "raw":
        from benchmarks.raw import raw

        figures = raw(backend, what)
    elif what == "import":
        figures = imported(library, backend)
    elif what == "build":
        figures = built(library, backend)
    elif what == "rows":
        figures = grown(library, backend)
    elif what == "batches":
        figures = batches(library, backend)
    elif what == "eager":
        from benchmarks.eager import eager

        figures = eager(_import(library, backend), backend)
    elif what in PREPARATION:
        from benchmarks.preparation import prepared

        figures = prepared(_import(library, backend), what)
    elif what == "files":
        from benchmarks.files import filed

        figures = filed(_import(library, backend))
    elif what in ("resnet50", "efficientnetb0"):
        from benchmarks.applications import applied

        figures = applied(_import(library, backend), what)
    else:
        figures = trained(library, backend, what)
    print("FIGURES " + json.dumps(figures))


if __name__ == "__main__":
    main()
