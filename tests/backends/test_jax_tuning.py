"""Tuning for the CPU is fenced: one switch, one table, one file of private names, and a plain way that works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.steps_as_users_have_them

jax = pytest.importorskip("jax")
from benchmarks import tuning  # noqa: E402
from lamina import backends  # noqa: E402

kernel = backends.load("jax")
from lamina.backends.jax import cpu  # noqa: E402

FOLDER = Path(cpu.__file__).parent

PROGRAM = """
import json, sys
import jax
import jax.extend.core
for name in sys.argv[1:]:
    sys.modules[name] = None  # importing it, or from it, fails
import lamina
from lamina import backends
from lamina.backends.jax import cpu
k = backends.load("jax")
import numpy as np
rng = np.random.default_rng(0)
x, y = rng.random((64, 8, 8, 3), "float32"), rng.integers(0, 4, 64)
lamina.utils.set_random_seed(1)
L = lamina.layers
model = lamina.Sequential([
    lamina.Input((8, 8, 3)), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D(), L.Dropout(0.3), L.Flatten(), L.Dense(4)
])
model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(x, y, batch_size=16, epochs=3, verbose=0).history["loss"]
conv = lambda x: k.conv(x, np.ones((3, 3, 3, 2), "float32"), (1, 1), ((0, 0), (0, 0)), (1, 1), 1, True)
print(json.dumps({
    "on": cpu.on(), "loss": history, "outputs": model.predict(x[:2], verbose=0).tolist(),
    "plain": "conv_general_dilated" in str(jax.make_jaxpr(conv)(x)),
    "clients": [n for n in cpu.clients._made],
}))
"""


def run(*missing: str, **environment: str) -> dict:
    settings = {"LAMINA_BACKEND": "jax", "LAMINA_COMPILE_CACHE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *missing], env=os.environ | settings | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def tuned() -> dict:
    return run()


def close(one: dict, other: dict) -> None:
    for name in ("loss", "outputs"):
        np.testing.assert_allclose(one[name], other[name], rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(not cpu.on(), reason="nothing is tuned here")
def test_the_switch_turns_all_of_it_off(tuned: dict) -> None:
    plain = run(LAMINA_JAX_TUNING="0")
    assert (tuned["on"], tuned["plain"]) == (True, False)
    assert (plain["on"], plain["plain"], plain["clients"]) == (False, True, [])
    close(plain, tuned)


@pytest.mark.slow
@pytest.mark.skipif(not cpu.on(), reason="nothing is tuned here")
@pytest.mark.parametrize(
    ("names", "on"),
    [
        (["jax.extend.core"], False),
        (["jax.extend.random", "jax.experimental.xla_metadata", "jaxlib.xla_client"], True),
    ],
    ids=["primitives", "the rest"],
)
def test_without_private_names(names: list[str], on: bool, tuned: dict) -> None:
    """As with another jax: the plain way gives the same numbers."""
    found = run(*names)
    assert found["on"] is on
    close(found, tuned)


@pytest.mark.skipif(not cpu.on(), reason="nothing is tuned here")
def test_the_switch_in_code() -> None:
    x, w = np.ones((1, 4, 4, 1), "float32"), np.ones((3, 3, 1, 1), "float32")
    text = lambda: str(jax.make_jaxpr(lambda x: kernel.conv(x, w, (1, 1), ((0, 0),) * 2, (1, 1), 1, True))(x))
    assert "conv_general_dilated" not in text()
    before = cpu.switch(False)
    try:
        assert before
        assert not cpu.on()
        assert "conv_general_dilated" in text()
    finally:
        cpu.switch(before)


def test_a_program_in_words_that_are_not_known_is_left_alone() -> None:
    from lamina.backends.jax.cpu.internals import found_in

    class Other:
        eqns = (object(),)

    assert found_in(Other(), cpu.clients.work_of, 0) is None
    assert found_in(Other(), cpu.plan._suit_eigen, 0) is None


def test_private_names_stand_in_one_file() -> None:
    # both are documented: multihost_utils, to gather what several processes hold, and the sparse tensors
    private = re.compile(
        r"jax\.(extend|interpreters|_src|lib|experimental(?! import multihost_utils|\.sparse))\b|jaxlib"
    )
    guilty = [
        f"{path.name}: {line.strip()}"
        for path in FOLDER.parent.rglob("*.py")
        if path.name != "internals.py"
        for line in path.read_text().splitlines()
        if private.search(line) and re.match(r"\s*(from|import) ", line)
    ]
    assert guilty == []


def test_every_constant_says_how_to_measure_it_again() -> None:
    text = (FOLDER / "constants.py").read_text()
    blocks = re.findall(r"((?:# .*\n)+)([A-Z][A-Z_, ]*) = ", text)
    named = [re.search(r"python -m benchmarks\.tuning (\w+)", comment) for comment, _ in blocks]
    assert [names for (_, names), found in zip(blocks, named, strict=True) if found is None] == []
    assert sorted(found[1] for found in named if found) == sorted(tuning.NAMES)
    constants = {name for _, names in blocks for name in names.split(", ")}
    assert constants == {name for name in vars(cpu.constants) if name.isupper()}


@pytest.mark.slow
@pytest.mark.skipif(not cpu.on(), reason="nothing is tuned here")
@pytest.mark.parametrize("name", tuning.NAMES)
def test_measuring_works(name: str, capsys: pytest.CaptureFixture) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tuning", name, "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" ms (") >= 2
