"""The public record of harm by loading model files: each class of it, over the formats, with what must not happen.

For every file: a documented error with its text, no marker file, nothing opened but the file itself, no other effect on the
process, memory within bounds, and a good file loads afterwards.
"""

import base64
import json
import marshal
import pathlib
import pickle
import sys
import tarfile
import tracemalloc
import zipfile
import zlib

import h5py
import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from guard import most_memory, settings, watched

import lamina
from lamina import layers
from lamina.datasets.unpickling import UnsafeDataError, plain
from lamina.errors import SerializationError
from lamina.utils.download import ArchiveError, extract_archive

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import fuzz

MEMORY = 200 << 20  # bytes that refusing a small file may take at most


def made():
    return lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="d")], name="m")


def config():
    return json.loads(made().to_json())


def with_layer(entry):
    out = config()
    out["config"]["layers"].append(entry)
    return out


def with_argument(key, value):
    out = config()
    out["config"]["layers"][1]["config"][key] = value
    return out


def as_keras(path, config=None, weights=None, extra=(), compress=False):
    path = path.with_suffix(".keras")
    made().save(path)
    with zipfile.ZipFile(path) as good:
        parts = {name: good.read(name) for name in good.namelist()}
    if config is not None:
        parts["config.json"] = json.dumps(config).encode()
    if weights is not None:
        parts["model.weights.h5"] = weights
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as bad:
        for name, data in (*parts.items(), *extra):
            bad.writestr(name, data)
    return path


@pytest.fixture(scope="module")
def good_h5(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "x.h5"
    with pytest.warns(UserWarning, match="legacy"):
        made().save(path)
    return path.read_bytes()


def as_h5(path, good, config):
    path = path.with_suffix(".h5")
    path.write_bytes(good)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(config)
    return path


def as_json(path, config):
    path = path.with_suffix(".json")
    path.write_text(json.dumps(config))
    return path


def as_folder(path, config):
    folder = path.with_suffix("")
    made().save(folder, zipped=False)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


MARKER = "marker-of-harm"


def bytecode():
    code = compile(f"open({MARKER!r}, 'w')", "x", "exec")
    return base64.b64encode(marshal.dumps(code)).decode()


def entry(name, module="keras.layers", registered=None, **config):
    return {
        "module": module,
        "class_name": name,
        "config": {"name": "x", **config},
        "registered_name": registered,
    }


# class of the record -> what its configs hold, and the text of the error
CONFIGS = {
    "bytecode in a Lambda": (
        lambda: with_layer(entry("Lambda", function={"class_name": "__lambda__", "config": {"code": bytecode()}})),
        "bytecode",
    ),
    "bytecode in an activation": (
        lambda: with_argument("activation", {"class_name": "__lambda__", "config": {"code": bytecode()}}), "bytecode"
    ),
    "a pickled module": (
        lambda: with_layer(entry("TorchModuleWrapper", module={"class_name": "__bytes__", "value": "gASVHQ=="})),
        "TorchModuleWrapper|cannot make",
    ),
    "a SavedModel": (lambda: with_layer(entry("TFSMLayer", filepath="/tmp/x")), "TFSMLayer"),
    "any function": (
        lambda: with_argument(
            "activation", {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
        ),
        "'system' is not a class or function",
    ),
    "any class": (lambda: with_layer(entry("Popen", "subprocess", "Popen", args=["touch", MARKER])), "'Popen' is not"),
    "a helper of the library": (
        lambda: with_layer(entry("get_file", "keras.utils", "get_file", origin="http://127.0.0.1/x")), "'get_file' is not"
    ),
    "a helper as a function": (
        lambda: with_argument(
            "activation",
            {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
        ),
        "'get_file' is not",
    ),
    "no module": (lambda: with_layer({"class_name": "os.system", "config": {"name": "x"}}), "os.system"),
    "a switch": (lambda: with_layer(entry("Nope", safe_mode=False)), "'Nope' is not"),
    "a path of a vocabulary": (lambda: with_layer(entry("StringLookup", vocabulary="/etc/passwd")), "vocabulary|cannot make"),
    "a path of a text": (
        lambda: with_layer(entry("TextVectorization", vocabulary="/etc/passwd")), "vocabulary|cannot make"
    ),
    "a name that is a folder": (lambda: with_argument("name", "../../x"), "name|cannot make"),
    "a huge layer": (lambda: with_argument("units", 10**13), "fit|cannot make|other shape|wants"),
    "a deep config": (lambda: with_argument("activation", deep(400)), "nested|deep|cannot make"),
    "a shape of numbers that are none": (lambda: with_argument("units", 1e300), "cannot make|units"),
}  # fmt: skip


def deep(n):
    value = inner = {}
    for _ in range(n):
        inner["config"] = {}
        inner = inner["config"]
    return value


@pytest.fixture(autouse=True)
def _nothing_else_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not (tmp_path / MARKER).exists()


def refused(path, text, load=None, error=SerializationError):
    """Loading says `text`, does nothing else, and good files load afterwards."""
    load = load or lamina.models.load_model
    target = made()
    held = [v.numpy().copy() for v in target.weights]
    listed = {p.name for p in path.parent.iterdir()}
    before = settings()
    begin = most_memory(begin=True)
    tracemalloc.start()
    try:
        with (
            watched(path, *(path.rglob("*") if path.is_dir() else ())) as events,
            pytest.raises(error, match=f"(?s){text}"),
        ):
            load(path) if load is lamina.models.load_model else load(target, path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert events == []
    assert max(peak, most_memory() - begin) < MEMORY  # HDF5 and zlib ask the system for theirs
    assert before == settings()
    assert {p.name for p in path.parent.iterdir()} == listed
    for v, value in zip(target.weights, held, strict=True):
        np.testing.assert_array_equal(v.numpy(), value)
    good = path.parent / "good.keras"
    made().save(good)
    assert lamina.models.load_model(good).name == "m"


def from_json(path):
    return lamina.models.model_from_json(path.read_text())


@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("kind", ["keras", "folder", "h5", "json"])
def test_configs(tmp_path, good_h5, case, kind):
    make, text = CONFIGS[case]
    if kind == "json" and case == "a huge layer":
        pytest.skip("a model without weights draws none: nothing is allocated")
    makers = {
        "keras": as_keras,
        "folder": as_folder,
        "json": as_json,
        "h5": lambda p, c: as_h5(p, good_h5, c),
    }
    path = makers[kind](tmp_path / "x", make())
    if kind == "json":
        refused(path, text, lambda _, p: from_json(p))
    else:
        refused(path, text)


def h5_with(change):
    import io

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((4, 3), "float32")
        file["layers/dense/vars/1"] = np.zeros((3,), "float32")
        change(file)
    return buffer.getvalue()


def _virtual(file):
    layout = h5py.VirtualLayout((4, 3), "float32")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
    del file["layers/dense/vars/0"]
    file.create_virtual_dataset("layers/dense/vars/0", layout)


def _external(file):
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (4, 3), "float32", external=[("/etc/passwd", 0, 48)])


def _replaced(**kwargs):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", **kwargs)

    return change


HDF5 = {
    "external storage": (_external, "another file"),
    "virtual data": (_virtual, "another file"),
    "an external link": (lambda f: f.__setitem__("layers/x", h5py.ExternalLink("/etc/passwd", "/")), "points elsewhere"),
    "a soft link in a path": (lambda f: f.__setitem__("layers/more", h5py.SoftLink("/layers/dense")), "points elsewhere"),
    "a group in itself": (lambda f: f.__setitem__("layers/dense/again", f["layers"]), "contains itself"),
    "text": (_replaced(data=np.array([b"x"] * 12).reshape(4, 3)), "not numeric"),
    "text of any length": (_replaced(data=["x"], dtype=h5py.string_dtype()), "not numeric"),
    "references": (lambda f: f.create_dataset("r", data=[f.ref], dtype=h5py.ref_dtype), "not numeric"),
    "a huge shape": (_replaced(shape=(10**9, 10**6), dtype="f4", chunks=(1000, 1000)), "other shape"),
    "numbers that are not there": (_replaced(shape=(4, 3), dtype="f8", chunks=(4, 3), compression="gzip"), "does not hold"),
    "a named type": (lambda f: f.__setitem__("t", np.dtype("f4")), "not a tensor"),
}  # fmt: skip


@pytest.mark.parametrize("case", HDF5)
@pytest.mark.parametrize("kind", ["keras", "keras deflated", "weights"])
def test_hdf5(tmp_path, case, kind):
    change, text = HDF5[case]
    data = h5_with(change)
    if kind.startswith("keras"):
        refused(as_keras(tmp_path / "x", weights=data, compress="deflated" in kind), text)
        return
    (tmp_path / "x.weights.h5").write_bytes(data)
    refused(tmp_path / "x.weights.h5", text, lambda m, p: m.load_weights(p))


# -- what HDF5 can do besides holding numbers: of each kind several, in files of three layouts ---------------------------


def _stored(data, *, size=(4, 3), packers=1, mask=0):
    """A tensor whose one part is what is given, whatever comes out of it."""

    def change(group, name):
        del group[name]
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk(size)
        for _ in range(packers):
            made.set_deflate(9)
        space = h5py.h5s.create_simple((4, 3))
        one = h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, space, made)
        one.write_direct_chunk((0, 0), data, mask)

    return change


def _filtered(number):
    def change(group, name):
        del group[name]
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((4, 3))
        made.set_filter(number, h5py.h5z.FLAG_OPTIONAL)
        h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4, 3)), made)

    return change


def _instead(make):
    def change(group, name):
        del group[name]
        make(group, name)

    return change


def _made_of(source):
    def make(group, name):
        layout = h5py.VirtualLayout((4, 3), "float32")
        layout[:] = h5py.VirtualSource(source, "x", (4, 3))
        group.create_virtual_dataset(name, layout)

    return _instead(make)


def _elsewhere(*places):
    return _instead(lambda group, name: group.create_dataset(name, (4, 3), "float32", external=list(places)))


def _linked(link, at=""):
    return _instead(lambda group, name: group.__setitem__(at or name, link))


def _in_large_parts(group, name):
    del group[name]
    data = group.create_dataset(
        name, (4, 3), "float32", maxshape=(None, None), chunks=(11_000, 5_000), compression="gzip"
    )
    data.id.write_direct_chunk((0, 0), zlib.compress(bytes(220_000_000), 1))


ELSEWHERE = {
    "a part that unpacks to 60 MB": (_stored(zlib.compress(bytes(60 << 20))), "a part of 48 bytes is packed into"),
    "a part that unpacks to 3 MB": (_stored(zlib.compress(bytes(3 << 20))), "a part of 48 bytes does not unpack"),
    "a part that unpacks to less": (_stored(zlib.compress(bytes(12))), "a part of 48 bytes does not unpack"),
    "a part that is shorter": (_stored(b"x" * 12, mask=1), "a part of 48 bytes does not unpack"),
    "parts of 220 MB": (_in_large_parts, "it lies in parts of 220000000 bytes"),
    "a packed pack": (_stored(zlib.compress(zlib.compress(bytes(48))), packers=2), "order that is not h5py's"),
    "an unknown filter": (_filtered(32015), "unknown filter number 32015"),
    "a filter of others' ranges": (_filtered(6), "unknown filter number 6"),
    "a filter of nobody": (_filtered(65000), "unknown filter number 65000"),
    "lzf": (_instead(lambda g, n: g.create_dataset(n, (4, 3), "f4", compression="lzf")), "packed with lzf"),
    "external": (_elsewhere(("/etc/passwd", 0, 48)), "another file"),
    "external beside": (_elsewhere(("beside.bin", 0, 48)), "another file"),
    "external in two": (_elsewhere(("beside.bin", 8, 24), ("../up.bin", 0, h5py.h5f.UNLIMITED)), "another file"),
    # where texts are looked over first, what points from a heap to other files is none
    "virtual": (_made_of("/etc/passwd"), "another file|a text of"),
    "virtual beside": (_made_of("beside.h5"), "another file|a text of"),
    "virtual in itself": (_made_of("."), "another file|a text of"),
    "an external link": (_linked(h5py.ExternalLink("/etc/passwd", "/")), "points elsewhere"),
    "an external link beside": (_linked(h5py.ExternalLink("beside.h5", "/x")), "points elsewhere"),
    "an external link to itself": (_linked(h5py.ExternalLink(".", "/"), "more"), "points elsewhere"),
    "a soft link": (_linked(h5py.SoftLink("/")), "points elsewhere"),
    "a soft link to nothing": (_linked(h5py.SoftLink("/nothing")), "points elsewhere"),
    "a soft link beside": (_linked(h5py.SoftLink("1"), "more"), "points elsewhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", ELSEWHERE)
@pytest.mark.parametrize("kind", ["keras", "weights", "h5"])
def test_what_hdf5_can_do(tmp_path, good_h5, case, kind):
    change, text = ELSEWHERE[case]
    if kind == "h5":
        (tmp_path / "x.h5").write_bytes(good_h5)
        with h5py.File(tmp_path / "x.h5", "r+") as file:
            change(file["model_weights/d/m/d"], "kernel")
        refused(tmp_path / "x.h5", text)
        return
    data = h5_with(lambda file: change(file["layers/dense/vars"], "0"))
    if kind == "keras":
        refused(as_keras(tmp_path / "x", weights=data), text)
        return
    (tmp_path / "x.weights.h5").write_bytes(data)
    refused(tmp_path / "x.weights.h5", text, lambda m, p: m.load_weights(p))


@pytest.mark.parametrize(
    "more", [{}, {"shuffle": True}, {"fletcher32": True}, {"shuffle": True, "fletcher32": True}]
)
@pytest.mark.parametrize("value", ["alike", "random"])
def test_packed_weights_are_read(tmp_path, more, value):
    """What does not pack h5py writes as it is."""
    wanted = (
        np.ones((4, 3), "float32") if value == "alike" else np.random.default_rng(0).random((4, 3), "float32")
    )
    data = h5_with(_replaced(data=wanted, compression="gzip", **more))
    (tmp_path / "x.weights.h5").write_bytes(data)
    model = made()
    model.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(model.weights[0].numpy(), wanted)


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "assets/../../evil", "assets//x", "C:\\x"]
)
def test_names_of_members(tmp_path, name):
    refused(
        as_keras(tmp_path / "x", extra=[(name, b"x")]), "unexpected members|belong to no layer|plain file"
    )


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5"])
def test_bombs_in_zips(tmp_path, name):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for member in ("config.json", "metadata.json", "model.weights.h5"):
            good = json.dumps(config()) if member == "config.json" else "{}"
            bomb.writestr(member, b" " * (60 << 20) if member == name else good)
    refused(path, "more than its size allows")


# -- what CONFIGS and HDF5 do not hold ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["keras", "folder", "h5", "object"])
@pytest.mark.parametrize("value", [False, None, 0])
def test_no_switch_opens_the_loader(tmp_path, good_h5, kind, value):
    """`safe_mode` that is false is an error, one that is unset is safe."""
    config = with_layer(
        entry("Lambda", function={"class_name": "__lambda__", "config": {"code": bytecode()}})
    )
    path = {
        "keras": as_keras, "folder": as_folder, "object": as_keras, "h5": lambda p, c: as_h5(p, good_h5, c),
    }[kind](tmp_path / "x", config)  # fmt: skip

    def load(_, path):
        if kind != "object":
            return lamina.models.load_model(path, safe_mode=value)
        with open(path, "rb") as file:
            return lamina.models.load_model(file, safe_mode=value)

    if value is False:
        with pytest.raises(ValueError, match="never does"):
            load(None, path)
    else:
        refused(path, "bytecode", load)


LINKS = ["config.json", "metadata.json", "model.weights.h5"]


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("kind", ["outside", "inside", "folder"])
def test_links_in_folders(tmp_path, name, kind):
    folder = tmp_path / "x"
    made().save(folder, zipped=False)
    place = folder / name
    if kind == "folder":
        place.unlink()
        place.mkdir()
        (place / "x").write_bytes(b"")
    else:
        target = tmp_path / "elsewhere" if kind == "outside" else folder / "assets"
        place.rename(target)
        place.symlink_to(target)
    refused(folder, "not a plain file|unexpected members|is not a file")


@pytest.mark.parametrize(
    "name", ["../x_00000.weights.h5", "/etc/passwd", "x_00000.weights.h5/../../y", "x.py", "", None, ["x"]]
)
def test_paths_in_an_index(tmp_path, name):
    path = tmp_path / "x.weights.json"
    made().save_weights(path)
    index = json.loads(path.read_text())
    index["weight_map"]["/layers/dense/vars"] = [name]
    path.write_text(json.dumps(index))
    refused(path, r"x\.weights\.json: (the index names|not the index)", lambda m, p: m.load_weights(p))


VOCABULARIES = {
    "keras": lambda p, c, _: as_keras(p, c),
    "folder": lambda p, c, _: as_folder(p, c),
    "h5": lambda p, c, good: as_h5(p, good, c),
}


@pytest.mark.parametrize("kind", VOCABULARIES)
@pytest.mark.parametrize("layer", ["StringLookup", "IntegerLookup", "TextVectorization"])
@pytest.mark.parametrize("where", ["/etc/passwd", "vocabulary.txt", "assets/x.txt"])
def test_paths_of_vocabularies(tmp_path, good_h5, kind, layer, where):
    (tmp_path / "vocabulary.txt").write_text("a\n")
    refused(
        VOCABULARIES[kind](tmp_path / "x", with_layer(entry(layer, vocabulary=where)), good_h5),
        "vocabulary|cannot make",
    )


def safetensors(header, data=b"", declared=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if declared is None else declared).to_bytes(8, "little") + text + data


F32 = {"dtype": "F32", "shape": [4, 3], "data_offsets": [0, 48]}
SAFETENSORS = {
    "a header without end": safetensors(b"{", declared=2**63),
    "a header that is longer than the file": safetensors(b"{}", declared=10**9),
    "a deep header": safetensors(b"[" * 100_000),
    "numbers that are not there": safetensors({"layers/dense/0": F32}, b"x"),
    "a huge shape": safetensors({"layers/dense/0": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 48]}}, bytes(48)),
    "places that overlap": safetensors({"layers/dense/0": F32, "layers/dense/1": F32}, bytes(48)),
    "a dtype that is none": safetensors({"layers/dense/0": {**F32, "dtype": "PICKLE"}}, bytes(48)),
}  # fmt: skip


@pytest.mark.parametrize("case", SAFETENSORS)
def test_safetensors(tmp_path, case):
    (tmp_path / "x.safetensors").write_bytes(SAFETENSORS[case])
    refused(tmp_path / "x.safetensors", r"x\.safetensors", lambda m, p: m.load_weights(p))


@pytest.mark.parametrize("layer", ["Dense", "Embedding", "Conv1D", "GRU", "BatchNormalization"])
@pytest.mark.parametrize("kind", ["keras", "folder", "h5"])
def test_sizes_that_no_machine_has(tmp_path, good_h5, layer, kind):
    """Nothing is drawn for them: names and shapes are compared first."""
    size = 10**9
    layers_of_all = {
        "Dense": {"units": size}, "Embedding": {"input_dim": size, "output_dim": size}, "GRU": {"units": size},
        "Conv1D": {"filters": size, "kernel_size": size}, "BatchNormalization": {"axis": -1},
    }  # fmt: skip
    config = with_layer(entry(layer, **layers_of_all[layer]))
    if layer == "BatchNormalization":
        config["config"]["layers"][1]["config"]["units"] = 10**12
    refused(
        VOCABULARIES[kind](tmp_path / "x", config, good_h5),
        "fit|cannot make|other shape|wants|unexpected|missing",
    )


class Harm:
    def __reduce__(self):
        return open, (MARKER, "w")


@pytest.mark.parametrize("kind", ["npz", "npz header", "keras", "h5"])
def test_pickles(tmp_path, kind):
    load = lambda m, p: m.load_weights(p)  # noqa: E731
    if kind == "npz":
        np.savez(tmp_path / "x.npz", **{"layers/dense/0": np.array([Harm()], dtype=object)})
        (tmp_path / MARKER).unlink(missing_ok=True)
        refused(tmp_path / "x.npz", "pickles are never read", load)
    elif kind == "npz header":
        header = (
            b"\x93NUMPY\x01\x00\x46\x00"
            + b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000, 3)}".ljust(69)
            + b"\n"
        )
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as bad:
            bad.writestr("layers/dense/0.npy", header)
        refused(tmp_path / "x.npz", "declares numbers that the file does not hold", load)
    else:
        path = tmp_path / f"x.{kind}"
        path.write_bytes(pickle.dumps(Harm()))
        refused(path, "a pickle|not a readable HDF5")


YAML = f"!!python/object/apply:os.system ['touch {MARKER}']\n"


@pytest.mark.parametrize("name", ["x.yaml", "x.keras", "x.h5", "x.json", "x.weights.json"])
def test_yaml_is_never_read(tmp_path, name):
    (tmp_path / name).write_text(YAML)
    load = {
        "x.json": lambda m, p: from_json(p),
        "x.weights.json": lambda m, p: m.load_weights(p),
    }.get(name)
    refused(tmp_path / name, "end in '.keras'|not a readable|[Nn]ot valid JSON|not the index", load)


class Evaluates:
    def __reduce__(self):
        return eval, (f"open({MARKER!r}, 'w')",)


class Imports:
    def __reduce__(self):
        return __import__, ("subprocess",)


def by_an_attribute():
    """What names no function but gets to one: an attribute of a class that may be named."""
    return b"\x80\x04\x8c\x05numpy\x8c\x10ndarray.__reduce__\x93)R."


HARMFUL = {
    "a function": pickle.dumps(Harm()), "eval": pickle.dumps(Evaluates()), "an import": pickle.dumps(Imports()),
    "an attribute": by_an_attribute(), "something outside": b"Pmine\n.", "an extension": b"\x80\x02\x82\x01.",
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_pickles_of_data_sets(tmp_path, case):
    """The one reader of pickles: of the two historic data sets that hold them."""
    path = tmp_path / "x"
    path.write_bytes(HARMFUL[case])

    def load(_, path):
        with open(path, "rb") as file:
            plain(file)

    refused(path, "", load, UnsafeDataError)


ARCHIVES = {
    "outside": ("../up.txt", tarfile.REGTYPE, ""), "absolute": ("/tmp/up.txt", tarfile.REGTYPE, ""),
    "a link": ("link", tarfile.SYMTYPE, "/etc/passwd"), "a hard link": ("link", tarfile.LNKTYPE, "/etc/passwd"),
    "a link within": ("a/link", tarfile.SYMTYPE, "../../up"), "a device": ("null", tarfile.CHRTYPE, ""),
    "a pipe": ("pipe", tarfile.FIFOTYPE, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", ARCHIVES)
@pytest.mark.parametrize("kind", ["w", "w:gz"])
def test_archives(tmp_path, case, kind):
    path, name, before = tmp_path / "x", *ARCHIVES[case][:1], settings()
    with tarfile.open(path, kind) as tar:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = ARCHIVES[case][1:]
        tar.addfile(info)
    begin = most_memory(begin=True)
    with (
        watched(path) as events,
        pytest.raises(ArchiveError, match=r"leads out of its folder|no regular file"),
    ):
        extract_archive(path, tmp_path / "to")
    assert events
    assert all(f"'{tmp_path}/.to." in event for event in events), (
        events
    )  # its own fresh folder, which is gone again
    assert most_memory() - begin < MEMORY
    assert before == settings()
    assert [p.name for p in tmp_path.iterdir()] == ["x"]
    with tarfile.open(path, kind) as tar:
        tar.addfile(tarfile.TarInfo("good.txt"))
    extract_archive(path, tmp_path / "to")
    assert (tmp_path / "to" / "good.txt").is_file()


def test_fuzzed_files(tmp_path):
    """The short form of `make fuzz`."""
    outcomes, findings = fuzz.run(250, 0, tmp_path)
    assert findings == []
    assert outcomes["SerializationError"] > 50
    assert outcomes["loaded"] > 5
