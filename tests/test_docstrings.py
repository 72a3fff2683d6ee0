"""Every public object has a docstring, and the examples in the docstrings run and give what they say."""

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
