"""Files that are open objects, and what a caller allows a file to ask for."""

import io
import json
import pathlib
import zipfile

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.errors import SerializationError
from lamina.saving import Limits

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def small(seed=0):
    lamina.utils.set_random_seed(seed)
    return lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)]
    )


def same(a, b):
    np.testing.assert_array_equal(a.predict(X, verbose=0), b.predict(X, verbose=0))


class OnlyWrites:
    """An object that can be written and no more, such as a socket."""

    def __init__(self, name=None):
        self.data = b""
        if name is not None:
            self.name = name

    def write(self, data):
        self.data += bytes(data)
        return len(data)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (None, b"\x89HDF"),
        ("w.weights.h5", b"\x89HDF"),
        ("w.npz", b"PK"),
        ("w.safetensors", None),
        (3, b"\x89HDF"),
    ],
)
def test_weights_go_into_open_files_and_out(name, start):
    model, other, target = small(), small(1), OnlyWrites(name)
    model.save_weights(target)
    assert start is None or target.data.startswith(start)
    other.load_weights(io.BytesIO(target.data))
    same(model, other)


@pytest.mark.parametrize("ending", [".weights.h5", ".npz", ".safetensors", ".keras"])
@pytest.mark.parametrize("form", [str, pathlib.Path, "file"])
def test_each_format_by_name_path_and_object(tmp_path, ending, form):
    model, other, path = small(), small(1), tmp_path / f"m{ending}"
    (model.save if ending == ".keras" else model.save_weights)(path if form == "file" else form(path))
    if form == "file":
        with open(path, "rb") as file:
            other.load_weights(file)
    else:
        other.load_weights(form(path))
    same(model, other)


def test_old_weights_in_an_open_file():
    data = (FIXTURES / "keras2_adam.h5").read_bytes()
    model = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3, name="first"), layers.Dense(2, name="second")]
    )
    model.load_weights(io.BytesIO(data), by_name=True)
    whole = lamina.saving.load_model(io.BytesIO(data))
    same(model, whole)


def test_objects_that_hold_no_weights(tmp_path):
    model = small()
    with pytest.raises(SerializationError, match="a PDF document"):
        model.load_weights(io.BytesIO(b"%PDF-1.4 and so on"))
    with pytest.raises(SerializationError, match="an empty file"):
        model.load_weights(io.BytesIO(b""))
    with pytest.raises(ValueError, match="open it in mode 'rb'"):
        model.load_weights(io.StringIO("text"))
    with pytest.raises(ValueError, match="Shards are several files"):
        model.save_weights(io.BytesIO(), max_shard_size=1)
    with pytest.raises(ValueError, match="by_name=True"):
        data = io.BytesIO()
        model.save_weights(data)
        model.load_weights(data, by_name=True)


def safetensors(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO((len(text) if length is None else length).to_bytes(8, "little") + text + data)


GOOD = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (safetensors(b"{", length=1 << 60), "longer than the file"),
        (safetensors(b"{not json}"), "not valid JSON"),
        (safetensors(b'{"a":' * 5000 + b"0" + b"}" * 5000), "not valid JSON"),
        (safetensors({"a": {**GOOD, "shape": [3]}}, bytes(8)), "does not lie at"),
        (safetensors({"a": {**GOOD, "shape": [1 << 62]}}, bytes(8)), "does not lie at"),
        (safetensors({"a": {**GOOD, "data_offsets": [8, 16]}}, bytes(8)), "does not lie at"),
        (safetensors({"a": {**GOOD, "data_offsets": [-8, 0]}}, bytes(8)), "not the description"),
        (safetensors({"a": {**GOOD, "shape": [True]}}, bytes(8)), "not the description"),
        (safetensors({"a": 3}, bytes(8)), "not the description"),
        (safetensors({"a": {**GOOD, "dtype": "F7"}}, bytes(8)), "dtype F7"),
        (
            safetensors({"a": GOOD, "b": GOOD}, bytes(8)),
            "b: it does not begin where the tensor before it ends",
        ),
        (safetensors({"a": {**GOOD, "data_offsets": [8, 16]}}, bytes(16)), "a: it does not begin where"),
        (safetensors({"a": GOOD}, bytes(9)), "1 bytes at the end of the file belong to no tensor"),
        (safetensors({"a": GOOD}, bytes(8)), "unexpected"),
    ],
)
def test_safetensors_in_open_files_are_checked(file, says):
    model = small()
    before = model.predict(X, verbose=0)
    with pytest.raises(SerializationError, match=says):
        model.load_weights(file)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)


# -- limits ------------------------------------------------------------------------------------------------------------


def files(folder):
    model = small()
    model.compile("adam", "mse")
    model.save(folder / "m.keras")
    model.save(folder / "m", zipped=False)
    with pytest.warns(UserWarning, match="legacy"):
        model.save(folder / "m.h5")
    model.save_weights(folder / "m.weights.h5")
    model.save_weights(folder / "m.weights.json", max_shard_size=1e-8)
    model.save_weights(folder / "m.safetensors")
    return model


@pytest.mark.parametrize(
    ("name", "limits", "says"),
    [
        ("m.keras", {"json_bytes": 100}, "config.json would unpack"),
        ("m.keras", {"members": 2}, "unexpected members"),
        ("m.keras", {"entries": 3}, "more than 3 entries"),
        ("m.keras", {"config_depth": 3}, "nested more than 3 levels"),
        ("m.keras", {"group_depth": 1}, "nested more than 1 deep"),
        ("m.keras", {"weight_bytes": 50}, "more than the 50 of limits.weight_bytes"),
        ("m", {"json_bytes": 100}, "more than 100 bytes"),
        ("m", {"members": 1}, "unexpected members"),
        ("m.h5", {"text_bytes": 10}, "more than 10"),
        ("m.h5", {"config_depth": 2}, "nested more than 2 levels"),
        ("m.h5", {"entries": 2}, "more than 2 entries"),
        ("m.h5", {"weight_bytes": 50}, "more than the 50 of limits.weight_bytes"),
        ("m.weights.h5", {"weight_bytes": 50}, "more than the 50 of limits.weight_bytes"),
        ("m.safetensors", {"weight_bytes": 50}, "more than the 50 of limits.weight_bytes"),
        ("m.weights.json", {"json_bytes": 10}, "larger than 10 bytes"),
        ("m.weights.json", {"shards": 1}, "shard"),
    ],
)
def test_limits_of_a_call(tmp_path, name, limits, says):
    model = files(tmp_path)
    whole = name in ("m", "m.keras", "m.h5")
    read = lamina.saving.load_model if whole else model.load_weights
    with pytest.raises(SerializationError, match=says):
        read(tmp_path / name, limits=Limits(**limits))
    read(tmp_path / name)  # another call has its own
    read(tmp_path / name, limits=Limits(**dict.fromkeys(limits, 10000000)))


def test_more_may_be_allowed(tmp_path):
    model, path = small(), tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    parts["config.json"] += b" " * 3_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(SerializationError, match="more than its size allows"):
        lamina.saving.load_model(path)
    same(lamina.saving.load_model(path, limits=Limits(unpack_ratio=10_000)), model)


@pytest.mark.parametrize("value", [0, -1, 2.5, "many", True, None])
def test_limits_are_whole_numbers(value):
    with pytest.raises(ValueError, match="`members` must be a positive whole number"):
        Limits(members=value)


def test_limits_have_a_class_of_their_own(tmp_path):
    small().save(tmp_path / "m.keras")
    with pytest.raises(TypeError, match=r"lamina.saving.Limits\(json_bytes="):
        lamina.saving.load_model(tmp_path / "m.keras", limits={"members": 3})


def test_objects_to_skip_when_saving(tmp_path):
    model = small()
    model.save_weights(tmp_path / "m.weights.h5", objects_to_skip=[model.layers[0]])
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert "dense" not in file["layers"]
        assert "dense_1" in file["layers"]
