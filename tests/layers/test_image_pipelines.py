"""Image layers where images are made ready: in tf.data, in worker processes, and as the first layers of a model."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from images import ALL, FIXED, images
from oracle import BACKENDS

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = images(4)
CHAIN = ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomShear", "RandomContrast",
         "RandomBrightness", "RandomCrop", "Resizing")  # fmt: skip

# One of each kind that TensorFlow traces in `make test`; the others are slow.
TRACED = ("RandomFlip", "RandomRotation", "RandomPerspective", "RandomBrightness", "RandomGaussianBlur", "RandomHue",
          "RandomErasing", "MixUp", "RandomColorJitter", "RandomCrop", "RandomGrayscale", *FIXED)  # fmt: skip


def chain() -> list[Any]:
    return [getattr(layers, n)(**ALL[n], **({} if n in FIXED else {"seed": i})) for i, n in enumerate(CHAIN)]


def in_turn(x: Any, made: list[Any]) -> Any:
    for layer in made:
        x = layer(x)
    return x


def alone(calls: int = 2) -> list[np.ndarray]:
    """What NumPy gives."""
    with interpreter(backends.load("numpy")):
        made = chain()
        return [in_turn(X, made) for _ in range(calls)]


@pytest.mark.skipif("tensorflow" not in BACKENDS, reason="TensorFlow is not installed")
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_inside_tf_data_whatever_the_backend(backend: str) -> None:
    import tensorflow as tf

    with interpreter(backends.load(backend)):
        made = chain()
        data = (
            tf.data.Dataset.from_tensor_slices(np.concatenate([X, X]))
            .batch(4)
            .map(lambda x: in_turn(x, made))
        )
        assert data.element_spec.shape.as_list() == [None, 5, 6, 3]
        got = [x.numpy() for x in data]
        again = in_turn(X, made)  # the layer itself has drawn nothing yet, and is of the backend in force
        assert isinstance(again, backends.load(backend).Tensor)
    for ours, wanted in zip(got, alone(), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=2e-3)


@pytest.mark.skipif("tensorflow" not in BACKENDS, reason="TensorFlow is not installed")
@pytest.mark.parametrize("name", [n if n in TRACED else pytest.param(n, marks=pytest.mark.slow) for n in ALL])
def test_every_layer_inside_tf_data(name: str) -> None:
    """Single images of unknown size, which TensorFlow traces."""
    import tensorflow as tf

    seed = {} if name in FIXED else {"seed": 3}
    with interpreter(backends.load("numpy")):
        layer = getattr(layers, name)(**ALL[name], **seed)
        wanted = getattr(layers, name)(**ALL[name], **seed)(X)
        spec = tf.TensorSpec((None, None, None, 3), tf.float32)
        data = tf.data.Dataset.from_generator(lambda: [X], output_signature=spec).map(layer)
        (got,) = [x.numpy() for x in data]
    np.testing.assert_allclose(got, wanted, atol=0.02 if name == "RandomPerspective" else 3e-3)


@pytest.mark.skipif("tensorflow" not in BACKENDS, reason="TensorFlow is not installed")
def test_boxes_and_masks_inside_tf_data() -> None:
    import tensorflow as tf

    boxes = {"boxes": np.array([[[1.0, 1, 4, 5]]] * 4, "float32"), "labels": np.ones((4, 1), "int32")}
    data = {"images": X, "segmentation_masks": np.ones((4, 8, 10, 1), "int32"), "bounding_boxes": boxes}
    with interpreter(backends.load("numpy")):
        layer = layers.RandomRotation(0.1, seed=1, bounding_box_format="xyxy")
        (out,) = list(tf.data.Dataset.from_tensor_slices(data).batch(4).map(layer))
        wanted = layers.RandomRotation(0.1, seed=1, bounding_box_format="xyxy")(data)
    np.testing.assert_allclose(out["bounding_boxes"]["boxes"], wanted["bounding_boxes"]["boxes"], atol=1e-3)
    np.testing.assert_array_equal(out["segmentation_masks"], wanted["segmentation_masks"])


@pytest.mark.filterwarnings("ignore")  # of frameworks' compilers
@pytest.mark.parametrize("backend", [b for b in BACKENDS if b != "numpy"])
def test_inside_a_compiled_fit(backend: str) -> None:
    """The losses of three steps are those that images made ready by NumPy give."""
    x, y = np.concatenate([X] * 3) / 255, np.linspace(0, 1, 12, dtype="float32")[:, None]

    def model(first: list[Any], shape: tuple[int, ...]) -> Any:
        lamina.utils.set_random_seed(0)
        made = lamina.Sequential(
            [lamina.Input(shape), *first, layers.Flatten(), layers.Dense(1, kernel_initializer="zeros")]
        )
        made.compile(lamina.optimizers.SGD(1e-6), "mse")
        return made

    with interpreter(backends.load(backend)):
        whole = model(chain(), (8, 10, 3))
        history = whole.fit(x, y, batch_size=4, shuffle=False, verbose=0, epochs=1).history["loss"]
        still = whole.predict(x[:4], verbose=0)
        np.testing.assert_array_equal(still, whole.predict(x[:4], verbose=0))
    with interpreter(backends.load("numpy")):
        made = chain()
        ready = np.concatenate([in_turn(x[i : i + 4], made) for i in range(0, 12, 4)])
    with interpreter(backends.load(backend)):
        wanted = model([], (5, 6, 3)).fit(ready, y, batch_size=4, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(history, wanted, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", [b for b in BACKENDS if b in ("jax", "tensorflow")])
@pytest.mark.parametrize("name", ALL)
def test_every_layer_inside_a_compiled_program(name: str, backend: str) -> None:
    with interpreter(backends.load(backend)) as k:
        seed = {} if name in FIXED else {"seed": 3}
        eager = getattr(layers, name)(**ALL[name], **seed)(X)
        layer = getattr(layers, name)(**ALL[name], **seed)
        compiled = k.jit(lambda other, x: layer.stateless_call([], other, x)[0])
        got = compiled([v.value for v in layer.non_trainable_variables], k.asarray(X))
        np.testing.assert_allclose(k.to_numpy(got), k.to_numpy(eager), atol=0.02)


# -- worker processes --------------------------------------------------------------------------------------------------

WORKERS = """
import multiprocessing, pickle, sys
import numpy as np
import lamina
from lamina import layers

def work(given):
    layer, x = pickle.loads(given)
    out = layer(x)
    return type(out).__name__, out, sorted(set(sys.modules) & {"jax", "torch", "tensorflow"})

if __name__ == "__main__":
    layer = layers.RandomRotation(0.2, seed=1)
    given = pickle.dumps((layer, np.random.default_rng(0).uniform(0, 255, (1, 8, 10, 3)).astype("float32")))
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        jobs = [pool.apply_async(work, (given,)) for _ in range(6)]
        results = [job.get() for job in jobs]
        one_each = pool.map(work, [given] * 8, chunksize=4)
    assert {r[0] for r in results} == {"ndarray"}, results
    assert all(r[2] == [] for r in results), results[0][2]
    assert len({r[1].tobytes() for r in one_each}) <= 2  # a new copy of the layer begins anew in each worker,
    assert len({r[1].tobytes() for r in results + one_each}) == 2  # and each worker has numbers of its own
    print("good")
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_worker_processes_numpy_does_the_work(method: str, tmp_path: Any) -> None:
    script = tmp_path / "workers.py"
    script.write_text(WORKERS.replace("METHOD", method))
    root = str(__import__("pathlib").Path(lamina.__file__).parents[1])
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, env={
        **__import__("os").environ, "PYTHONPATH": root})  # fmt: skip
    assert run.stdout.strip() == "good", run.stderr
