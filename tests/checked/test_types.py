"""What the type checker finds, with the project's own configuration: planted mistakes, and that every backend fulfils the contract."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.slow
def test_every_backend_fulfils_the_contract() -> None:
    assert errors(HERE / "backends.py") == {}
