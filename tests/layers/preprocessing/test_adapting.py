"""What layers learn from: any iterable, in bounded memory, with a report of how far they are."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import weakref
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.layers.preprocessing import streams

TEXTS = ["the cat sat", "a dog", "the dog sat on the cat", "a cat"] * 5


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def sources() -> dict[str, Any]:
    """The same texts in everything that holds or gives some."""
    import pandas
    import polars
    import pyarrow

    array = np.array(TEXTS)
    return {
        "list": TEXTS, "tuple": tuple(TEXTS), "unicode": array, "objects": array.astype(object),
        "column": array[:, None], "bytes": array.astype("S"), "single rows": (t for t in TEXTS),
        "batches": (TEXTS[i : i + 3] for i in range(0, 20, 3)), "arrays": (array[i : i + 3] for i in range(0, 20, 3)),
        "pandas": pandas.Series(TEXTS), "pandas of Arrow": pandas.Series(TEXTS, dtype="string[pyarrow]"),
        "frame": pandas.DataFrame({"text": TEXTS}), "category": pandas.Series(TEXTS, dtype="category"),
        "polars": polars.Series(TEXTS), "polars frame": polars.DataFrame({"text": TEXTS}),
        "Arrow": pyarrow.array(TEXTS), "chunks": pyarrow.chunked_array([TEXTS[:3], TEXTS[3:]]),
        "Arrow table": pyarrow.table({"text": TEXTS}), "dict": {"text": TEXTS},
    }  # fmt: skip


@pytest.mark.parametrize("kind", [layers.TextVectorization, layers.StringLookup])
def test_a_vocabulary_is_learned_from_anything(kind: Any) -> None:
    wanted = None
    for name, source in sources().items():
        layer = kind()
        layer.adapt(source)
        wanted = wanted or layer.get_vocabulary()
        assert layer.get_vocabulary() == wanted, name


def test_data_sets_of_tensorflow() -> None:
    tf = pytest.importorskip("tensorflow")
    layer, wanted = layers.TextVectorization(), layers.TextVectorization()
    wanted.adapt(TEXTS)
    data = tf.data.Dataset.from_tensor_slices(TEXTS)
    for source in (data, data.batch(3), data.batch(3).map(lambda x: x[:, None])):
        layer.adapt(source)
        assert layer.get_vocabulary() == wanted.get_vocabulary()
    layer.adapt(data.batch(4).repeat(), steps=5)
    assert layer.get_vocabulary() == wanted.get_vocabulary()


def test_data_sets_of_hugging_face() -> None:
    datasets = pytest.importorskip("datasets")
    if not hasattr(datasets, "Dataset"):
        pytest.skip("datasets is not installed; a folder has its name")
    layer, wanted = layers.TextVectorization(), layers.TextVectorization()
    wanted.adapt(TEXTS)
    data = datasets.Dataset.from_dict({"text": TEXTS, "label": list(range(20))})
    for source in (data["text"], data.select_columns(["text"]), data.with_format("numpy")["text"]):
        layer.adapt(source)
        assert layer.get_vocabulary() == wanted.get_vocabulary()
    layer.adapt(row["text"] for row in data.to_iterable_dataset())
    assert layer.get_vocabulary() == wanted.get_vocabulary()
    with pytest.raises(
        ValueError, match=r"reads one column, this table has 2: text, label\. Pass one: data\['text'\]"
    ):
        layer.adapt(data)


def test_progress_is_told_in_rows() -> None:
    told: list[int] = []
    layers.TextVectorization().adapt((TEXTS[i : i + 6] for i in range(0, 20, 6)), progress=told.append)
    assert told == [6, 12, 18, 20]
    for layer, data in (
        (layers.StringLookup(), TEXTS), (layers.Normalization(), np.ones((7, 2))),
        (layers.Discretization(num_bins=2), np.arange(9.0)), (layers.IntegerLookup(), np.arange(5)),
    ):  # fmt: skip
        told.clear()
        layer.adapt(data, progress=told.append)
        assert told == [len(data)]


def test_the_bar_of_lamina_takes_progress(capsys: pytest.CaptureFixture[str]) -> None:
    bar = lamina.utils.Progbar(20, verbose=1, unit_name="row")
    layers.TextVectorization().adapt(TEXTS, progress=bar.update)
    assert "20/20" in capsys.readouterr().out


def test_long_rows_are_read_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LETTERS", 1000)
    books = ["word " * 100] * 10
    for source in (books, iter(books)):
        sizes = [len(piece) for piece in streams.pieces(source, "a test")]
        assert sum(sizes) == 10
        assert max(sizes) <= 3
    assert [len(p) for p in streams.pieces(["x" * 5000, "y"], "a test")] == [1, 1]


@pytest.mark.parametrize("make", [layers.TextVectorization, layers.StringLookup])
def test_what_was_counted_is_let_go(make: Any) -> None:
    """The small form of the gigabyte below: of a generator's batches two at a time are there."""
    made: list[weakref.ref[Any]] = []
    most = 0

    class Batch(np.ndarray):
        """An array that tells when it goes."""

    def batches() -> Any:
        nonlocal most
        for i in range(20):
            batch = np.array([f"word{i}", "often"], object).view(Batch)
            made.append(weakref.ref(batch))
            most = max(most, sum(r() is not None for r in made))
            yield batch

    layer = make()
    layer.adapt(batches())
    assert most <= 2
    assert layer.vocabulary_size() == 21 + (2 if make is layers.TextVectorization else 1)


MEMORY = """
import sys
import numpy as np
import lamina

def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024

rng = np.random.default_rng(0)
words = np.array([f"word{i:06d}" for i in range(200_000)])
wanted, seen = int(sys.argv[1]), 0
pages = [" ".join(words[rng.zipf(1.2, 1000) % len(words)]) for _ in range(2000)]

def texts():
    global seen
    while seen < wanted:
        for page in pages:
            seen += len(page)
            yield page + f" only{seen}"  # every text has a word of its own

layer = lamina.layers.TextVectorization(max_tokens=50_000)
layer.adapt(["a b"] * 5000)
before = peak()
layer.adapt(texts())
print(seen, layer.vocabulary_size(), peak() - before)
"""


def grown(letters: int, tmp_path: pathlib.Path) -> tuple[int, int, float]:
    """What a process of its own read, learned and took in MB above what it had before."""
    script = tmp_path / "memory.py"
    script.write_text(MEMORY)
    root = str(pathlib.Path(lamina.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, str(script), str(letters)], capture_output=True, text=True, timeout=3600,
        env={**os.environ, "PYTHONPATH": root, "LAMINA_BACKEND": "numpy"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-2000:]
    seen, size, more = run.stdout.split()
    return int(seen), int(size), float(more)


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_gigabyte_of_text_takes_little_memory(tmp_path: pathlib.Path) -> None:
    seen, size, more = grown(1_000_000_000, tmp_path)
    assert seen >= 1_000_000_000
    assert size == 50_000
    print(f"{seen} letters, {size} words: {more:.0f} MB more")
    assert more < 500, more
