"""Mutates valid files of every kind and loads them: `python tests/fuzz.py --count 1000 --seed 0` (`make fuzz`).

Whatever comes, loading gives a model or one of the documented errors (`ValueError`, of which `SerializationError` is one,
or `NotImplementedError` for what Lamina does not have), within ten seconds, and does nothing besides.
"""

from __future__ import annotations

import argparse
import io
import json
import pathlib
import random
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE / "saving"))

from guard import watched  # noqa: E402  # pyright: ignore[reportMissingImports]

import lamina  # noqa: E402
from lamina import layers  # noqa: E402
from lamina.saving.legacy.files import load as load_old  # noqa: E402

LIMIT = 10.0  # seconds
EXPECTED = (ValueError, NotImplementedError)
VALUES = [None, True, -1, 0, 10**13, 1e308, "", "x" * 1000, "../x", "/etc/passwd", [], {}, [[]], "os.system", "__lambda__",
          {"class_name": "__lambda__", "config": {}}, {"class_name": "Dense", "config": {}}, float("nan"), -(2**63)]  # fmt: skip


def model():
    """One model with parts of several kinds."""
    a = lamina.Input((4,), name="a")
    inner = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3), layers.BatchNormalization()], name="inner"
    )
    x = layers.Reshape((3, 1))(inner(a))
    x = layers.Bidirectional(layers.GRU(2), name="both")(x)
    model = lamina.Model(
        a, layers.Dense(2, activation="relu", kernel_regularizer="l2", name="out")(x), name="f"
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.optimizer.build(model.trainable_variables)
    return model


def seeds(folder: pathlib.Path) -> dict[str, bytes]:
    """Valid files by their endings."""
    made = model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.save(folder / "x.keras")
        made.save(folder / "x.h5")
    for name in ("x.weights.h5", "x.safetensors", "x.npz"):
        made.save_weights(folder / name)
    out = {
        name: (folder / name).read_bytes()
        for name in ("x.keras", "x.h5", "x.weights.h5", "x.safetensors", "x.npz")
    }
    out["x.json"] = made.to_json().encode()
    for name in ("keras2_sequential", "keras2_functional", "keras1_sequential"):
        out[f"{name}.h5"] = (HERE / "fixtures" / f"{name}.h5").read_bytes()
    return out


# -- mutations ---------------------------------------------------------------------------------------------------------


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """Bytes flipped, cut off, doubled or put in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(max(1, len(out)))
        kind = rng.randrange(4)
        if kind == 0 and out:
            out[at] = rng.randrange(256)
        elif kind == 1:
            del out[at : at + rng.choice([1, 8, 500, 10**6])]
        elif kind == 2:
            out[at:at] = rng.randbytes(rng.choice([1, 8, 100]))
        else:
            out[at:at] = out[at : at + 64]
    return bytes(out)


def json_changed(value: object, rng: random.Random) -> object:
    """One to three places of a JSON value changed."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        places = [
            (box, key) for box in _boxes(value) for key in (box if isinstance(box, dict) else range(len(box)))
        ]
        if not places:
            return value
        box, key = rng.choice(places)
        kind = rng.randrange(5)
        if kind == 0:
            box[key] = rng.choice(VALUES)
        elif kind == 1 and isinstance(box, dict):
            box.pop(key)
        elif kind == 2:
            other, theirs = rng.choice(places)
            box[key] = json.loads(json.dumps(other[theirs]))
        elif kind == 3:
            for _ in range(rng.choice([1, 30, 300])):
                box[key] = (
                    [box[key]] if rng.random() < 0.5 else {"config": box[key], "class_name": "Sequential"}
                )
        elif isinstance(box[key], str):
            box[key] = rng.choice(
                ["Dense", "Lambda", "function", "keras.layers", "os", "Functional", "a", box[key] + ">x"]
            )
    return value


def _boxes(value: object) -> list:
    out, waiting = [], [value]
    while waiting:
        v = waiting.pop()
        if isinstance(v, dict | list):
            out.append(v)
            waiting += v.values() if isinstance(v, dict) else v
    return out


def h5_changed(data: bytes, rng: random.Random) -> bytes:
    """Attributes, shapes, dtypes and links of an HDF5 file changed."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        nodes: list = [file]
        file.visititems(lambda _, node: nodes.append(node))
        node = rng.choice(nodes)
        group = node if isinstance(node, h5py.Group) else node.parent
        kind = rng.randrange(8)
        if kind == 0 and node.attrs:
            name = rng.choice(list(node.attrs))
            old = node.attrs[name]
            new = [b"", b"{", np.zeros(3), [b"x", b"../y"], "x" * 70000, np.array([b"a"] * 500), 3]
            if isinstance(old, str | bytes) and rng.random() < 0.7 and name.endswith("_config"):
                node.attrs[name] = json.dumps(json_changed(json.loads(old), rng))
            else:
                node.attrs[name] = rng.choice(new)
        elif kind == 1 and node.attrs:
            del node.attrs[rng.choice(list(node.attrs))]
        elif kind == 2:
            group["more"] = rng.choice(
                [h5py.SoftLink("/"), h5py.ExternalLink("/etc/passwd", "/"), group, file]
            )
        elif kind == 3 and len(group):
            del group[rng.choice(list(group))]
        elif kind == 4 and len(group):
            name = rng.choice(list(group))
            del group[name]
            shape = rng.choice([(), (0,), (3,), (4, 3), (10**12,), (1, 1, 1)])
            group.create_dataset(
                name,
                shape,
                rng.choice(["f4", "f8", "i8", "S3", "c8"]),
                chunks=True if shape == (10**12,) else None,
            )
        elif kind == 5 and len(group):
            name = rng.choice(list(group))
            group[f"{name}_"] = group[name]
        elif kind == 6:
            group.create_dataset("text", data=[b"a", b"b"])
        elif len(group):
            group.move(rng.choice(list(group)), f"m{rng.randrange(9)}")
    return buffer.getvalue()


def zip_changed(data: bytes, rng: random.Random) -> bytes:
    """Members of a zip changed, renamed, doubled or left out."""
    with zipfile.ZipFile(io.BytesIO(data)) as good:
        parts = [(name, good.read(name)) for name in good.namelist()]
    i = rng.randrange(len(parts))
    name, content = parts[i]
    kind = rng.randrange(6)
    if kind == 0:
        parts.pop(i)
    elif kind == 1:
        parts.append((rng.choice([name, "../x", "/x", "assets/x", "assets/../x", "code.py"]), content))
    elif kind == 2:
        parts[i] = (name, bytes_changed(content, rng))
    elif name.endswith(".json"):
        parts[i] = (name, json.dumps(json_changed(json.loads(content), rng)).encode())
    elif name.endswith(".h5"):
        parts[i] = (name, h5_changed(content, rng))
    else:
        parts[i] = (name, bytes_changed(content, rng))
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(),
        zipfile.ZipFile(buffer, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as bad,
    ):
        warnings.simplefilter("ignore")
        for part in parts:
            bad.writestr(*part)
    return buffer.getvalue()


def mutated(name: str, data: bytes, rng: random.Random) -> bytes:
    """A valid file with something changed that its kind has."""
    if rng.random() < 0.25:
        return bytes_changed(data, rng)
    if name.endswith((".keras", ".npz")):
        return zip_changed(data, rng)
    if name.endswith(".h5"):
        return h5_changed(data, rng)
    return (
        json.dumps(json_changed(json.loads(data), rng)).encode()
        if name.endswith(".json")
        else bytes_changed(data, rng)
    )


# -- loading -----------------------------------------------------------------------------------------------------------


def load(path: pathlib.Path, target) -> None:
    """What a user would do with such a file."""
    if path.name.endswith((".weights.h5", ".safetensors", ".npz")):
        target.load_weights(path)
    elif path.suffix == ".json":
        lamina.models.model_from_json(path.read_text("utf-8"))
    else:
        lamina.models.load_model(path)


def attempt(path: pathlib.Path, target) -> tuple[str, str]:
    """The outcome of one file: a word, and what is wrong with it (empty where nothing is)."""
    begin = time.monotonic()
    with warnings.catch_warnings(), watched(path) as events:
        warnings.simplefilter("ignore")
        try:
            load(path, target)
            outcome, wrong = "loaded", ""
        except EXPECTED as error:
            outcome, wrong = type(error).__name__, ""
        except Exception as error:  # whatever else there is, is a finding
            outcome = type(error).__name__
            wrong = "".join(traceback.format_exception(error, limit=-6))
    took = time.monotonic() - begin
    if not wrong and events:
        wrong = f"it did: {events[:3]}"
    if not wrong and took > LIMIT:
        wrong = f"it took {took:.0f} s"
    return outcome, wrong


def run(count: int, seed: int, folder: pathlib.Path, say=lambda text: None) -> tuple[Counter, list[str]]:
    """Load `count` mutated files; gives the outcomes and the findings."""
    good = seeds(folder)
    target = model()
    outcomes: Counter = Counter()
    findings = []
    for i in range(seed, seed + count):
        rng = random.Random(i)
        name = rng.choice(sorted(good))
        try:
            data = mutated(name, good[name], rng)
        except (OSError, KeyError, RuntimeError, ValueError, TypeError):
            continue  # h5py could not make that one
        path = folder / f"m_{name}"
        path.write_bytes(data)
        outcome, wrong = attempt(path, target)
        outcomes[outcome] += 1
        if wrong:
            findings.append(f"seed {i} ({name}): {wrong}")
            say(findings[-1])
            (folder / f"finding_{i}_{name}").write_bytes(data)
    return outcomes, findings


def main() -> int:
    """The command."""
    import resource

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, 16 << 30))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lamina-fuzz-"))
    outcomes, findings = run(given.count, given.seed, folder, lambda text: print(text, flush=True))
    print(dict(outcomes))
    print(f"{len(findings)} findings" + (f"; their files are in {folder}" if findings else ""))
    return bool(findings)


_ = load_old  # imported before the hook watches
if __name__ == "__main__":
    sys.exit(main())
