"""The catalogue of mistakes: each brings Lamina's own words, the same on every backend, and the user's lines alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import outcomes
import pytest
from catalogue import MISTAKES

import lamina
from lamina import backends

LAMINA = outcomes.read("lamina")["messages"]
KERAS = outcomes.read("keras")
CASES = {f"{area}/{m.name}": m for area, mistakes in MISTAKES.items() for m in mistakes}

# Mistakes of which Keras raises another class, and why Lamina does not follow.
_PASSED_ON = "Keras passes on what its framework raises, so its class differs from backend to backend."
_CHANCE = "What Keras stumbles over, further on: no class that a program would wait for."
OTHER_CLASS = {
    "arguments/normalization_over_a_missing_axis": _CHANCE,
    "backends/device_that_is_not_there": _PASSED_ON,
    "backends/float_in_call": _CHANCE,
    "backends/numpy_in_call": _CHANCE,
    "backends/tensor_of_strings": _PASSED_ON,
    "dtypes/variable_of_strings": _PASSED_ON,
    "files/json_that_is_no_model": "Keras passes on the error of the JSON module; both are ValueErrors.",
    "fitting/no_rows": _CHANCE,
    "fitting/validation_split_in_percent": _CHANCE,
    "labels/labels_of_another_width": _PASSED_ON,
    "measures/loss_in_numpy": _PASSED_ON,
    "measures/loss_of_two_shapes": _PASSED_ON,
    "measures/mistake_inside_a_loss": _PASSED_ON,
    "own_layers/if_on_a_value_in_call": _CHANCE,
    "own_layers/lambda_that_fails": _PASSED_ON,
    "own_layers/weight_of_a_wrong_shape": _PASSED_ON,
    "preprocessing/word_without_a_place": "Keras's has no text: it passes on TensorFlow's.",
    "shapes/arrays_that_do_not_add": _PASSED_ON,
    "shapes/concatenate_of_two_ranks": _PASSED_ON,
    "shapes/matrices_that_do_not_multiply": _PASSED_ON,
    "shapes/reshape_of_an_array": _PASSED_ON,
}
FRAMEWORKS = re.compile(r"\bjax|\bxla|jnp\.|\btorch\b|tensorflow|\btf\.|dot_general|tracer", re.IGNORECASE)


def cases() -> list[Any]:
    return [pytest.param(path, b, id=f"{path}-{b}") for path, m in CASES.items() for b in m.backends]


@pytest.mark.parametrize(("path", "backend"), cases())
def test_what_is_said(path: str, backend: str) -> None:
    """One text on every backend, which holds what it must; no frame but the user's; no other error beside it."""
    if backend not in backends.installed():
        pytest.skip(f"{backend} is not installed")
    mistake = CASES[path]
    lamina.utils.clear_session(free_memory=False)
    with lamina.backend(backend):
        found = outcomes.outcome(mistake, lamina)
    text = found["text"].replace(f"backend {backend!r}", "backend 'jax'")
    assert (found["kind"], text) == (LAMINA[path]["kind"], LAMINA[path]["text"])
    assert [part for part in mistake.says if part.lower() not in text.lower()] == []
    assert "\x1b" not in text
    if not path.startswith("backends/"):
        assert not FRAMEWORKS.search(text), text
    if mistake.warns:
        assert found["kind"] == "UserWarning"
        return
    assert found["user_frames"] >= 1
    assert (found["other_frames"], found["beside"]) == (0, 0)
    said = KERAS["messages"].get(path, {"kind": "silence"})["kind"]
    if said != "silence" and not said.endswith("Warning"):
        assert (said in found["bases"]) == (path not in OTHER_CLASS), (said, found["bases"])


def test_the_records_are_of_this_catalogue() -> None:
    keras = {path for path, m in CASES.items() if "jax" in m.backends}
    assert set(LAMINA) == keras
    assert set(KERAS["messages"]) == keras
    assert set(OTHER_CLASS) <= set(CASES)
    assert len(CASES) >= 200
    assert len({path.rpartition("/")[2] for path in CASES}) == len(CASES)


def test_nothing_is_silent() -> None:
    assert [path for path, said in LAMINA.items() if said["kind"] == "silence"] == []
    assert sum(said["kind"] == "silence" for said in KERAS["messages"].values()) > 15


def test_none_is_worse_than_in_keras() -> None:
    """Never a warning or nothing where Keras raises; and of the facts that help, which the catalogue lists for each
    mistake (`says`: the place, what was given, the way out), ours holds all and so never fewer than Keras's."""
    for path, theirs in KERAS["messages"].items():
        ours, facts = LAMINA[path], CASES[path].says
        raises = theirs["kind"] != "silence" and not theirs["kind"].endswith("Warning")
        assert not (raises and ours["kind"].endswith("Warning")), path
        holds = lambda text, facts=facts: sum(fact.lower() in text.lower() for fact in facts)
        assert facts, path
        assert holds(ours["text"]) == len(facts) >= holds(theirs["text"]), path


@pytest.mark.skipif(
    KERAS["version"] != pytest.importorskip("importlib.metadata").version("keras"),
    reason="another version of Keras",
)
def test_keras_still_says_it() -> None:
    """Of one area, that what was recorded is what Keras says: in a process of its own, since Keras wants its backend."""
    import json
    import subprocess
    import sys

    command = [sys.executable, outcomes.__file__, "keras", "arguments/misspelt"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    for path, found in json.loads(done.stdout[done.stdout.index("{") :]).items():
        assert KERAS["messages"][path] == {"kind": found["kind"], "text": found["text"]}


def test_the_page_is_up_to_date() -> None:
    """`python tests/errors/outcomes.py lamina` writes it."""
    page = Path(__file__).parents[2] / "docs" / "error_catalogue.md"
    assert page.read_text() == outcomes.page()


def test_all_frames_are_there_when_asked_for() -> None:
    lamina.config.disable_traceback_filtering()
    try:
        shown = outcomes.outcome(CASES["shapes/add_of_two_widths"], lamina)
    finally:
        lamina.config.enable_traceback_filtering()
    assert shown["other_frames"] > 10
    assert shown["text"] == LAMINA["shapes/add_of_two_widths"]["text"]
