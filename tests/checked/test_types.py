"""What the type checker finds, with the project's own configuration: planted mistakes, and that every backend fulfils the contract."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import lamina

HERE = Path(__file__).parent


def errors(file: Path) -> dict[int, str]:
    """The checker's errors in a file, by line."""
    checker = [
        sys.executable,
        "-m",
        "basedpyright",
        "--pythonpath",
        sys.executable,
        "--outputjson",
        str(file),
    ]
    done = subprocess.run(checker, cwd=HERE.parents[1], capture_output=True, text=True, check=False)
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["summary"]["filesAnalyzed"] == 1
    problems = [d for d in found["generalDiagnostics"] if d["severity"] == "error"]
    return {d["range"]["start"]["line"] + 1: d["message"] for d in problems}


def test_mistakes_are_found() -> None:
    """No such kernel function, a wrong arity, a wrong keyword, `fit(epoch=3)`: each marked line, and no other."""
    file = HERE / "mistakes.py"
    marked = [i for i, line in enumerate(file.read_text().splitlines(), 1) if line.endswith("# error")]
    found = errors(file)
    assert sorted(found) == marked, found
    texts = [found[line].splitlines()[0] for line in marked]
    assert texts[:3] == [
        'Cannot access attribute "no_such_function" for class "Kernel"',
        "Expected 1 positional argument",
        'No parameter named "keepdim"',
    ]


def test_usual_calls_have_precise_types() -> None:
    """A layer, `fit`, an operation: `assert_type` of each in a file that is checked, never run."""
    assert errors(HERE / "known.py") == {}


SCRIPTS = sorted((HERE / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_checked_script_runs(script: Path) -> None:
    with lamina.backend("torch"):
        lamina.utils.clear_session(free_memory=False)
        runpy.run_path(str(script))


@pytest.mark.slow
def test_the_checker_finds_nothing_in_ten_scripts() -> None:
    assert len(SCRIPTS) == 10
    assert {path.name: found for path in SCRIPTS if (found := errors(path))} == {}


@pytest.mark.slow
def test_mypy_finds_nothing_in_ten_scripts_and_knows_the_same_types() -> None:
    """Strict mypy, on what Pyright is given too; `fit(epoch=3)` is an error for it as well."""
    files = [*map(str, SCRIPTS), str(HERE / "known.py")]
    clean = mypy(*files)
    assert clean.returncode == 0, clean.stdout
    found = mypy(str(HERE / "mistakes.py")).stdout
    assert 'Unexpected keyword argument "epoch" for "fit"' in found


def mypy(*files: str) -> subprocess.CompletedProcess[str]:
    """A run of mypy."""
    pytest.importorskip("mypy", reason="pip install lamina[check]")
    command = [sys.executable, "-m", "mypy", "--strict", *files]
    return subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_backend_fulfils_the_contract() -> None:
    assert errors(HERE / "backends.py") == {}
