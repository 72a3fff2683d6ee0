"""Files that try something: each is refused with one of the documented errors, and nothing happens besides."""

import contextlib
import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.errors import SerializationError


def model():
    return lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="d")], name="m")


def archive(path, config=None, weights=None, extra=()):
    """A `.keras` file of a good model with parts replaced."""
    model().save(path)
    with zipfile.ZipFile(path) as good:
        parts = {name: good.read(name) for name in good.namelist()}
    if config is not None:
        parts["config.json"] = config if isinstance(config, bytes) else json.dumps(config).encode()
    if weights is not None:
        parts["model.weights.h5"] = weights
    with zipfile.ZipFile(path, "w") as bad:
        for name, data in (*parts.items(), *extra):
            bad.writestr(name, data)
    return path


def config():
    return json.loads(model().to_json())


def refused(path, text, **kwargs):
    with pytest.raises(SerializationError, match=f"(?s){text}"):
        lamina.models.load_model(path, **kwargs)


@pytest.mark.parametrize(
    ("module", "name", "given"),
    [
        ("builtins", "eval", {"source": "1"}),
        ("os", "system", {"command": "true"}),
        ("subprocess", "Popen", {"args": ["true"]}),
        ("lamina.backends", "load", {"name": "numpy"}),
        ("keras.src.utils.file_utils", "get_file", {"origin": "http://x"}),
        ("keras.layers", "__import__", {}),
        ("keras.layers", "_later", {}),
        ("keras.saving", "load_model", {"filepath": "x"}),
        ("keras.utils", "PyDataset", {}),
    ],
)
def test_names_outside_the_table(tmp_path, module, name, given):
    c = config()
    c["config"]["layers"][1] = {
        "module": module,
        "class_name": name,
        "config": given,
        "registered_name": name,
    }
    refused(archive(tmp_path / "x.keras", c), r"x\.keras.*not a class or function that a file may name")


def test_function_by_name_of_a_module(tmp_path):
    c = config()
    c["config"]["layers"][1]["config"]["activation"] = {
        "module": "os", "class_name": "function", "config": "system", "registered_name": "system",
    }  # fmt: skip
    refused(archive(tmp_path / "x.keras", c), "'system' is not a class or function that a file may name")


def test_lambda_bytecode_is_refused(tmp_path):
    c = config()
    c["config"]["layers"][1] = {
        "module": "keras.layers", "class_name": "Lambda", "registered_name": None,
        "config": {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "4wAAAA=="}}},
    }  # fmt: skip
    refused(
        archive(tmp_path / "x.keras", c),
        "a Python lambda belongs here, .*nor runs from one.*custom_objects=.'l': function",
    )


def test_no_switch_turns_safety_off(tmp_path):
    path = archive(tmp_path / "x.keras")
    with pytest.raises(ValueError, match="never does"):
        lamina.models.load_model(path, safe_mode=False)
    with pytest.raises(ValueError, match="never runs code"):
        lamina.config.enable_unsafe_deserialization()


def test_deep_json(tmp_path):
    refused(
        archive(tmp_path / "a.keras", b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "not valid JSON|nested"
    )
    nested = value = {}
    for _ in range(400):
        value["config"] = {"x": {}}
        value = value["config"]["x"]
    c = config()
    c["config"]["layers"][1]["config"]["activation"] = nested
    refused(archive(tmp_path / "b.keras", c), "nested more than|cannot make")


@pytest.mark.parametrize(
    "broken", [b"", b"[]", b"null", b"{", b'{"class_name": 3, "config": {}}', b"\xff\xfe"]
)
def test_broken_json(tmp_path, broken):
    refused(archive(tmp_path / "x.keras", broken), r"x\.keras")


def test_not_a_zip(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"no zip at all")
    refused(tmp_path / "x.keras", r"x\.keras: not a readable \.keras file")


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "code.py", "model.weights.h5/../x"])
def test_members_that_do_not_belong(tmp_path, name):
    refused(archive(tmp_path / "x.keras", extra=[(name, b"x")]), "unexpected members")


def test_zip_bomb(tmp_path):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("config.json", b" " * (40 << 20))
        bomb.writestr("metadata.json", b"{}")
    refused(path, "more than its size allows")


def test_huge_layer(tmp_path):
    c = config()
    c["config"]["layers"][1]["config"]["units"] = 10**13
    refused(archive(tmp_path / "x.keras", c), r"other shape|does not fit the model|cannot make")


def hdf5(fill):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def good(file):
    file["layers/dense/vars/0"] = np.zeros((4, 3), "float32")
    file["layers/dense/vars/1"] = np.zeros((3,), "float32")


def test_soft_and_external_links(tmp_path):
    def soft(file):
        good(file)
        file["layers/dense/vars/2"] = h5py.SoftLink("/layers/dense/vars/0")

    def external(file):
        good(file)
        file["layers/other"] = h5py.ExternalLink("/etc/passwd", "/x")

    refused(archive(tmp_path / "x.keras", weights=hdf5(soft)), "SoftLink points elsewhere")
    refused(archive(tmp_path / "x.keras", weights=hdf5(external)), "ExternalLink points elsewhere")


def test_external_storage(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"1234" * 12)

    def fill(file):
        file.create_dataset("layers/dense/vars/0", (4, 3), "float32", external=[(str(secret), 0, 48)])
        file["layers/dense/vars/1"] = np.zeros((3,), "float32")

    refused(archive(tmp_path / "x.keras", weights=hdf5(fill)), "its numbers lie in another file")


def test_virtual_dataset(tmp_path):
    def fill(file):
        layout = h5py.VirtualLayout((4, 3), "float32")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4, 3))
        file.create_virtual_dataset("layers/dense/vars/0", layout)
        file["layers/dense/vars/1"] = np.zeros((3,), "float32")

    refused(archive(tmp_path / "x.keras", weights=hdf5(fill)), "its numbers lie in another file")


def test_group_that_contains_itself(tmp_path):
    def fill(file):
        good(file)
        file["layers/loop"] = file["layers"]

    refused(archive(tmp_path / "x.keras", weights=hdf5(fill)), "contains itself")


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), h5py.vlen_dtype(np.int32), h5py.ref_dtype])
def test_types_that_are_no_numbers(tmp_path, dtype):
    def fill(file):
        good(file)
        file.create_dataset("layers/dense/vars/2", (2,), dtype)

    refused(archive(tmp_path / "x.keras", weights=hdf5(fill)), "not numeric")


def test_declared_but_absent_numbers(tmp_path):
    """A dataset of a terabyte that occupies nothing: the shape is compared, and nothing is allocated."""

    def fill(file):
        file.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 18), "float32", chunks=(1, 1))
        file["layers/dense/vars/1"] = np.zeros((3,), "float32")

    refused(archive(tmp_path / "x.keras", weights=hdf5(fill)), r"other shape layers/dense/vars/0")

    def empty(file):
        file.create_dataset("layers/dense/vars/0", (4, 30), "float32", chunks=(1, 1))
        file["layers/dense/vars/1"] = np.zeros((30,), "float32")

    c = config()
    c["config"]["layers"][1]["config"]["units"] = 30
    refused(archive(tmp_path / "y.keras", c, hdf5(empty)), "declares numbers that the file does not hold")


def test_differences_are_listed_all_at_once(tmp_path):
    def fill(file):
        file["layers/dense/vars/0"] = np.zeros((4, 9), "float32")
        file["layers/else/vars/0"] = np.zeros((2,), "float32")

    refused(
        archive(tmp_path / "x.keras", weights=hdf5(fill)),
        r"- missing +layers/dense/vars/1: the model wants (m/)?d/bias \(3,\)|! other shape layers/dense/vars/0: the model "
        r"wants (m/)?d/kernel \(4, 3\), the file has \(4, 9\)",
    )
    m = model()
    before = m.get_weights()
    with h5py.File(tmp_path / "w.weights.h5", "w") as file:
        fill(file)
    with pytest.raises(SerializationError) as e:
        m.load_weights(tmp_path / "w.weights.h5")
    assert all(
        word in str(e.value) for word in ("- missing", "! other shape", "+ unexpected", "skip_mismatch=True")
    )
    assert all(np.array_equal(a, b) for a, b in zip(before, m.get_weights(), strict=True))
    with pytest.warns(UserWarning, match="left as they are"):
        m.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)


def test_custom_objects_are_named_with_the_way_out(tmp_path):
    class Own(layers.Layer):
        def call(self, x):
            return x * 2

    m = lamina.Sequential([lamina.Input((2,)), Own()])
    m.save(tmp_path / "x.keras")
    refused(
        tmp_path / "x.keras", r"'Own' is not.*custom_objects=\{'Own': \.\.\.\}.*register_keras_serializable"
    )
    loaded = lamina.models.load_model(tmp_path / "x.keras", custom_objects={"Own": Own})
    assert loaded.predict(np.ones((1, 2), "float32")).tolist() == [[2.0, 2.0]]
    refused(tmp_path / "x.keras", "'Own' is not")  # the caller's objects were for that call only


def test_loading_changes_nothing_else(tmp_path):
    path = archive(tmp_path / "x.keras")
    before = sorted(os.listdir(tmp_path)), lamina.config.floatx(), dict(os.environ)
    lamina.models.load_model(path)
    assert before == (sorted(os.listdir(tmp_path)), lamina.config.floatx(), dict(os.environ))


def test_a_good_file_survives_a_failed_save(tmp_path, monkeypatch):
    m = model()
    m.save(tmp_path / "x.keras")
    kept = (tmp_path / "x.keras").read_bytes()
    monkeypatch.setattr("lamina.saving.weights.write", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        m.save(tmp_path / "x.keras")
    assert (tmp_path / "x.keras").read_bytes() == kept
    assert os.listdir(tmp_path) == ["x.keras"]


@pytest.mark.parametrize("seed", range(25))
def test_random_damage_gives_a_documented_error(tmp_path, seed):
    path = archive(tmp_path / "x.keras")
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(data), 12):
        data[place] = rng.integers(0, 256)
    path.write_bytes(bytes(data))
    with contextlib.suppress(
        ValueError
    ):  # SerializationError is one; damage may also hit what nobody can see
        lamina.models.load_model(path)
