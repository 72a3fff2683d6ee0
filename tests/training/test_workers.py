"""`PyDataset(use_multiprocessing=True)`: forked where it is safe, started anew elsewhere, or refused in words."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import lamina

SCRIPT = """
import os
os.environ["LAMINA_BACKEND"] = {backend!r}
import numpy as np, lamina
print("ran")

class Squares(lamina.utils.PyDataset):
    def __len__(self):
        return 6
    def __getitem__(self, index):
        return np.full((2, 1), float(index), "float32"), np.full((2, 1), os.getpid() * 0.0, "float32")

def main():
    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mae")
    print(model.predict(Squares(workers=2, use_multiprocessing=True), verbose=0)[::2, 0].tolist())
{call}
"""


def run(backend, call, from_stdin=False):
    script = textwrap.dedent(SCRIPT).format(backend=backend, call=call)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "LAMINA_COMPILE_CACHE": "0",
    }
    arguments = [sys.executable, "-"] if from_stdin else [sys.executable, "script.py"]
    return script, arguments, environment


def told(tmp_path, backend, call, from_stdin=False):
    script, arguments, environment = run(backend, call, from_stdin)
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        arguments, input=script if from_stdin else None, capture_output=True, text=True, cwd=tmp_path, env=environment,
        timeout=120,
    )  # fmt: skip
    return done.stdout, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="forks are safe on Linux alone")
def test_a_script_without_a_guard_is_forked_and_not_run_again(tmp_path):
    out, error = told(tmp_path, "numpy", "main()")
    assert out.count("ran") == 1, error
    assert "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]" in out


def test_a_class_of_a_notebook_is_refused_where_processes_start_anew(tmp_path):
    pytest.importorskip("jax")
    out, error = told(tmp_path, "jax", "main()", from_stdin=True)
    assert out.count("ran") == 1
    assert "Squares cannot be read by worker processes: its class is defined in a notebook" in error
    assert "Use threads (use_multiprocessing=False, workers=2)" in error


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_where_processes_start_anew(tmp_path):
    pytest.importorskip("jax")
    out, error = told(tmp_path, "jax", "main()")
    assert "put what trains under `if __name__ == '__main__':`" in error
    out, error = told(tmp_path, "jax", 'if __name__ == "__main__":\n    main()')
    assert "[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]" in out, error


def test_what_cannot_be_pickled_is_refused(monkeypatch):
    from lamina.training.feed import dataset

    monkeypatch.setattr(dataset, "fork_is_safe", lambda: False)

    class Local(lamina.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return np.ones((1, 1))

    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
    with (
        lamina.backend("numpy"),
        pytest.raises(ValueError, match="Local cannot be read by worker processes: it cannot be pickled"),
    ):
        model.predict(Local(use_multiprocessing=True), verbose=0)
