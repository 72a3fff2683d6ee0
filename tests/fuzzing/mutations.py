"""Changes of valid files: of bytes, JSON, zip members, and of attributes, shapes, links and storage in HDF5.

Everything is drawn from the generator that is passed, so that a number says the whole case.
"""

from __future__ import annotations

import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

Parts = list[dict[str, Any]]

NUMBERS = [True, -1, 0, 1, 7, 2**31, 10**13, -(2**63), 10**40, 0.5, 1e308, float("nan"), float("inf")]
TEXTS = ["", "x" * 1000, "../x", "/etc/passwd", "os.system", "__lambda__", "float32", "string", "relu", "same", "(a+)+$",
         "\x00", "\ud800", "é" * 300, "channels_first", "lambda x: x", "keras.layers", "None", "http://127.0.0.1:9/x"]  # fmt: skip
BOXES: list[Any] = [
    None, [], {}, [[]], [0] * 5, [2**40, 2**40], [[1, 2], [3]], ["a", "b"], list(range(2000)), {"a": {"b": {}}},
    {"class_name": "__lambda__", "config": {}}, {"class_name": "Dense", "config": {}},
    {"class_name": "__numpy__", "config": {"value": [[1, 2], [3, 4]], "dtype": "float32"}},
    {"class_name": "__tensor__", "config": {"value": [1, [2]], "dtype": "float8_e4m3fn"}},
    {"class_name": "__tuple__", "items": [1, 2]}, {"class_name": "__slice__", "config": {"start": "a"}},
    {"class_name": "__bytes__", "value": "é☃"}, {"class_name": "__ellipsis__", "config": {}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}},
    {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
    {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "shared_object_id": 1},
    {"module": "keras", "class_name": "Variable", "config": {"initializer": "zeros", "shape": [2**40], "dtype": "float32"}},
]  # fmt: skip


def any_value(rng: random.Random, parts: Parts) -> Any:
    """A number, a text, a structure, or the config of something else."""
    box: Any = rng.choice([NUMBERS, TEXTS, BOXES, parts])
    return json.loads(json.dumps(rng.choice(box)))


# -- bytes -------------------------------------------------------------------------------------------------------------


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut off, doubled or put in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(max(1, len(out)))
        kind = rng.randrange(6)
        if kind == 0 and out:
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.choice([1, 8, 500, 10**6])]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.choice([1, 8, 100]))
        elif kind == 3:
            out[at : at + 8] = struct.pack(
                "<Q", rng.choice([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, len(out)])
            )
        elif kind == 4:
            out[at : at + 2] = rng.choice([b"\xff\xff", b"\x00\x00", b"\x00\x80"])
        else:
            out[at:at] = out[at : at + 64]
    return bytes(out)


# -- JSON --------------------------------------------------------------------------------------------------------------


def json_changed(value: Any, rng: random.Random, parts: Parts) -> Any:
    """One to four places of a JSON value changed."""
    for _ in range(rng.choice([1, 1, 2, 4])):
        places = [
            (box, key) for box in _boxes(value) for key in (box if isinstance(box, dict) else range(len(box)))
        ]
        if not places:
            return value
        box, key = rng.choice(places)
        kind = rng.randrange(9)
        if kind <= 2:
            box[key] = any_value(rng, parts)
        elif kind == 3:
            box.pop(key)
        elif kind == 4:
            other, theirs = rng.choice(places)
            box[key] = json.loads(json.dumps(other[theirs]))
        elif kind == 5:
            _wrap(box, key, rng)
        elif kind == 6:
            _replace_entry(value, rng, parts)
        elif kind == 7 and isinstance(box, dict):
            box[rng.choice([*box, "x", "dtype", "build_config", "module", "function", "name"])] = any_value(
                rng, parts
            )
        elif isinstance(box[key], str):
            box[key] = rng.choice(
                ["Dense", "Lambda", "function", "keras.layers", "os", "Functional", "a", box[key] + ">x"]
            )
        elif isinstance(box[key], int | float):
            box[key] = rng.choice(NUMBERS)
    return value


def _boxes(value: object) -> list:
    out, waiting = [], [value]
    while waiting:
        v = waiting.pop()
        if isinstance(v, dict | list):
            out.append(v)
            waiting += v.values() if isinstance(v, dict) else v
    return out


def _wrap(box: Any, key: Any, rng: random.Random) -> None:
    for _ in range(rng.choice([1, 30, 300, 2000])):
        inside = box[key]
        box[key] = [inside] if rng.random() < 0.5 else {"config": inside, "class_name": "Sequential"}


def _replace_entry(value: Any, rng: random.Random, parts: Parts) -> None:
    """Another class where one was, with its own config, of which one argument may be anything."""
    entries = [
        b
        for b in _boxes(value)
        if isinstance(b, dict) and "class_name" in b and isinstance(b.get("config"), dict)
    ]
    if not entries:
        return
    place, other = rng.choice(entries), json.loads(json.dumps(rng.choice(parts)))
    config = other["config"]
    if "name" in place["config"] and "name" in config:
        config["name"] = place["config"]["name"]
    for _ in range(rng.choice([0, 1, 1, 2])):
        if config:
            config[rng.choice(sorted(config))] = any_value(rng, parts)
    place.update({k: other[k] for k in ("module", "class_name", "registered_name", "config")})


def text_changed(data: bytes, rng: random.Random, parts: Parts) -> bytes:
    """A JSON text changed as a structure, or as bytes."""
    try:
        value = json.loads(data)
    except ValueError:
        return bytes_changed(data, rng)
    if rng.random() < 0.1:
        return bytes_changed(data, rng)
    return dumped(json_changed(value, rng, parts)).encode("utf-8", "surrogatepass")


def dumped(value: Any) -> str:
    """JSON of what may be nested deeper than Python's encoder goes."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 5000 + "]" * 5000


# -- HDF5 --------------------------------------------------------------------------------------------------------------


def h5_changed(data: bytes, rng: random.Random, parts: Parts) -> bytes:
    """One or two of: attributes, shapes, dtypes, links, storage of an HDF5 file."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        for _ in range(rng.choice([1, 1, 2])):
            nodes: list = [file]
            file.visititems(lambda _, node: nodes.append(node))
            node = rng.choice(nodes)
            group = node if isinstance(node, h5py.Group) else node.parent
            rng.choice(_IN_HDF5)(file, group, node, rng, parts)
    return buffer.getvalue()


def _name(group: h5py.Group, rng: random.Random) -> str:
    return rng.choice([*group, "vars", "0", "x", "layers"])


def _attribute(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    node = node if node.attrs else file
    if not node.attrs:
        return
    name = rng.choice(list(node.attrs))
    old = node.attrs[name]
    if isinstance(old, str | bytes) and rng.random() < 0.8 and name.endswith("_config"):
        node.attrs[name] = dumped(json_changed(json.loads(old), rng, parts))
        return
    new = [b"", b"{", np.zeros(3), [b"x", b"../y"], "x" * 60000, np.array([b"a"] * 500), 3, np.float16(1), file.ref,
           h5py.Empty("f4"), np.array([["a", "b"]], dtype=h5py.string_dtype()), b"\xff\xfe"]  # fmt: skip
    if isinstance(old, np.ndarray) and old.size:
        new += [old[::-1], old[:1], np.concatenate([old, old]), old.reshape(1, -1)]
    node.attrs[name] = rng.choice(new)


def _lost_attribute(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    if node.attrs:
        del node.attrs[rng.choice(list(node.attrs))]


def _link(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    name = _name(group, rng)
    target: Any = rng.choice(
        [h5py.SoftLink("/"), h5py.SoftLink("nowhere"), h5py.ExternalLink("/etc/passwd", "/"), group, file]
    )
    if name in group:
        del group[name]
    group[name] = target


def _lost(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    if len(group):
        del group[rng.choice(list(group))]


DTYPES = ["f4", "f8", "i8", "S3", "c8", "f2", ">f4", "V2", "u1", "?", h5py.string_dtype(), h5py.ref_dtype,
          h5py.vlen_dtype(np.int32), [("a", "f4"), ("b", "S2")], h5py.enum_dtype({"A": 0}, "i"), ("f4", (3,))]  # fmt: skip


def _dataset(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    """Another dataset in the place of one: its shape, dtype, chunks, filters, and whether numbers are there."""
    sets = [n for n in group if isinstance(group.get(n), h5py.Dataset)] or ["0"]
    name = rng.choice(sets)
    old = group.get(name)
    shape = rng.choice([(), (0,), (3,), (4, 3), (10**12,), (1, 1, 1), (2**31, 2**31), None])
    shape = old.shape if old is not None and rng.random() < 0.5 else shape
    more = rng.choice([{}, {"chunks": True}, {"compression": "gzip", "chunks": True}, {"compression": "lzf", "chunks": True},
                       {"fletcher32": True, "chunks": True}, {"scaleoffset": 0, "chunks": True}, {"fillvalue": 3},
                       {"external": [("/etc/passwd", 0, 10**6)]}, {"maxshape": (None,)}])  # fmt: skip
    dtype: Any = rng.choice(DTYPES)
    if name in group:
        del group[name]
    if shape is None:
        group.create_dataset(name, data=h5py.Empty("f4"))
        return
    large = shape != () and np.prod(np.array(shape, float)) > 1e6
    more = {"chunks": tuple(min(n, 8) for n in shape)} if large and "external" not in more else more
    data = group.create_dataset(name, shape, dtype, **more)
    if not large and rng.random() < 0.7 and np.dtype(dtype).kind in "fiu":
        data[...] = rng.choice([0, 1])


def _virtual(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
    name = _name(group, rng)
    if name in group:
        del group[name]
    group.create_virtual_dataset(name, layout)


def _again(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    if len(group):
        name = rng.choice(list(group))
        group[f"{name}_"] = group[name]


def _named_type(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    name = _name(group, rng)
    if name in group:
        del group[name]
    group[name] = np.dtype("f4")


def _deep(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    group.require_group("/".join("g" * rng.choice([3, 70, 300])))


def _moved(file: h5py.File, group: h5py.Group, node: Any, rng: random.Random, parts: Parts) -> None:
    if len(group):
        group.move(rng.choice(list(group)), f"m{rng.randrange(9)}")


_IN_HDF5: list[Callable[..., None]] = [
    _attribute, _attribute, _lost_attribute, _link, _lost, _dataset, _dataset, _virtual, _again, _named_type, _deep, _moved,
]  # fmt: skip


# -- zips and other containers -----------------------------------------------------------------------------------------


def zip_changed(data: bytes, rng: random.Random, parts: Parts) -> bytes:
    """Members of a zip changed, renamed, doubled or left out; or what its directory says of them."""
    with zipfile.ZipFile(io.BytesIO(data)) as good:
        members = [(name, good.read(name)) for name in good.namelist()]
    i = rng.randrange(len(members))
    name, content = members[i]
    kind = rng.randrange(7)
    if kind == 0:
        members.pop(i)
    elif kind == 1:
        new = rng.choice(
            [
                name,
                "../x",
                "/x",
                "assets/x",
                "assets/../x",
                "code.py",
                "assets/a/b",
                "x" * 300,
                "é.npy",
                "a//b",
            ]
        )
        members.append((new, content))
    elif kind == 2:
        members.append((name, b" " * (2 << 20)))
        members.pop(i)
    else:
        members[i] = (name, changed(name, content, rng, parts))
    buffer = io.BytesIO()
    packed = rng.choice(
        [zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    )
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", packed) as bad:
        warnings.simplefilter("ignore")
        for member in members:
            bad.writestr(*member)
    out = buffer.getvalue()
    return _directory_changed(out, rng) if rng.random() < 0.15 else out


def _directory_changed(data: bytes, rng: random.Random) -> bytes:
    """A field of one of the zip's headers changed: sizes, method, offset, flags."""
    out = bytearray(data)
    marks = [i for mark in (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06") for i in _found(data, mark)]
    at = rng.choice(marks) + rng.choice([6, 8, 10, 14, 18, 20, 22, 24, 26, 28, 42])
    out[at : at + 4] = struct.pack("<I", rng.choice([0, 1, 8, 99, 2**16, 2**31, 2**32 - 1]))[
        : rng.choice([1, 2, 4])
    ]
    return bytes(out)


def _found(data: bytes, mark: bytes) -> list[int]:
    out, at = [], data.find(mark)
    while at >= 0:
        out.append(at)
        at = data.find(mark, at + 1)
    return out


def safetensors_changed(data: bytes, rng: random.Random, parts: Parts) -> bytes:
    """The header changed as JSON; its declared length with it, or not."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    key = rng.choice(sorted(header))
    kind = rng.randrange(5)
    if kind == 0:
        header[key]["dtype"] = rng.choice(["F64", "BF16", "F8_E4M3", "X", "BOOL", 3, "C64", "I64"])
    elif kind == 1:
        header[key]["shape"] = rng.choice([[], [0], [2**40, 2**40], [-1], "x", [4, 3], [1] * 300])
    elif kind == 2:
        header[key]["data_offsets"] = rng.choice([[0, 2**63], [8, 4], [0, 0], [-4, 4], [0], [4, 52]])
    elif kind == 3:
        header["__metadata__"] = any_value(rng, parts)
    else:
        header = json_changed(header, rng, parts)
    text = dumped(header).encode("utf-8", "surrogatepass")
    declared = len(text) if rng.random() < 0.8 else rng.choice([0, 2**40, 2**63, len(text) - 1])
    return declared.to_bytes(8, "little") + text + data[8 + size :]


def npy_changed(data: bytes, rng: random.Random) -> bytes:
    """The header of an array changed."""
    size = int.from_bytes(data[8:10], "little")
    header = data[10 : 10 + size].decode("latin-1")
    old = header[header.index("'shape'") + 9 : header.rindex(")") + 1]
    new = rng.choice(
        ["(10**9,)", "(1000000000000,)", "(-1,)", "()", "(2,)", "'x'", "(" * 300, "(1.5,)", "[4, 3]"]
    )
    header = rng.choice(
        [header.replace(old, new), header.replace("<f4", "|O"), header.replace("<f4", "<f8"), header.replace("<f4", "<U9"),
         header.replace("False", "True"), header.replace("<f4", "x" * 50), "[" * 200, header.replace("descr", "x")]
    )  # fmt: skip
    text = header.encode("latin-1")[:60000]
    return data[:8] + len(text).to_bytes(2, "little") + text + data[10 + size :]


def changed(name: str, data: bytes, rng: random.Random, parts: Parts) -> bytes:
    """A file with something changed that its kind has; one time in five just bytes."""
    if rng.random() < 0.2:
        return bytes_changed(data, rng)
    if name.endswith((".keras", ".npz")):
        return zip_changed(data, rng, parts)
    if name.endswith(".h5"):
        return h5_changed(data, rng, parts)
    if name.endswith(".safetensors"):
        return safetensors_changed(data, rng, parts)
    if name.endswith(".npy"):
        return npy_changed(data, rng)
    return text_changed(data, rng, parts) if name.endswith(".json") else bytes_changed(data, rng)


def files_changed(files: dict[str, bytes], rng: random.Random, parts: Parts) -> dict[str, bytes]:
    """The files of one input: one of them changed, lost, renamed, or one too many."""
    out = dict(files)
    name = rng.choice(sorted(out))
    kind = rng.randrange(10) if len(out) > 1 else 9
    if kind == 0:
        del out[name]
    elif kind == 1:
        folder = name.rpartition("/")[0]
        new = rng.choice(
            ["x.py", "assets/x", "saved_model.pb", "metadata.json", ".hidden", "model.weights.h5x"]
        )
        out[f"{folder}/{new}" if folder else new] = out[name]
    elif kind == 2:
        out[name] = out[rng.choice(sorted(out))]
    else:
        out[name] = changed(name, out[name], rng, parts)
    return out
