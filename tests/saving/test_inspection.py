"""`scan` and `info` say what files hold and what is refused, and build nothing."""

import hashlib
import json
import pathlib

import pytest

import lamina
from lamina import layers
from lamina.saving import inspection

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


def made():
    return lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="d")], name="m")


def test_a_good_file(tmp_path):
    made().save(tmp_path / "x.keras")
    found = lamina.saving.scan(tmp_path / "x.keras")
    assert found["refused"] == []
    assert found["classes"]["Dense"] == 1
    assert found["layers"][-1] == {"name": "d", "class": "Dense"}
    assert [t["shape"] for t in found["tensors"]] == [[4, 3], [3]]
    assert found["parameters"] == 15
    assert len(found["sha256"]) == 64
    assert "tensors" not in lamina.saving.info(tmp_path / "x.keras")


@pytest.mark.parametrize(
    "path", sorted(p for p in FIXTURES.iterdir() if p.suffix in (".h5", ".keras")), ids=lambda p: p.name
)
def test_fixtures_break_no_rule(path):
    assert lamina.saving.scan(path)["refused"] == []


def test_old_files_say_so():
    found = lamina.saving.scan(FIXTURES / "keras2_adam.h5")
    assert (found["kind"], found["version"], found["compiled"]) == ("old model", "2.21.0", True)
    assert found["parameters"] == 4 * 3 + 3 + 3 * 2 + 2


def test_nothing_is_built(tmp_path, monkeypatch):
    made().save(tmp_path / "x.keras")
    monkeypatch.setattr("lamina.core.codec._object", lambda *a: 1 / 0)
    assert lamina.saving.scan(tmp_path / "x.keras")["refused"] == []


def test_the_command(tmp_path, capsys):
    made().save(tmp_path / "x.keras")
    made().save_weights(tmp_path / "x.npz")
    assert inspection.scan_command([str(tmp_path / "x.keras"), str(tmp_path / "x.npz"), "--json"]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["parameters"] == second["parameters"] == 15
    assert inspection.info_command([str(tmp_path / "x.keras")]) == 0
    assert "no rule of the loader is broken" in capsys.readouterr().out
    (tmp_path / "bad.keras").write_bytes(b"\x1b[31mno")
    assert inspection.scan_command([str(tmp_path / "bad.keras")]) == 1
    assert "not a readable .keras" in capsys.readouterr().out
    assert inspection.scan_command([str(tmp_path / "none.keras")]) == 2


def test_the_command_line_knows_both(capsys, tmp_path):
    from lamina.cli import main

    model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    assert main(["scan", str(tmp_path / "m.keras"), "--json"]) == 0
    assert "Dense" in capsys.readouterr().out
    assert main(["info", str(tmp_path / "no.keras")]) == 2


@pytest.mark.parametrize(
    "path",
    sorted(p for p in FIXTURES.iterdir() if p.name.endswith((".h5", ".keras", ".weights.json"))),
    ids=lambda p: p.name,
)
def test_the_command_on_every_fixture(path, capsys):
    assert inspection.scan_command([str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["refused"] == []
    assert found["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found["tensors"]
    assert inspection.info_command([str(path), "--json"]) == 0
    short = json.loads(capsys.readouterr().out)
    assert short["parameters"] == found["parameters"]
    assert inspection.scan_command([str(path)]) == inspection.info_command([str(path)]) == 0
    assert "no rule of the loader is broken" in capsys.readouterr().out


DAMAGED = [
    "keras3_functional.keras",
    "keras2_functional.h5",
    "keras3_shards_00000.weights.h5",
    "keras1_sequential.h5",
]


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("damage", ["empty", "half", "head", "text", "renamed"])
def test_the_command_on_damaged_files(tmp_path, name, damage, capsys):
    """Twenty files: the table names the reason, the exit status is 1, and JSON says the same."""
    data = (FIXTURES / name).read_bytes()
    ending = ".keras" if name.endswith(".keras") else ".weights.h5" if ".weights." in name else ".h5"
    other = ".h5" if ending == ".keras" else ".keras"
    path = tmp_path / f"x{other if damage == 'renamed' else ending}"
    path.write_bytes(
        {
            "empty": b"",
            "half": data[: len(data) // 2],
            "head": b"\\0" * 64 + data[64:],
            "text": b"hello",
            "renamed": data,
        }[damage]
    )
    assert inspection.scan_command([str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert path.name in found["refused"][0]
    assert inspection.scan_command([str(path)]) == inspection.info_command([str(path)]) == 1
    assert "refused" in capsys.readouterr().out
