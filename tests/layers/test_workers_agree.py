"""The same samples whoever makes them: none, two or four workers, forked or spawned, of every kind of loader."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from images import images

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.training.feed.dataset import read_in_order

X = images(8)


def augment() -> Any:
    return layers.Pipeline(
        [layers.RandomFlip(seed=1), layers.RandomRotation(0.2, seed=2), layers.RandomContrast(0.5, seed=3)]
    )


class Rows(lamina.utils.PyDataset):
    """Batches of two augmented images."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.augment = augment()

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return np.asarray(self.augment(X[2 * index : 2 * index + 2]))


def batches(source: Any, epoch: int = 0, order: Any = (0, 1, 2, 3)) -> np.ndarray:
    with interpreter(backends.load("numpy")) as k:
        found = dict(zip(order, read_in_order(source, iter(order), k, epoch), strict=True))
        return np.concatenate([found[i] for i in range(4)])


def test_threads_give_what_one_gives() -> None:
    wanted = batches(Rows())
    for workers in (2, 4):
        np.testing.assert_array_equal(batches(Rows(workers=workers)), wanted)
    np.testing.assert_array_equal(batches(Rows(workers=2), order=(3, 1, 0, 2)), wanted)
    assert not np.array_equal(batches(Rows(workers=2), epoch=1), wanted)
    assert len({x.tobytes() for x in wanted}) == 8


def test_a_layer_that_is_called_twice_draws_twice() -> None:
    with interpreter(backends.load("numpy")):
        layer = layers.RandomRotation(0.2, seed=2)
        for _ in range(2):
            with lamina.random.for_sample(3):
                one, two = layer(X[0]), layer(X[0])
                with lamina.random.for_sample(4):
                    other = layer(X[0])
                three = layer(X[0])
            assert len({v.tobytes() for v in (one, two, three, other)}) == 4
        with lamina.random.for_sample(3):
            np.testing.assert_array_equal(layer(X[0]), one)
        again = layers.RandomRotation(0.2, seed=2)
        layer(X[0])
        np.testing.assert_array_equal(
            layer(X[0]), [again(X[0]), again(X[0])][1]
        )  # the stream went on as if nothing were
    with pytest.raises(TypeError, match=r"takes integers, got 0\.5"), lamina.random.for_sample(0.5):
        pass


LOADERS = """
import sys
import numpy as np
import lamina
from lamina import layers

X = np.random.default_rng(0).uniform(0, 255, (8, 8, 10, 3)).astype("float32")

class Rows:
    def __init__(self):
        self.augment = layers.Pipeline([layers.RandomFlip(seed=1), layers.RandomRotation(0.2, seed=2)])
    def __len__(self):
        return 8
    def __getitem__(self, i):
        with lamina.random.for_sample(i):
            return np.asarray(self.augment(X[i]))

class Batches(Rows, lamina.utils.PyDataset):
    def __init__(self, **given):
        lamina.utils.PyDataset.__init__(self, **given)
        Rows.__init__(self)
    def __getitem__(self, i):
        return np.asarray(self.augment(X[i]))

def torch_loader(workers, way):
    from torch.utils.data import DataLoader
    more = {"multiprocessing_context": way} if workers else {}
    return np.concatenate([x.numpy() for x in DataLoader(Rows(), batch_size=2, num_workers=workers, **more)])

def py_dataset(workers, way):
    from lamina.training.feed.dataset import read_in_order
    from lamina import backends
    source = Batches(workers=workers or 1, use_multiprocessing=workers > 0)
    return np.stack(list(read_in_order(source, iter(range(8)), backends.load("numpy"))))

def grain_loader(workers, way):
    import grain
    from absl import flags
    flags.FLAGS.mark_as_parsed()  # Grain's workers read them
    rows = Rows()
    data = grain.MapDataset.range(8).map(rows.__getitem__).to_iter_dataset()
    if workers:
        data = data.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers))
    return np.stack(list(data))

if __name__ == "__main__":
    make = {"torch": torch_loader, "pydataset": py_dataset, "grain": grain_loader}[sys.argv[1]]
    wanted = make(0, None)
    assert len({x.tobytes() for x in wanted}) == 8
    for workers in (2, 4):
        for way in ("fork", "spawn") if sys.argv[1] == "torch" else ("spawn",):
            found = make(workers, way)
            np.testing.assert_array_equal(found, wanted, err_msg=f"{workers} {way}")
    print("good")
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["torch", "pydataset", "grain"])
def test_loaders_with_0_2_and_4_workers_agree(kind: str, tmp_path: pathlib.Path) -> None:
    if kind != "pydataset":
        pytest.importorskip(kind)
    script = tmp_path / "loaders.py"
    script.write_text(LOADERS)
    root = str(pathlib.Path(lamina.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, str(script), kind], capture_output=True, text=True, timeout=900,
        env={**os.environ, "PYTHONPATH": root, "LAMINA_BACKEND": "numpy"},
    )  # fmt: skip
    assert run.stdout.strip().endswith("good"), run.stderr[-3000:]


EVERY = """
import sys, zlib
import numpy as np
import lamina
from images import ALL, FIXED, images
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = images(4)
TEXTS = np.array(["the cat sat", "a dog", "", "the dog sat on the cat"])
IDS = np.array([[1, 5], [2, 7], [5, 3], [9, 2]], "int32")

def made():
    text, scale, bins = layers.TextVectorization(), layers.Normalization(), layers.Discretization(num_bins=3)
    text.adapt(TEXTS), scale.adapt(X), bins.adapt(IDS)
    found = [(getattr(layers, n)(**given, **({} if n in FIXED else {"seed": 3})), X) for n, given in ALL.items()]
    return found + [
        (text, TEXTS), (scale, X), (bins, IDS), (layers.StringLookup(vocabulary=["a dog"], num_oov_indices=3), TEXTS),
        (layers.Hashing(7, salt=3), TEXTS), (layers.Hashing(100), IDS), (layers.Rescaling(2.0), X),
        (layers.HashedCrossing(9), (TEXTS, IDS[:, 0])), (layers.IntegerLookup(vocabulary=[5, 2]), IDS),
        (layers.CategoryEncoding(10), IDS), (layers.STFTSpectrogram(frame_length=8, frame_step=4, fft_length=8), X[:, :, 0, :1]),
        (layers.MelSpectrogram(fft_length=8, sequence_stride=4, num_mel_bins=4), X[..., 0, 0]),
        (layers.Pipeline([layers.RandomFlip(seed=1), layers.RandomZoom(0.1, seed=2)], fuse=True), X),
    ]

class Every(lamina.utils.PyDataset):
    def __init__(self, **given):
        super().__init__(**given)
        self.made = made()
    def __len__(self):
        return len(self.made)
    def __getitem__(self, i):
        layer, data = self.made[i]
        with lamina.random.for_sample(i):
            out = layer(data)
        return np.array([zlib.crc32(np.ascontiguousarray(out).tobytes())])

def torch_loader(rows):
    from torch.utils.data import DataLoader
    found = []
    for way in ("fork", "spawn"):
        given = {"num_workers": 2, "multiprocessing_context": way}
        found.append(np.stack([x.numpy() for x in DataLoader(rows, batch_size=None, **given)]))
    return found

def py_dataset(rows):
    from lamina.training.feed.dataset import read_in_order
    rows.workers, rows.use_multiprocessing = 2, True
    return [np.stack(list(read_in_order(rows, iter(range(len(rows))), backends.load("numpy"))))]

def grain_loader(rows):
    import grain
    from absl import flags
    flags.FLAGS.mark_as_parsed()  # Grain's workers read them
    data = grain.MapDataset.range(len(rows)).map(rows.__getitem__).to_iter_dataset()
    return [np.stack(list(data)), np.stack(list(data.mp_prefetch(grain.MultiprocessingOptions(num_workers=2))))]

if __name__ == "__main__":
    with interpreter(backends.load("numpy")):
        rows = Every()
        wanted = np.stack([rows[i] for i in range(len(rows))])
        for found in {"torch": torch_loader, "pydataset": py_dataset, "grain": grain_loader}[sys.argv[1]](rows):
            wrong = [type(rows.made[i][0]).__name__ for i in np.flatnonzero(found[:, 0] != wanted[:, 0])]
            assert not wrong, wrong
    print("good", len(rows))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["torch", "pydataset", "grain"])
def test_every_layer_in_the_workers_of_every_loader(kind: str, tmp_path: pathlib.Path) -> None:
    """The very bits that the layer gives outside of them."""
    if kind != "pydataset":
        pytest.importorskip(kind)
    script = tmp_path / "every.py"
    script.write_text(EVERY)
    here = pathlib.Path(__file__).parent
    path = os.pathsep.join([str(pathlib.Path(lamina.__file__).parents[1]), str(here)])
    run = subprocess.run(
        [sys.executable, str(script), kind], capture_output=True, text=True, timeout=1800,
        env={**os.environ, "PYTHONPATH": path, "LAMINA_BACKEND": "numpy"},
    )  # fmt: skip
    assert run.stdout.strip().startswith("good"), run.stderr[-3000:]
