"""Scripts in the style of four eras of Keras run unedited under `lamina run`; each asserts its own results."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = pathlib.Path(__file__).parent / "scripts"
ALL = """
import sys, warnings
from lamina.cli import main
warnings.simplefilter("ignore")
for script in sys.argv[1:]:
    print("script", script, flush=True)
    main(["run", script])
print([m for m in sys.modules if m.startswith("keras.src.") and not hasattr(sys.modules[m], "_place")])
"""


def run(era, backend):
    scripts = sorted(str(p) for p in (SCRIPTS / era).glob("*.py"))
    known = {**os.environ, "PYTHONPATH": str(ROOT), "LAMINA_BACKEND": backend, "LAMINA_COMPILE_CACHE": "0"}
    found = subprocess.run([sys.executable, "-c", ALL, *scripts], capture_output=True, text=True, env=known)
    assert found.returncode == 0, f"{found.stdout[-2000:]}\n{found.stderr[-4000:]}"
    assert found.stdout.strip().splitlines()[-1] == "[]"  # nothing of the real package was loaded


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
@pytest.mark.parametrize("era", ["keras1", "keras2", "tfkeras", "keras3", "seeds"])
def test_scripts_run_unedited(era, backend):
    """Those in `seeds` are the snippets of the texts that docs/seeds.md goes through."""
    assert len(list((SCRIPTS / era).glob("*.py"))) >= (4 if era == "seeds" else 6)
    run(era, backend)
