"""What `make fuzz` found, each kind once: how the file is damaged, and what is said."""

import json
import pathlib
import shutil
import zipfile

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.core import patterns
from lamina.errors import SerializationError

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


def made():
    return lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="d")], name="m")


def weights(tmp_path, change):
    path = tmp_path / "x.weights.h5"
    made().save_weights(path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(*args, **kwargs):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_dataset("layers/dense/vars/0", *args, **kwargs)

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (replaced(data=h5py.Empty("f4")), "layers/dense/vars/0: it is a dataset without a place for numbers"),
        (replaced((4, 3), "V2"), "layers/dense/vars/0: bytes .* without the attribute"),
        (
            lambda f: f["layers/dense/vars"].create_dataset("9", data=h5py.Empty("f4")),
            "without a place for numbers",
        ),
    ],
    ids=["no dataspace", "bytes", "one more without a dataspace"],
)
@pytest.mark.parametrize("load", ["load", "skip", "scan", "edit"])
def test_datasets_that_are_no_tensors(tmp_path, change, text, load):
    path = weights(tmp_path, change)
    if load == "scan":
        assert "numbers" in lamina.saving.scan(path)["refused"][0]
        return
    with pytest.raises(SerializationError, match=f"x.weights.h5: .*{text}"):
        if load == "edit":
            lamina.saving.KerasFileEditor(path)
        else:
            made().load_weights(path, skip_mismatch=load == "skip")


@pytest.mark.parametrize("name", ["keras1_sequential", "keras2_adam", "keras3_functional"])
def test_a_heap_that_hdf5_reads_for_ever(tmp_path, name):
    """The free space of the heap where the config lies says that it has no size: HDF5 never comes to its end."""
    data = bytearray((FIXTURES / f"{name}.h5").read_bytes())
    heap = data.index(b"GCOL\x01")
    end = heap + int.from_bytes(data[heap + 8 : heap + 16], "little")
    at = heap + 16
    while int.from_bytes(data[at : at + 2], "little"):
        at += 16 + -(-int.from_bytes(data[at + 8 : at + 16], "little") // 8) * 8
        assert at + 16 <= end, "the heap of this fixture is full: take another one"
    data[at + 8 : at + 16] = bytes(8)
    (tmp_path / "x.h5").write_bytes(data)
    with pytest.raises(SerializationError, match=r"x\.h5.*a heap of texts does not hold together"):
        lamina.models.load_model(tmp_path / "x.h5")
    assert "a heap of texts" in lamina.saving.scan(tmp_path / "x.h5")["refused"][0]
    with open(tmp_path / "x.h5", "rb") as file, pytest.raises(SerializationError, match="a heap of texts"):
        lamina.models.load_model(file)


def test_a_text_that_is_longer_than_its_place(tmp_path):
    """HDF5 would make room for all that the attribute says."""
    data = bytearray((FIXTURES / "keras2_adam.h5").read_bytes())
    heap = data.index(b"GCOL\x01").to_bytes(8, "little")
    at = data.index(heap)
    data[at - 4 : at] = (3 << 30).to_bytes(4, "little")
    (tmp_path / "x.h5").write_bytes(data)
    with pytest.raises(SerializationError, match=r"x\.h5.*a text of 3221225472 bytes is said to lie in"):
        lamina.models.load_model(tmp_path / "x.h5")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_model_without_its_weights(tmp_path, zipped):
    """Keras refuses that, too."""
    path = tmp_path / ("x.keras" if zipped else "x")
    made().save(path, zipped=zipped)
    if zipped:
        with zipfile.ZipFile(path) as good:
            parts = {n: good.read(n) for n in good.namelist() if n != "model.weights.h5"}
        with zipfile.ZipFile(path, "w") as bad:
            for part in parts.items():
                bad.writestr(*part)
    else:
        (path / "model.weights.h5").unlink()
    with pytest.raises(SerializationError, match=r"has no model\.weights\.h5"):
        lamina.models.load_model(path)
    assert "has no model.weights.h5" in lamina.saving.scan(path)["refused"][0]


def test_vocabularies_say_whose_file_it_is(tmp_path):
    text = layers.TextVectorization(name="text")
    text.adapt(["a b"])
    lamina.Sequential([lamina.Input((1,), dtype="string"), text]).save(tmp_path / "x", zipped=False)
    for file in (tmp_path / "x" / "assets").rglob("*.txt"):
        file.write_text("b\na\nb\n")
    with pytest.raises(SerializationError, match=r"^x: .*StringLookup"):
        lamina.models.load_model(tmp_path / "x")


@pytest.mark.parametrize("calls", [3, True, "x"])
def test_calls_that_are_no_list(tmp_path, calls):
    path = tmp_path / "x.h5"
    shutil.copy(FIXTURES / "keras2_functional.h5", path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][-1]["inbound_nodes"] = calls
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(SerializationError, match=r"x\.h5: The calls of each layer"):
        lamina.models.load_model(path)


def test_optimizer_state_that_is_no_number(tmp_path):
    path = tmp_path / "x.h5"
    shutil.copy(FIXTURES / "keras2_adam.h5", path)
    with h5py.File(path, "r+") as file:
        names = []
        file["optimizer_weights"].visit(names.append)
        found = [n for n in names if isinstance(file["optimizer_weights"][n], h5py.Dataset)]
        for name in found:
            shape = file["optimizer_weights"][name].shape
            del file["optimizer_weights"][name]
            file["optimizer_weights"].create_dataset(name, data=np.zeros(shape, "c8"))
    with pytest.warns(UserWarning, match="the state of the optimizer does not fit"):
        lamina.models.load_model(path)


ENDLESS = [
    "(a+)+$",
    "(a|aa)*$",
    "(a?){30}a{30}",
    "(x+x+)+y",
    "((a{0,9}){0,9}){0,9}",
    ".*" * 12,
    r"(a)\1",
    "a" * 2000,
]


@pytest.mark.parametrize("pattern", ENDLESS)
@pytest.mark.parametrize("kind", ["muon", "map"])
def test_patterns_without_end(tmp_path, pattern, kind):
    """Optimizers by pattern come from files, and so do the names of layers that they are laid over."""
    name = "a" * 60
    model = lamina.Sequential([lamina.Input((2,)), layers.Dense(2, name=name)])
    sgd = lamina.optimizers.SGD()
    model.compile(
        lamina.optimizers.Muon(exclude_layers=["b.*"])
        if kind == "muon"
        else lamina.optimizers.MultiOptimizer(
            lamina.optimizers.OptimizerMap(sgd, {"b.*": lamina.optimizers.SGD(0.5)})
        )
    )
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "x.keras") as good:
        parts = {n: good.read(n) for n in good.namelist()}
    changed = parts["config.json"].replace(b'"b.*"', json.dumps(pattern).encode())
    assert changed != parts["config.json"]
    with zipfile.ZipFile(tmp_path / "x.keras", "w") as bad:
        for member, data in parts.items():
            bad.writestr(member, changed if member == "config.json" else data)
    with pytest.raises(SerializationError, match=r"x\.keras.*could take forever"):
        lamina.models.load_model(tmp_path / "x.keras")
    assert lamina.models.load_model(tmp_path / "x.keras", compile=False).name == model.name


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        ("dense.*", "dense_1", True), ("block_\\d+/.*conv.*", "block_3/a/conv2d", True), ("^(?!head).*", "head", False),
        ("(conv|dense)_[0-9]{1,3}", "dense_12", True), ("(?:a/)*b", "a/a/b", True), ("a", "ba", False), (".*a.*b.*", "xaxb", True),
        ("a(?=b)b", "ab", True), ("(?i)DENSE", "dense", True),
    ],
)  # fmt: skip
def test_patterns_that_people_write(pattern, text, whole):
    import re

    assert patterns.fullmatch(pattern, text) == whole == bool(re.fullmatch(pattern, text))
    assert patterns.search(pattern, text) == bool(re.search(pattern, text))


def test_what_is_no_pattern():
    for wrong in ("(", "[", 3, None, "(" * 900):
        with pytest.raises(ValueError, match="regular expression"):
            patterns.fullmatch(wrong, "a")


@pytest.mark.parametrize("config", [3, "x", [1], None])
def test_metrics_of_keras_2_whose_config_is_none(tmp_path, config):
    path = tmp_path / "x.h5"
    shutil.copy(FIXTURES / "keras2_functional.h5", path)
    with h5py.File(path, "r+") as file:
        training = json.loads(file.attrs["training_config"])
        training["metrics"] = [{"class_name": "MeanMetricWrapper", "config": config}]
        file.attrs["training_config"] = json.dumps(training)
    with pytest.raises(SerializationError, match=r"x\.h5: training_config"):
        lamina.models.load_model(path)


@pytest.mark.parametrize(
    ("name", "config"), [("L2", {"l2": 0.1}), ("Zeros", {}), ("Adam", {}), ("MeanSquaredError", {})]
)
def test_old_files_that_describe_no_model(tmp_path, name, config):
    path = tmp_path / "x.h5"
    shutil.copy(FIXTURES / "keras2_functional.h5", path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": name, "config": config})
    with pytest.raises(SerializationError, match=rf"x\.h5: model_config describes a {name}, not a model"):
        lamina.models.load_model(path)
