"""One measurement in a process of its own: `python -m benchmarks.measure LIBRARY BACKEND WHAT`, prints JSON."""

from __future__ import annotations

import time

STARTED = time.perf_counter()

import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402


def _import(library: str, backend: str) -> Any:
    os.environ["KERAS_BACKEND"] = os.environ["LAMINA_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if library == "keras":
        import keras as K
    else:
        import lamina as K
    return K


def _median(call: Callable[[], Any], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def imported(library: str, backend: str) -> dict[str, float]:
    """Seconds of `import`."""
    start = time.perf_counter()
    _import(library, backend)
    return {"import": time.perf_counter() - start}


def built(library: str, backend: str) -> dict[str, float]:
    """Seconds to build 100 dense layers, with the framework loaded and one layer built before."""
    from benchmarks.workloads import deep

    K = _import(library, backend)
    K.ops.convert_to_numpy(K.ops.zeros((1,)))
    K.layers.Dense(4)(K.Input((4,)))
    start = time.perf_counter()
    deep(K)
    return {"build": time.perf_counter() - start}


def trained(library: str, backend: str, name: str) -> dict[str, float]:
    """Seconds to the end of the first step, per step, for a prediction of one row; peak memory in MB."""
    from benchmarks.workloads import WORKLOADS

    work = WORKLOADS[name]
    x, y = work.data()
    STARTED_HERE = time.perf_counter()
    K = _import(library, backend)
    model = work.build(K)
    model.fit(x[: work.batch], y[: work.batch], batch_size=work.batch, verbose=0)
    first = time.perf_counter() - STARTED_HERE
    fit = lambda epochs: model.fit(x, y, batch_size=work.batch, epochs=epochs, verbose=0)
    fit(work.warm)
    start = time.perf_counter()
    fit(work.epochs)
    steps = work.epochs * -(-len(x) // work.batch)
    step = (time.perf_counter() - start) / steps
    row = x[:1]
    model.predict(row, verbose=0)
    predict = _median(lambda: model.predict(row, verbose=0), 30)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"first": first, "step": step, "predict": predict, "peak": peak}


def main() -> None:
    library, backend, what = sys.argv[1:4]
    if what == "import":
        figures = imported(library, backend)
    elif what == "build":
        figures = built(library, backend)
    else:
        figures = trained(library, backend, what)
    print("FIGURES " + json.dumps(figures))


if __name__ == "__main__":
    main()
