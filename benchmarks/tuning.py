"""Whether each choice of `lamina/backends/jax/cpu/constants.py` still pays: both arms of it side by side.

    python -m benchmarks.tuning [NAME ...] [--quick]

NAME: chunks, split, forward, recurrent, patches, transpose, take, turns, eigen, threads, all (the default). Times are medians in milliseconds;
below 1 an arm is faster than the first. Run it on a quiet machine: a busy one measures its neighbours.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

Case = tuple[
    str, dict[str, Callable[[], Any]]
]  # a label, and the arms: each a call that waits for its result


@contextmanager
def using(**values: Any) -> Iterator[None]:
    """Inside, these constants are others: what is traced there is made with them."""
    from lamina.backends.jax.cpu import constants

    before = {name: getattr(constants, name) for name in values}
    vars(constants).update(values)
    try:
        yield
    finally:
        vars(constants).update(before)


def arm(function: Callable, *args: Any, **values: Any) -> Callable[[], Any]:
    """A call of the function, compiled with these constants."""
    import jax

    with using(**values):
        program = jax.jit(lambda *xs: function(*xs)).lower(*args).compile()
    return lambda: jax.block_until_ready(program(*args))


def with_gradient(function: Callable) -> Callable:
    """The function's result and the gradients by all arguments, as a training step needs them."""
    import jax

    return lambda *xs: jax.value_and_grad(lambda *ys: (function(*ys) ** 2).sum(), tuple(range(len(xs))))(*xs)


def numbers(*shape: int) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(np.random.default_rng(0).standard_normal(shape).astype("float32"))


def convolution(n: int, size: int, channels: int, features: int, k: int) -> tuple[Callable, Any, Any]:
    """A function of x and kernel, and the two."""
    from lamina.backends import load

    kernel, pad = load("jax"), ((k // 2, k // 2),) * 2
    conv = lambda x, w: kernel.conv(x, w, (1, 1), pad, (1, 1), 1, True)
    return with_gradient(conv), numbers(n, size, size, channels), numbers(k, k, channels, features)


SIZES = [(16, 56, 64, 64, 3), (32, 28, 32, 64, 3), (128, 28, 1, 32, 3), (8, 64, 3, 64, 7)]


def chunks() -> Iterator[Case]:
    """CHUNK_BYTES: patches of a part of the batch at a time."""
    for sizes in SIZES:
        f, *args = convolution(*sizes)
        yield str(sizes), {f"{mb} MB": arm(f, *args, CHUNK_BYTES=mb << 20) for mb in (4096, 256, 64, 16)}


def split() -> Iterator[Case]:
    """SPLIT_COPIES: whole patches, or the rows of the kernel at once."""
    for sizes in SIZES:
        f, *args = convolution(*sizes)
        yield (
            str(sizes),
            {name: arm(f, *args, SPLIT_COPIES=most) for name, most in (("patches", 0), ("rows", 9))},
        )


def forward() -> Iterator[Case]:
    """FEW_WINDOWS: a prediction's convolution by XLA, or as a product."""
    from lamina.backends.jax import neural
    from lamina.backends.jax.cpu import forms

    for size, channels, features, k in (
        (7, 512, 512, 3),
        (14, 256, 256, 3),
        (7, 2048, 512, 1),
        (56, 64, 256, 1),
    ):
        pad = ((k // 2, k // 2),) * 2
        own = lambda x, w, pad=pad: neural.conv_plain(x, w, (1, 1), pad, (1, 1), 1, True)
        product = lambda x, w, pad=pad: forms.conv(x, w, (1, 1), pad, (1, 1), 1)
        args = numbers(1, size, size, channels), numbers(k, k, channels, features)
        yield str((size, channels, features, k)), {"XLA's": arm(own, *args), "product": arm(product, *args)}


def recurrent() -> Iterator[Case]:
    """IN_TURN_ROWS, IN_TURN_ELEMENTS: an LSTM's prediction with the input's product made ahead, or in each turn."""
    import lamina
    from lamina.backends.jax import cpu

    for rows, features, units in ((16, 256, 256), (32, 32, 64), (64, 32, 64), (128, 256, 256), (256, 32, 64)):
        model = lamina.Sequential([lamina.Input((80, features)), lamina.layers.LSTM(units)])

        def call(x: Any, model: Any = model) -> Any:
            with cpu.tracing(True):
                return model(x)

        x = numbers(rows, 80, features)
        yield (
            str((rows, 80, features, units)),
            {
                "ahead": arm(call, x, IN_TURN_ROWS=1 << 60),
                "in turn": arm(call, x, IN_TURN_ROWS=0, IN_TURN_ELEMENTS=0),
            },
        )


def patches() -> Iterator[Case]:
    """JOINED, GATHER_BYTES: patches joined of slices, or by one gather."""
    from lamina.backends.jax.cpu import windows

    for sizes in ((8, 28, 28, 32), (64, 28, 28, 32), (64, 56, 56, 64)):
        f = lambda x: windows.patches(x, (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
        args = (numbers(*sizes),)
        yield (
            str(sizes),
            {
                "two passes": arm(f, *args, JOINED=7, GATHER_BYTES=1 << 40),
                "gather": arm(f, *args, JOINED=0, GATHER_BYTES=0),
            },
        )


def transpose() -> Iterator[Case]:
    """COPY_WORTH, COPY_MOST: the smaller operand of `x^T g` laid out anew before."""
    from lamina.backends.jax.cpu import products

    for rows, width, features in ((4096, 288, 64), (512, 784, 64), (8192, 64, 64), (128, 128, 10)):
        f = with_gradient(products.product)
        args = numbers(rows, width), numbers(width, features)
        yield (
            f"{rows} x {width} x {features}",
            {
                "as it is": arm(f, *args, COPY_WORTH=1 << 40),
                "copied": arm(f, *args, COPY_WORTH=0, COPY_MOST=1 << 40),
            },
        )


def take() -> Iterator[Case]:
    """TAKE_MOST: one element along an axis by a masked sum, or by a gather."""
    from lamina.backends import load

    for classes in (10, 100, 1000):
        f = with_gradient(lambda x: load("jax").take_along_axis(x, np.zeros((4096, 1), "int32"), 1))
        args = (numbers(4096, classes),)
        yield (
            f"{classes} classes",
            {"gather": arm(f, *args, TAKE_MOST=0), "sum": arm(f, *args, TAKE_MOST=1 << 40)},
        )


def training(model: Any, x: Any, y: Any, **values: Any) -> Callable[[], Any]:
    """An epoch of a model, whose program is made with these constants."""
    model.compile("sgd", "mse")
    fit = lambda: model.fit(x, y, batch_size=64, verbose=0, shuffle=False)
    with using(**values):
        fit()
        fit()
    return fit


def dense(*widths: int) -> tuple[Any, Any, Any]:
    import lamina

    layers = [lamina.layers.Dense(n, activation="relu") for n in widths[1:]]
    model = lamina.Sequential([lamina.Input(widths[:1]), *layers])
    rng = np.random.default_rng(0)
    return model, rng.random((6400, widths[0]), "float32"), rng.random((6400, widths[-1]), "float32")


def convnet() -> tuple[Any, Any, Any]:
    import lamina

    L = lamina.layers
    model = lamina.Sequential([
        lamina.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(),
        L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(10),
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    return model, rng.random((1280, 28, 28, 1), "float32"), rng.random((1280, 10), "float32")


def turns() -> Iterator[Case]:
    """FEW_CORES: operations as XLA schedules them, or one after the other."""
    yield (
        "convnet",
        {"XLA's": training(*convnet(), FEW_CORES=0), "in turn": training(*convnet(), FEW_CORES=1 << 20)},
    )


def eigen() -> Iterator[Case]:
    """EIGEN_ROWS and others: products by YNN, or by Eigen."""
    never, always = {"EIGEN_WORK": 1 << 60}, {"EIGEN_WORK": 0, "EIGEN_ROWS": 0}
    for label, make in (
        ("784-512-10", lambda: dense(784, 512, 10)), ("256-256-256", lambda: dense(256, 256, 256)), ("convnet", convnet),
    ):  # fmt: skip
        yield label, {"YNN": training(*make(), **never), "Eigen": training(*make(), **always)}


def threads() -> Iterator[Case]:
    """SMALL_LEAST, SMALL_MOST: steps on all cores, or on one."""
    for widths in ((784, 32, 10), (784, 128, 10), (784, 512, 10), (784, 512, 512, 10)):
        yield (
            "-".join(map(str, widths)),
            {
                "all cores": training(*dense(*widths), SMALL_MOST=0),
                "one core": training(*dense(*widths), SMALL_LEAST=0, SMALL_MOST=1 << 60),
            },
        )


NAMES: dict[str, Callable[[], Iterator[Case]]] = {
    f.__name__: f
    for f in (chunks, split, forward, recurrent, patches, transpose, take, turns, eigen, threads)
}


def compare(arms: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each arm; the arms in turn, so that what else runs meets all of them."""
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for _, (name, call) in itertools.product(range(rounds), arms.items()):
        start = time.perf_counter()
        call()
        taken[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(times[1:] or times) for name, times in taken.items()}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, "all"], default="all")
    parser.add_argument(
        "--quick", action="store_true", help="the first case, two rounds: whether it runs at all"
    )
    asked = parser.parse_args(argv)
    import lamina
    from lamina.backends.jax import cpu

    lamina.config.set_backend("jax")
    lamina.config.set_compile_cache(False)
    if not cpu.on():
        print("Programs are not tuned here: no CPU, or LAMINA_JAX_TUNING=0.")
        return 1
    names = [name for name in NAMES if name in asked.names or "all" in asked.names]
    for name in names:
        print(f"{name}: {NAMES[name].__doc__}")
        for label, arms in itertools.islice(NAMES[name](), 1 if asked.quick else None):
            found = compare(arms, 2 if asked.quick else 11)
            first = next(iter(found.values()))
            print(
                f"  {label:24}",
                *[f"{arm} {ms:.2f} ms ({ms / first:.2f})" for arm, ms in found.items()],
                sep="  ",
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
