"""Every public object has a docstring in the fixed order, and the examples in it run and give what they say."""

import doctest
import importlib
import inspect
import pathlib
import re
import warnings

import numpy as np
import pytest

import lamina
from lamina import backends

PACKAGE = pathlib.Path(lamina.__file__).parent


def public():
    """Public objects by id, each under the first name it is listed with."""
    found = {}
    for stub in sorted(PACKAGE.rglob("__init__.pyi"), key=lambda p: len(p.parts)):
        space = ".".join(stub.parent.relative_to(PACKAGE.parent).parts)
        module = importlib.import_module(space)
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                found.setdefault(id(thing), (f"{space}.{name}", thing))
    return [pair for pair in found.values() if pair[1].__module__.startswith("lamina")]


PUBLIC = public()


def test_every_public_object_has_a_docstring():
    missing = [name for name, thing in PUBLIC if not (thing.__doc__ or "").strip()]
    assert missing == []


ORDER = ("Args", "Returns", "Yields", "Raises", "Attributes", "Example", "Reference")
HEADING = re.compile(r"^(\w+):$", re.MULTILINE)
# "name: what is missing; what else", a line each; a line that is no longer true fails the test, so that the list only shrinks
EXCEPTIONS = pathlib.Path(__file__).parent / "docstring_exceptions.txt"
WITH_FORMULA = re.compile(
    r"lamina\.(losses|metrics)\.|lamina\.layers\.(.*Normalization|.*(LSTM|GRU|SimpleRNN)\w*)$"
)
WITHOUT_FORMULA = {"get", "serialize", "deserialize", "Loss", "Metric"}


def faults(name, thing):
    """What the docstring of an object lacks."""
    text = inspect.getdoc(thing) or ""
    headings = HEADING.findall(text)
    lead = HEADING.split(text)[0].rstrip()
    found = []
    if headings != sorted(set(headings), key=lambda h: ORDER.index(h) if h in ORDER else 99):
        found.append("order")
    found += [f"section {h}" for h in headings if h not in ORDER]
    if "\n" in lead.split("\n\n")[0] or not lead.split("\n")[0].endswith((".", "`", ":")):
        found.append("one line")
    if "Example" not in headings or ">>>" not in text:
        found.append("Example")
    if inspect.isfunction(thing) and "Returns" not in headings and "Yields" not in headings:
        gives = inspect.signature(thing).return_annotation
        found += ["Returns"] if gives not in (None, "None") else []
    found += [f"Args {missing}" for missing in undescribed(thing, text)]
    if WITH_FORMULA.match(name) and name.rpartition(".")[2] not in WITHOUT_FORMULA:
        if not re.search(r"`[^`]*[-=+/*|<(][^`]*`|\$\$", lead):
            found.append("formula")
    return found


def undescribed(thing, text):
    """Parameters that Args does not name; where it ends in `**options`, it names those that the class adds."""
    if inspect.isclass(thing) and thing.__init__ is object.__init__:
        return []
    args = HEADING.split(text)
    args = args[args.index("Args") + 1] if "Args" in args else ""
    named = re.findall(
        r"\*{0,2}(\w+)", " ".join(re.findall(r"^    (?! )((?:[^:\n]|\n(?!    \w))*):", args, re.MULTILINE))
    )
    own = [
        p.name
        for p in inspect.signature(thing).parameters.values()
        if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]
    if "**options: See `Optimizer`." in args:
        own = [name for name in own if name not in inspect.signature(lamina.optimizers.Optimizer).parameters]
    return [name for name in own if name not in named]


def test_docstrings_keep_the_fixed_order():
    lacking = {name: faults(name, thing) for name, thing in PUBLIC}
    found = {f"{name}: {'; '.join(lacks)}" for name, lacks in lacking.items() if lacks}
    known = {line for line in EXCEPTIONS.read_text().splitlines() if line and line[0] != "#"}
    new, healed = sorted(found - known), sorted(known - found)
    assert not new, "Docstrings lack something:\n" + "\n".join(new)
    assert not healed, f"These are well now; take them out of {EXCEPTIONS.name}:\n" + "\n".join(healed)


def test_a_docstring_out_of_order_is_found():
    def bad(x, y):
        """Two lines
        at the beginning.

        Example:
            >>> 1
            1

        Args:
            x: A number.

        Note:
            A section of its own.
        """

    assert faults("bad", bad) == ["order", "section Note", "one line", "Returns", "Args y"]


def examples(thing):
    """The doctest of an object's own docstring, and of its methods."""
    texts = [(thing.__name__, thing.__doc__)]
    if inspect.isclass(thing):
        own = [
            m for m in vars(thing).values() if inspect.isfunction(m) or isinstance(m, classmethod | property)
        ]
        texts += [(getattr(m, "__name__", "property"), m.__doc__) for m in own if m.__doc__]
    parser = doctest.DocTestParser()
    return [parser.get_doctest(text, {}, name, None, 0) for name, text in texts if text and ">>>" in text]


class Checker(doctest.OutputChecker):
    """A shape is a tuple on every backend; torch only shows it in its own way."""

    def check_output(self, want, got, optionflags):
        got = re.sub(r"torch\.Size\(\[(\d+)\]\)", r"(\1,)", got)
        return super().check_output(want, re.sub(r"torch\.Size\(\[(.*?)\]\)", r"(\1)", got), optionflags)


# torch starts an operation at once, jax compiles each of a thousand
@pytest.mark.parametrize("backend", ["torch", pytest.param("jax", marks=pytest.mark.slow)])
@pytest.mark.parametrize("space", sorted({name.rpartition(".")[0] for name, _ in PUBLIC}))
def test_examples_run(space, backend, tmp_path, monkeypatch):
    if backend not in backends.installed():
        pytest.skip(f"{backend} is not installed")
    monkeypatch.chdir(tmp_path)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    runner = doctest.DocTestRunner(Checker(), optionflags=flags, verbose=False)
    failures = []
    for name, thing in PUBLIC:
        if name.rpartition(".")[0] != space or (backend, name) == ("torch", "lamina.jit"):
            continue  # torch would call a C++ compiler for it
        for test in examples(thing):
            test.globs.update(lamina=lamina, np=np)
            said = []
            lamina.utils.set_random_seed(0)
            with warnings.catch_warnings(), lamina.backend(backend):
                warnings.simplefilter("error")
                warnings.filterwarnings("ignore", category=DeprecationWarning, module="torch")  # about itself
                failed, _ = runner.run(test, out=said.append, clear_globs=True)
            if failed:
                failures.append(f"{name}:\n{''.join(said)}")
    assert not failures, "\n\n".join(failures)
