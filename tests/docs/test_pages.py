"""Every Python block of every page of the documentation runs, in order, in one namespace for each page."""

import pathlib
import re

import pytest

import lamina
from lamina import backends

ROOT = pathlib.Path(__file__).parents[2]
# pages whose blocks another test runs: as parts of one program, under the alias of Keras, or on eight devices
ELSEWHERE = {"backends.md", "distribution.md", "legacy.md", "seeds.md"}
# what needs the network, and what stands for it here
REPLACED = {"transfer_learning.md": ('WEIGHTS = "imagenet"', "WEIGHTS = None")}


def blocks(page: pathlib.Path) -> list[tuple[int, str]]:
    """(line, code) of the Python blocks of a page."""
    text = page.read_text()
    found = re.finditer(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


PAGES = {
    page.name: page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if page.name not in ELSEWHERE and blocks(page)
}


def run(page: pathlib.Path) -> dict:
    """Run a page; errors name its lines."""
    names: dict = {"__name__": page.stem}
    for line, code in blocks(page):
        if page.name in REPLACED:
            code = code.replace(*REPLACED[page.name])
        exec(compile("\n" * line + code, str(page), "exec"), names)
    return names


# torch starts an operation at once; jax compiles each step
@pytest.mark.parametrize("backend", ["torch", pytest.param("jax", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", PAGES)
def test_page_runs(name, backend, tmp_path, monkeypatch):
    if backend not in backends.installed():
        pytest.skip(f"{backend} is not installed")
    monkeypatch.chdir(tmp_path)
    lamina.utils.set_random_seed(0)
    with lamina.backend(backend):
        names = run(PAGES[name])
    assert len(names) > 2


def test_there_is_a_page_for_each_concept():
    site = (ROOT / "mkdocs.yml").read_text()
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if page.name not in site]
    assert missing == []
    for page in PAGES.values():
        for target in re.findall(r"\]\((\w[\w./-]*\.md)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_pictures_of_pages_are_there_and_used():
    shown = {
        target
        for page in (ROOT / "docs").glob("*.md")
        for target in re.findall(r"\]\((images/[\w./-]+)\)", page.read_text())
    }
    assert shown == {
        f"images/{p.name}" for p in (ROOT / "docs" / "images").iterdir() if p.suffix in (".svg", ".png")
    }


def test_an_error_in_a_page_names_its_line(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("text\n\n```python\nx = 1\nraise KeyError(x)\n```\n")
    with pytest.raises(KeyError) as caught:
        run(page)
    assert caught.traceback[-1].lineno == 4
