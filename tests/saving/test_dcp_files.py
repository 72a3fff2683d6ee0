"""Folders of ShardedCheckpoint on torch: written by its own library, read without it and without running what is in them."""

import contextlib
import io
import json
import os
import pathlib
import pickle
import pickletools
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import lamina
from lamina.callbacks import ShardedCheckpoint
from lamina.errors import SerializationError
from lamina.saving import dcp, pickles

torch = pytest.importorskip("torch")
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.ones((8, 2), "float32")


def made():
    model = lamina.Sequential(
        [
            lamina.Input((4,)),
            lamina.layers.Dense(3, dtype="bfloat16", name="one"),
            lamina.layers.Dense(2, name="two"),
        ],
        name="net",
    )
    model.compile("adam", "mse")  # its name has another number each time
    return model


def state(model):
    return [v.numpy() for v in (*model.weights, *model.optimizer.variables)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def train(folder, epochs=2, **how):
    with lamina.backend("torch"):
        model = made()
        model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[ShardedCheckpoint(folder, **how)])
        return model, state(model)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dcp") / "c"
    train(folder)
    return folder


def test_read_where_there_is_no_torch(tmp_path):
    _, wanted = train(tmp_path / "c", epochs=3, max_to_keep=2)
    code = f"""
import sys
sys.modules["torch"] = None
sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
import lamina, numpy as np
from lamina.callbacks import ShardedCheckpoint
model = lamina.saving.load_model({str(tmp_path / "c")!r})
other = lamina.models.clone_model(model)
other.load_weights({str(tmp_path / "c" / "1")!r})
assert ShardedCheckpoint.restore(other, {str(tmp_path / "c")!r}) == 2
np.savez({str(tmp_path / "found.npz")!r}, *[v.numpy().astype("float32") for v in (*model.weights, *model.optimizer.variables)])
"""
    environment = {**os.environ, "LAMINA_BACKEND": "numpy"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    found = np.load(tmp_path / "found.npz")
    assert same([found[name] for name in found.files], [x.astype("float32") for x in wanted])


def test_best_ones_weights_alone_and_every_few_batches(tmp_path):
    with lamina.backend("torch"):
        model = made()
        keep = ShardedCheckpoint(
            tmp_path / "c",
            "loss",
            save_best_only=True,
            initial_value_threshold=-1.0,
            mode="min",
            max_to_keep=None,
        )
        model.fit(X, Y, verbose=0, callbacks=[keep])
        assert list((tmp_path / "c").iterdir()) == []  # none is better than -1
        keep = ShardedCheckpoint(
            tmp_path / "w", save_freq=2, max_to_keep=None, save_weights_only=True, save_on_background=False
        )
        model.fit(X, Y, batch_size=2, epochs=2, verbose=0, callbacks=[keep])
        assert sorted(p.name for p in (tmp_path / "w").iterdir()) == ["0", "1", "2", "3"]
        with pytest.raises(SerializationError, match=r"w/3: the checkpoint holds weights alone"):
            lamina.saving.load_model(tmp_path / "w")
        other = made()
        assert ShardedCheckpoint.restore(other, tmp_path / "w") == 3
        assert same([v.numpy() for v in model.weights], [v.numpy() for v in other.weights])
        with pytest.raises(FileNotFoundError, match=r"no finished checkpoint 7 in .*There are 0, 1, 2, 3"):
            ShardedCheckpoint.restore(other, tmp_path / "w", 7)
        with pytest.raises(FileNotFoundError, match="no finished checkpoint in"):
            ShardedCheckpoint.restore(other, tmp_path / "nothing")
    for wrong in ({"max_to_keep": 0}, {"save_freq": 0}):
        with pytest.raises(ValueError, match="must be"):
            ShardedCheckpoint(tmp_path, **wrong)


def test_what_others_put_there_stays(tmp_path):
    train(tmp_path, epochs=1)
    (tmp_path / "0" / "notes.txt").write_text("mine")
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / ".metadata").write_bytes(b"of another program")
    train(tmp_path, epochs=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "7", "9"]
    assert [p.name for p in (tmp_path / "0").iterdir()] == ["notes.txt"]
    assert [p.name for p in (tmp_path / "7").iterdir()] == [".metadata"]


def test_an_interrupted_run_and_the_next_one(tmp_path):
    class Interrupt(lamina.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    with lamina.backend("torch"):
        keep = ShardedCheckpoint(tmp_path, max_to_keep=None)
        for callback in (keep, ShardedCheckpoint(tmp_path, max_to_keep=None), keep):
            with pytest.raises(KeyboardInterrupt):
                made().fit(X, Y, verbose=0, callbacks=[callback, Interrupt()])
        train(tmp_path, epochs=1, max_to_keep=None)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1", "2", "3"]


# Saves checkpoint 0, and dies in the middle of checkpoint 1: where is said by the argument.
DIES = """
import os, signal, sys
sys.path.insert(0, sys.argv[3])
import test_dcp_files as tests
from torch.distributed.checkpoint.filesystem import FileSystemWriter as Writer
tests.train(sys.argv[1], epochs=1)
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
place = sys.argv[2]
if place == "rename":
    import torch.distributed.checkpoint.filesystem as files
    files.FileSystem.rename = die
else:
    setattr(Writer, place, die)
tests.train(sys.argv[1], epochs=1)
"""


@pytest.mark.parametrize(
    "place",
    [
        "rename",
        *[pytest.param(p, marks=pytest.mark.slow) for p in ("write_data", "finish", "prepare_local_plan")],
    ],
)
def test_killed_while_it_saves(tmp_path, place):
    here = pathlib.Path(__file__).parent
    command = [sys.executable, "-W", "ignore", "-c", DIES, str(tmp_path), place, str(here)]
    done = subprocess.run(command, env={**os.environ, "LAMINA_BACKEND": "torch"}, check=False)
    assert done.returncode == -9
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1"]
    assert ShardedCheckpoint.restore(made(), tmp_path) == 0
    train(tmp_path)  # what was left is removed
    assert len(list(tmp_path.iterdir())) == 1


# -- hostile folders ---------------------------------------------------------------------------------------------------


class Runs:
    def __reduce__(self):
        return os.mkdir, ("hacked",)


def rewritten(step, change):
    """The metadata after a change of torch's own objects."""
    from torch.distributed.checkpoint import FileSystemReader

    found = FileSystemReader(step).read_metadata()
    (step / ".metadata").write_bytes(pickle.dumps(change(found) or found))


def code(step):
    (step / ".metadata").write_bytes(pickle.dumps(Runs()))


def code_in_a_value(step):
    rewritten(step, lambda m: setattr(m, "planner_data", Runs()))


def code_in_a_tensor(step):
    def change(metadata):
        for info in metadata.storage_data.values():
            info.offset, info.length = 0, size

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Runs(), 2))
    size = len(file.getvalue())
    (step / "__0_0.distcp").write_bytes(file.getvalue())
    rewritten(step, change)


def elsewhere(step):
    def change(metadata):
        for info in metadata.storage_data.values():
            info.relative_path = "../../__0_0.distcp"

    rewritten(step, change)


def a_link(step):
    shutil.move(step / "__0_0.distcp", step.parent / "data")
    (step / "__0_0.distcp").symlink_to(step.parent / "data")


def cut(step):
    os.truncate(step / "__0_0.distcp", 700)


def flipped(step):
    data = bytearray((step / "__0_0.distcp").read_bytes())
    at = data.index(b"PK", data.index(b"archive/data/0"))
    data[at - 1] ^= 1  # the last one of a tensor's bytes
    (step / "__0_0.distcp").write_bytes(data)


def kernel_of(metadata):
    return metadata.state_dict_metadata["trainable_variables/net/one/kernel"]


def holes(step):
    rewritten(step, lambda m: kernel_of(m).chunks.clear())


def huge(step):
    rewritten(step, lambda m: setattr(kernel_of(m), "size", torch.Size((10**9, 10**9))))


def outside(step):
    rewritten(step, lambda m: setattr(kernel_of(m).chunks[0], "sizes", torch.Size((400, 3))))


def another_dtype(step):
    rewritten(step, lambda m: setattr(kernel_of(m).properties, "dtype", torch.float64))


def another_class(step):
    file = step / "lamina.json"
    file.write_text(
        file.read_text().replace('\\"class_name\\": \\"Dense\\"', '\\"class_name\\": \\"Popen\\"')
    )


def deep(step):
    (step / "lamina.json").write_text("[" * 100_000)


def far_memo(step):
    (step / ".metadata").write_bytes(b"\x80\x02Nr\xff\xff\xff\xff.")  # C's reader makes room for four billion


def paths(step):
    """A key that is a tuple of the same tuple twice, and so on: to hash it takes two to the sixtieth steps."""
    doubled = b"K\x01\x85\x94" + b"".join(b"h%ch%c\x86\x94" % (i, i) for i in range(60))
    (step / ".metadata").write_bytes(b"\x80\x04}" + doubled + b"Ns.")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (code, r"names posix\.mkdir"), (code_in_a_value, r"names posix\.mkdir"), (code_in_a_tensor, r"names posix\.mkdir"),
        (elsewhere, "a part lies in"), (a_link, "not a plain file"), (cut, "is damaged"), (flipped, "is damaged"),
        (holes, "do not make up the whole"), (huge, "missing"), (outside, "does not lie in it"),
        (another_dtype, "a part was to be"), (another_class, "'Popen' is not a class"), (deep, "JSON"),
        (far_memo, "no Metadata"), (paths, "pickle"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
def test_damaged_and_hostile_folders(tmp_path, monkeypatch, good, damage, says):
    monkeypatch.chdir(tmp_path)
    step = tmp_path / "c" / "1"
    shutil.copytree(good / "1", step)
    damage(step)
    with pytest.raises(SerializationError, match=says):
        lamina.saving.load_model(tmp_path / "c")
    assert not (tmp_path / "hacked").exists()
    lamina.saving.load_model(good)  # a good one is read afterwards


def test_another_model(good):
    wrong = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(7, name="one")], name="net")
    before = [v.numpy() for v in wrong.weights]
    with pytest.raises(SerializationError, match=r"(?s)other shape.*unexpected"):
        ShardedCheckpoint.restore(wrong, good)
    assert same(before, [v.numpy() for v in wrong.weights])


def test_budgets(good):
    with pytest.raises(SerializationError, match=r"limits\.json_bytes|longer one than is allowed"):
        lamina.saving.load_model(good, limits=lamina.saving.Limits(json_bytes=1500))
    with pytest.raises(SerializationError, match=r"limits\.weight_bytes"):
        lamina.saving.load_model(good, limits=lamina.saving.Limits(weight_bytes=10))


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_machine_reads_what_pickle_does(protocol):
    value = {"a": [1, -2, 2**40, 1.5, None, True], "b": ("x", ("y", "é" * 300), {}), "c": {1: [], "d": ()}}
    value["again"] = value["a"]
    data = pickle.dumps(value, protocol)
    assert pickles.read(data, (), "x") == value
    for end in range(len(data)):  # cut anywhere
        with pytest.raises(SerializationError):
            pickles.read(data[:end], (), "x")


def test_the_machine_refuses_other_words():
    for value in (np.float32(1), object(), {1, 2}, bytearray(3), range(3)):
        with pytest.raises(SerializationError):
            pickles.read(pickle.dumps(value, 5), (), "x")
    for op in pickletools.opcodes:  # of each word by itself: an answer or a refusal, nothing else
        with contextlib.suppress(SerializationError):
            pickles.read(b"\x80\x05" + op.code.encode("latin1") + b"\x01\x00\x00\x00\n" * 3 + b".", (), "x")


def test_tensors_of_all_dtypes_and_strides(tmp_path):
    values = {name: torch.arange(6).reshape(2, 3).to(getattr(torch, name)) for name in dcp._STORAGES.values()}
    more = {"t": torch.arange(6.0).reshape(2, 3).t(), "part": torch.arange(10.0)[3:7], "none": torch.zeros((0, 3)),
            "one": torch.tensor(3.0), "float8": torch.ones(3).to(torch.float8_e4m3fn), "u32": torch.ones(2, dtype=torch.uint32)}  # fmt: skip
    for name, value in (values | more).items():
        file = tmp_path / name
        torch.save(value, file)
        found = dcp.tensor(file, 0, file.stat().st_size, name)
        wanted = value.float().numpy() if name in ("bfloat16", "float8") else value.numpy()
        assert found.shape == tuple(value.shape)
        np.testing.assert_array_equal(found.astype(wanted.dtype), wanted)


def test_facts(good):
    facts = json.loads((good / "1" / "lamina.json").read_text())
    assert facts["format"] == 1
    assert str(good).encode() not in (good / "1" / ".metadata").read_bytes()  # nobody's folders
