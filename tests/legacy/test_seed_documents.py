"""The code blocks of docs/seeds.md run as they stand, one after the other, on every backend that trains."""

import importlib.util
import pathlib
import re
import warnings

import pytest

import lamina

PAGE = pathlib.Path(__file__).parents[2] / "docs/seeds.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run_all():
    names = {"__name__": "__main__"}
    for number, block in enumerate(BLOCKS, 1):
        try:
            exec(compile(block, f"docs/seeds.md block {number}", "exec"), names)
        except Exception as error:
            error.add_note(f"in block {number} of docs/seeds.md:\n{block}")
            raise


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_the_page_runs(backend):
    assert len(BLOCKS) > 10
    lamina.install_as_keras()
    try:
        with lamina.backend(backend), warnings.catch_warnings():
            warnings.simplefilter("ignore", lamina.legacy.spellings.OldSpelling)
            run_all()
    finally:
        lamina.uninstall_as_keras()


def test_files_that_the_page_names_exist():
    root = PAGE.parents[1]
    named = set(re.findall(r"`((?:lamina|tests)/[\w/]+(?:\.\w+)?/?)`", PAGE.read_text()))
    assert len(named) > 4
    assert [n for n in named if not (root / n).exists()] == []


def test_the_lines_that_the_page_names():
    """Each symbol is defined in the file that the page names, and within sight of the line (`python docs/seeds.py`)."""
    spec = importlib.util.spec_from_file_location("lines_of_seeds", PAGE.with_suffix(".py"))
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    page = PAGE.read_text()
    places = maker.PLACE.findall(page)
    assert len(places) > 70
    today = maker.PLACE.findall(maker.written(page))  # a KeyError for a symbol that has moved elsewhere
    far = [(old, new) for old, new in zip(places, today) if abs(int(old[2]) - int(new[2])) > 25]
    assert far == [], "python docs/seeds.py writes the lines anew"
    with pytest.raises(KeyError, match=r"does not define Dense\.nowhere"):
        maker.written("`Dense.nowhere` (`lamina/layers/dense.py:1`)")
