"""The command `lamina`: help with an example, exit status, JSON, completion."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

import lamina
from lamina import cli
from lamina.commands import bench, completion, doctor


@pytest.fixture(autouse=True)
def _same_backend():
    """The one that the other tests have: what comes first settles the default of a process."""
    before = lamina.config.backend()
    lamina.config.set_backend(before)
    yield
    lamina.config.set_backend(before)


@pytest.fixture
def model_file(tmp_path):
    model = lamina.Sequential(
        [
            lamina.Input((8, 8, 1)),
            lamina.layers.Conv2D(2, 3, name="conv"),
            lamina.layers.Flatten(),
            lamina.layers.Dense(3, name="head"),
        ],
        name="net",
    )
    model.save(tmp_path / "net.keras")
    return str(tmp_path / "net.keras")


def test_the_overview_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {name} " in text for name in cli.COMMANDS)
    assert cli.main([]) == 2
    assert cli.main(["--version"]) == 0
    assert lamina.__version__ in capsys.readouterr().out


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_has_help_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert f"usage: lamina {name}" in text
    assert re.search(rf"example:\n  .*lamina {name}", text)
    assert "exit status" in text


def test_examples_are_accepted_by_their_parsers():
    for name in cli.COMMANDS:
        example = re.search(
            rf"lamina {name}([^>\"|)]*)", cli.import_module(f"lamina.commands.{name}").EXAMPLE
        )[1]
        cli.parser_of(name).parse_args(example.split())


def test_an_unknown_command_is_told_with_the_nearest(capsys):
    assert cli.main(["summry"]) == 2
    assert "no command 'summry'. Did you mean 'summary'?" in capsys.readouterr().err


def test_a_missing_file_and_a_broken_one(tmp_path, capsys):
    (tmp_path / "bad.keras").write_text("no model")
    for name in ("summary", "plot"):
        assert cli.main([name, str(tmp_path / "gone.keras")]) == 2
        assert cli.main([name, str(tmp_path / "bad.keras")]) == 1
        told = capsys.readouterr().err
        assert f"lamina {name}: There is no file" in told
        assert "not a readable .keras file" in told
        assert "Traceback" not in told


def test_summary(model_file, capsys):
    assert cli.main(["summary", model_file, "--flops", "--memory", "--batch-size", "2"]) == 0
    text = capsys.readouterr().out
    assert "conv (Conv2D)" in text
    assert "for 2 rows" in text
    assert cli.main(["summary", model_file, "--json", "--flops"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [layer["class"] for layer in found["layers"]] == ["Conv2D", "Flatten", "Dense"]
    assert found["layers"][0]["output_shape"] == [None, 6, 6, 2]
    assert found["parameters"] == found["trainable_parameters"] == 20 + 72 * 3 + 3
    assert found["multiply_adds"]["forward"] == 6 * 6 * 2 * 9 + 72 * 3


def test_plot(model_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plot", model_file]) == 0
    assert capsys.readouterr().out == "net.html\n"
    assert "conv" in (tmp_path / "net.html").read_text()
    assert cli.main(["plot", model_file, "-o", "net.mmd", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"written": "net.mmd"}
    assert cli.main(["plot", model_file, "-o", "net.doc"]) == 1
    assert "its ending must be one of .html" in capsys.readouterr().err


def test_plot_without_graphviz_fails_and_says_what_to_install(model_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert cli.main(["plot", model_file, "-o", "net.svg", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out) == {"written": None}
    assert "install" in said.err


def test_doctor(capsys, monkeypatch):
    monkeypatch.setenv("LAMINA_BACKEND", "numpy")
    monkeypatch.setenv("LAMINA_PAUSE_GC", "0")
    assert cli.main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["backends"] == {
        "default": "numpy",
        "installed": found["backends"]["installed"],
        "devices": {"numpy": ["cpu:0"]},
    }
    assert found["environment"]["LAMINA_BACKEND"] == "numpy"
    assert found["effects"]["LAMINA_PAUSE_GC"]["on"] is False
    assert found["effects"]["LAMINA_QUIET_TENSORFLOW"]["on"] is True
    assert found["versions"]["numpy"]
    assert cli.main(["doctor"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_doctor_finds_a_wrong_setting_and_what_is_missing(capsys, monkeypatch):
    monkeypatch.setenv("LAMINA_BACKEND", "jaxx")
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert cli.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "Unknown backend 'jaxx'" in found["wrong"][0]
    assert found["missing"]["torch"]["install"] == "pip install 'lamina[torch]'"
    assert found["missing"]["tensorboardX"]["install"] == "pip install tensorboardX"


def test_bench_measures_and_reports_a_failure(capsys, monkeypatch):
    figures = bench.measured(steps=2)
    assert set(figures) == {"build_s", "first_step_s", "step_us", "predict_ms"}
    assert all(value >= 0 for value in figures.values())
    monkeypatch.setattr(
        bench, "_in_process", lambda name, steps: {"error": "broken"} if name == "torch" else figures
    )
    assert cli.main(["bench", "--backend", "jax", "--backend", "torch"]) == 1
    assert "broken" in capsys.readouterr().out
    assert cli.main(["bench", "--backend", "jax", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"jax": figures}


@pytest.mark.slow
def test_bench_runs_a_process_for_a_backend(capsys):
    assert cli.main(["bench", "--backend", "jax", "--steps", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["jax"]["step_us"] > 0


def test_completion_in_bash(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    (tmp_path / "lamina.bash").write_text(completion.bash())
    script = """source ./lamina.bash
    ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lamina; echo "${COMPREPLY[@]}"; }
    ask lamina su; ask lamina summary --fl; ask lamina completion f"""
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["summary", "--flops", "fish"]


def test_completion_of_the_other_shells(capsys):
    for shell in ("zsh", "fish"):
        assert cli.main(["completion", shell]) == 0
        text = capsys.readouterr().out
        assert all(name in text for name in cli.COMMANDS)
        assert "expand-nested" in text
        assert "--here" not in text
        program = shutil.which(shell)
        if program:
            subprocess.run([program, "-n", "-c", text], check=True)


def test_as_a_process_it_ends_with_the_status():
    done = subprocess.run(
        [sys.executable, "-m", "lamina", "info", "gone.keras"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
