"""The generated reference has every public name under a heading of its own."""

import importlib.util
import pathlib
import re

import lamina

ROOT = pathlib.Path(__file__).parents[2]
PACKAGE = pathlib.Path(lamina.__file__).parent


def pages():
    spec = importlib.util.spec_from_file_location("lamina_reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def test_every_name_of_every_stub_has_a_heading():
    found = pages()
    heads = {head for text in found.values() for head in re.findall(r"^## (\S+) \{", text, re.MULTILINE)}
    missing = []
    for stub in PACKAGE.rglob("__init__.pyi"):
        space = ".".join(stub.parent.relative_to(PACKAGE.parent).parts)
        for origin, name in re.findall(r"^from (\.\S*) import (\w+) as", stub.read_text(), re.MULTILINE):
            path = f"{space}.{name}"
            if path not in heads and f"reference/{path}.md" not in found and name != "annotations":
                missing.append((path, origin))
    assert missing == []
    assert {
        "lamina.ops.linalg.svd",
        "lamina.applications.resnet.preprocess_input",
        "lamina.config.floatx",
    } <= heads
    assert len(heads) > 1000


def test_what_an_op_takes_is_shown_without_its_kernel_and_an_alias_points_to_its_home():
    found = pages()
    assert "```python\nmatmul(x1, x2)\n```" in found["reference/lamina.ops.md"]
    assert "(lamina.layers.md#lamina.layers.Dense)" not in found["reference/lamina.layers.md"]
    assert (
        "The same as [`lamina.layers.Input`](lamina.layers.md#lamina.layers.Input)."
        in found["reference/lamina.md"]
    )


def test_search_finds_every_public_name_by_itself():
    """The site's search cuts titles into words by this expression, and finds a title by the beginning of a word."""
    separator = re.search(r"separator: '(.*)'", (ROOT / "mkdocs.yml").read_text())[1]
    heads = [h for text in pages().values() for h in re.findall(r"^## (\S+) \{", text, re.MULTILINE)]
    assert [h for h in heads if h.rpartition(".")[2] not in re.split(separator, h)] == []
