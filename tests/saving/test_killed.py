"""A good file survives whatever happens while another is saved over it: a kill at any step, a full disk."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import saver

import lamina

SCRIPT = pathlib.Path(saver.__file__)
OLD, NEW = 1.0, 2.0


class Saver:
    """Saves in processes that are forked from one that has imported everything."""

    def __init__(self, folder):
        (folder / "warm").mkdir()
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder / "warm")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def __call__(self, path, **given):
        """(what the process said, its exit status)."""
        self.process.stdin.write(json.dumps({"path": str(path), "value": NEW, **given}) + "\n")
        said = []
        while not (line := self.process.stdout.readline()).startswith("end"):
            assert line, "the process that saves is gone"
            said.append(line.strip())
        return said, int(line.split()[1])

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    one = Saver(tmp_path_factory.mktemp("saver"))
    yield one
    one.close()


def value_in(path):
    """The one value that all weights of a file have; it fails for a file that is not whole."""
    if path.name in ("x.keras", "x.h5", "x"):
        model = lamina.models.load_model(path)
    else:
        model = saver.made(0)
        model.load_weights(path)
    values = {float(x) for v in model.weights for x in np.ravel(v.numpy())}
    assert len(values) == 1, f"weights of two saves in one file: {values}"
    return values.pop()


def left_over(path):
    """What lies beside and could be taken for a model or for weights."""
    names = {p.name for p in path.parent.iterdir()} - {path.name}
    if path.name == "x.weights.json":  # shards that no index names
        names -= {f"x_{i:05d}.weights.h5" for i in range(100)}
    return {n for n in names if not (n.startswith(".") and n.endswith((".tmp", ".old")))}


def killed(save, folder, kind, moments):
    """Save over a good file and kill at so many steps, spread at random over the whole save."""
    rng = np.random.default_rng(len(kind))
    (folder / "count").mkdir()
    saver.save(saver.made(OLD), folder / "count" / kind)
    said, _ = save(folder / "count" / kind)
    steps = int(said[0].split()[1])
    found = []
    for i, step in enumerate(sorted(rng.choice(np.arange(1, steps), min(moments, steps - 1), replace=False))):
        (folder / str(i)).mkdir()
        path = folder / str(i) / kind
        saver.save(saver.made(OLD), path)
        said, status = save(path, step=int(step))
        assert (said, status) == ([], -9)
        found.append(value_in(path))
        assert found[-1] in (OLD, NEW)
        assert left_over(path) == set()
        saver.save(saver.made(NEW), path)  # and the next save is as if nothing had been
        assert value_in(path) == NEW
    return found


@pytest.mark.parametrize("kind", saver.KINDS)
def test_killed_while_saving(tmp_path, save, kind):
    assert set(killed(save, tmp_path, kind, 4)) <= {OLD, NEW}


@pytest.mark.slow
@pytest.mark.parametrize("kind", saver.KINDS)
def test_killed_at_two_hundred_steps(tmp_path, save, kind):
    assert OLD in killed(save, tmp_path, kind, int(os.environ.get("LAMINA_KILLS", "200")))


@pytest.mark.parametrize("kind", saver.KINDS)
def test_killed_between_the_last_steps(tmp_path, save, kind):
    """Among the last hundred steps names are exchanged."""
    saver.save(saver.made(OLD), tmp_path / kind)
    said, _ = save(tmp_path / kind)
    steps = int(said[0].split()[1])
    for step in range(steps - 100, steps, 25):
        saver.save(saver.made(OLD), tmp_path / kind)
        save(tmp_path / kind, step=step)
        assert value_in(tmp_path / kind) in (OLD, NEW)


def whole_after(save, path, size, **given):
    """What a save that finds no room leaves: the old file, and nothing else."""
    saver.save(saver.made(OLD, size), path)
    before = sorted(p.name for p in path.parent.iterdir())
    said, status = save(path, size=size, **given)
    assert status == 0
    if said[0].startswith("error"):
        assert value_in_large(path, size) == OLD
        assert sorted(p.name for p in path.parent.iterdir()) == before
    else:
        assert value_in_large(path, size) == NEW
    return said[0].split()[0]


def value_in_large(path, size):
    if path.name in ("x.keras", "x.h5", "x"):
        return value_in(path)
    model = saver.made(0, size)
    model.load_weights(path)
    return float(model.weights[0].numpy()[0, 0])


@pytest.mark.parametrize("kind", saver.KINDS)
def test_no_room(tmp_path, save, kind):
    """A limit on the size of files, at several places of the file that is written."""
    saver.save(saver.made(OLD, 2000), tmp_path / kind)
    path = tmp_path / kind
    parts = path.iterdir() if path.is_dir() else tmp_path.iterdir() if kind == "x.weights.json" else [path]
    largest = max(p.stat().st_size for p in parts)
    outcomes = []
    for i, share in enumerate((0.0, 0.5, 0.999, 2.0)):
        (tmp_path / str(i)).mkdir()
        outcomes.append(whole_after(save, tmp_path / str(i) / kind, 2000, bytes=int(largest * share)))
    assert outcomes == ["error"] * 3 + ["steps"]


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system in memory with room for so many bytes; skips where nobody may mount one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", saver.KINDS)
@pytest.mark.parametrize("room", [1.5])
def test_a_full_disk(tmp_path, save, kind, room):
    saver.save(saver.made(OLD, 20_000), tmp_path / kind)
    size = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    with small_disk(tmp_path / "disk", int(size * room) // 4096 * 4096):
        assert whole_after(save, tmp_path / "disk" / kind, 20_000) == "error"
