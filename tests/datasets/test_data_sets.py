"""Data sets from a local HTTP server with small files in the right formats, and hostile ones."""

from __future__ import annotations

import functools
import gzip
import http.server
import io
import json
import os
import pickle
import struct
import tarfile
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina.datasets.unpickling import UnsafeDataError
from lamina.utils.download import ArchiveError, extract_archive

RNG = np.random.default_rng(0)
LISTS = [[int(v) for v in RNG.integers(1, 50, RNG.integers(3, 12))] for _ in range(20)]


def objects(lists: list[list[int]]) -> np.ndarray:
    out = np.empty(len(lists), object)
    out[:] = lists
    return out


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def idx(x: np.ndarray) -> bytes:
    return gzip.compress(bytes([0, 0, 8, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.tobytes())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The folder of a server, and its address."""
    folder = tmp_path_factory.mktemp("served")
    digits = {"x_train": np.zeros((4, 28, 28), "uint8"), "y_train": np.arange(4),
              "x_test": np.ones((2, 28, 28), "uint8"), "y_test": np.arange(2)}  # fmt: skip
    np.savez(folder / "mnist.npz", **digits)
    table = {"x": np.arange(20.0).reshape(10, 2), "y": np.arange(10.0)}
    np.savez(folder / "boston_housing.npz", **table)
    np.savez(folder / "california_housing.npz", **table)
    np.savez(folder / "imdb.npz", x_train=objects(LISTS[:12]), y_train=np.arange(12), x_test=objects(LISTS[12:]),
             y_test=np.arange(8))  # fmt: skip
    np.savez(folder / "reuters.npz", x=objects(LISTS), y=np.arange(20))
    for name in ("imdb_word_index.json", "reuters_word_index.json"):
        (folder / name).write_text(json.dumps({"the": 1, "film": 2}))
    for part, count in (("train", 6), ("t10k", 3)):
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(np.full((count, 28, 28), 7, "uint8")))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(np.arange(count, dtype="uint8")))
    image = RNG.integers(0, 256, (2, 3072)).astype("uint8")
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as tar:
        for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
            add(
                tar,
                f"cifar-10-batches-py/{name}",
                pickle.dumps({b"data": image, b"labels": [3, 4]}, protocol=2),
            )
    with tarfile.open(folder / "cifar-100-python.tar.gz", "w:gz") as tar:
        for name in ("train", "test"):
            batch = {b"data": image, b"fine_labels": [33, 44], b"coarse_labels": [1, 2]}
            add(tar, f"cifar-100-python/{name}", pickle.dumps(batch, protocol=2))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    handler.log_message = lambda *args: None  # type: ignore[attr-defined]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Quiet", (http.server.SimpleHTTPRequestHandler,), {
        "__init__": lambda self, *a, **k: http.server.SimpleHTTPRequestHandler.__init__(self, *a, directory=str(folder), **k),
        "log_message": lambda *args: None,
    }))  # fmt: skip
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def own_cache(served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LAMINA_DATASETS", served[1])


def test_images() -> None:
    d = lamina.datasets
    (x, y), (u, v) = d.mnist.load_data()
    assert (x.shape, y.tolist(), u.shape, v.tolist()) == ((4, 28, 28), [0, 1, 2, 3], (2, 28, 28), [0, 1])
    (x, y), (u, _) = d.fashion_mnist.load_data()
    assert (x.shape, x.max(), y.tolist(), len(u)) == ((6, 28, 28), 7, list(range(6)), 3)
    (x, y), (u, v) = d.cifar10.load_data()
    assert (x.shape, y.shape, u.shape, v.ravel().tolist()) == (
        (10, 32, 32, 3),
        (10, 1),
        (2, 32, 32, 3),
        [3, 4],
    )
    assert d.cifar100.load_data()[0][1].ravel().tolist() == [33, 44]
    assert d.cifar100.load_data("coarse")[0][1].ravel().tolist() == [1, 2]
    with pytest.raises(ValueError, match="unknown label_mode 'x'"):
        d.cifar100.load_data("x")


@pytest.mark.parametrize("more", [{}, {"num_words": 20}, {"skip_top": 5}, {"maxlen": 8},
                                  {"oov_char": None, "num_words": 20}, {"start_char": None, "index_from": 0}],
                         ids=str)  # fmt: skip
def test_word_lists_are_those_of_keras(
    more: dict[str, Any], served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("imdb", "reuters"):
        theirs = __import__(f"keras.src.datasets.{name}", fromlist=["x"])
        monkeypatch.setattr(theirs, "get_file", lambda *a, name=name, **k: str(served[0] / f"{name}.npz"))
        wanted = getattr(keras.datasets, name).load_data(**more)
        got = getattr(lamina.datasets, name).load_data(**more)
        for (x, y), (u, v) in zip(got, wanted, strict=True):
            assert [list(map(int, row)) for row in x] == [list(map(int, row)) for row in u]
            assert list(y) == list(v)


def test_tables_and_names() -> None:
    d = lamina.datasets
    (x, y), (u, v) = d.boston_housing.load_data()
    assert (len(x), len(u)) == (8, 2)
    assert sorted([*y, *v]) == list(range(10))
    np.testing.assert_array_equal(x[:, 0], 2 * y)
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    assert [*y, *v] == order.tolist()
    assert len(d.california_housing.load_data("small", test_split=0.5)[0][0]) == 5
    assert d.imdb.get_word_index() == d.reuters.get_word_index() == {"the": 1, "film": 2}
    assert d.reuters.get_label_names() == keras.datasets.reuters.get_label_names()
    with pytest.raises(ValueError, match="with maxlen=1 no list is left"):
        d.imdb.load_data(maxlen=1)


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/lamina_was_here",)


def test_a_pickle_with_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, x=np.array([Evil()], dtype=object), y=np.arange(1))
    with pytest.raises(UnsafeDataError, match=r"names (posix|nt)\.system, but only plain values"):
        lamina.datasets.reuters.load_data(str(path))
    for data in (b"\x80\x02garbage", b"", pickle.dumps({b"data": [1]})):
        broken = tmp_path / "broken.npz"
        with zipfile.ZipFile(broken, "w") as archive:
            archive.writestr("x.npy", data)
        with pytest.raises(UnsafeDataError):
            lamina.datasets.reuters.load_data(str(broken))
    short = tmp_path / "short.gz"
    short.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 2**31) + b"x"))
    from lamina.datasets.fashion_mnist.load import read_idx

    with pytest.raises(UnsafeDataError, match="says it holds"):
        read_idx(str(short))


# -- downloads and archives --------------------------------------------------------------------------------------------


def test_downloads_are_checked_and_kept(served: Any, tmp_path: Path) -> None:
    folder, address = served
    (folder / "note.txt").write_text("one")
    path = Path(lamina.utils.get_file(origin=f"{address}/note.txt"))
    assert path == tmp_path / "cache/datasets/note.txt"
    (folder / "note.txt").write_text("two")
    assert Path(lamina.utils.get_file(origin=f"{address}/note.txt")).read_text() == "one"
    assert Path(lamina.utils.get_file(origin=f"{address}/note.txt", force_download=True)).read_text() == "two"
    with pytest.raises(ValueError, match="has another hash than"):
        lamina.utils.get_file("other.txt", f"{address}/note.txt", file_hash="0" * 32)
    assert os.listdir(path.parent) == ["note.txt"]  # nothing half is left
    with pytest.raises(OSError, match="404"):
        lamina.utils.get_file(origin=f"{address}/nothing.txt")
    for kwargs, text in (({"fname": "../../up.txt", "origin": f"{address}/note.txt"}, "leads out of the cache"),
                         ({"origin": None}, "give the address"), ({"origin": "gopher://x/y"}, "must be an http")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            lamina.utils.get_file(**kwargs)


def test_archives_are_unpacked(served: Any) -> None:
    folder, address = served
    with tarfile.open(folder / "good.tar.gz", "w:gz") as tar:
        add(tar, "inner/a.txt", b"hello")
    with zipfile.ZipFile(folder / "good.zip", "w") as archive:
        archive.writestr("inner/b.txt", "hello")
    for name, inner in (("good.tar.gz", "inner/a.txt"), ("good.zip", "inner/b.txt")):
        where = lamina.utils.get_file(origin=f"{address}/{name}", extract=True, force_download=True)
        assert (Path(where) / inner).read_text() == "hello"


def hostile(kind: str, path: Path) -> None:
    if kind == "zip outside":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../up.txt", "x")
        return
    if kind == "bomb":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("big", b"\0" * (70 << 20))
        return
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(
            "../up.txt" if kind == "outside" else "/abs.txt" if kind == "absolute" else "link"
        )
        if kind == "symbolic link":
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        elif kind == "hard link":
            info.type, info.linkname = tarfile.LNKTYPE, "/etc/passwd"
        elif kind == "device":
            info.type = tarfile.CHRTYPE
        tar.addfile(info)


@pytest.mark.parametrize(
    "kind", ["outside", "absolute", "symbolic link", "hard link", "device", "zip outside", "bomb"]
)
def test_hostile_archives_leave_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "evil"
    hostile(kind, path)
    with pytest.raises(ArchiveError, match=r"leads out of its folder|no regular file|out of proportion"):
        extract_archive(path, tmp_path / "to")
    assert os.listdir(tmp_path) == ["evil"]
