"""Every public class and function is known by its public path, wherever its file lies and however it was imported."""

import importlib
import inspect
import os
import pathlib
import pickle
import subprocess
import sys
import types

import lamina

ROOT = pathlib.Path(__file__).parents[1]


def spaces():
    """The public namespaces by name."""
    found, waiting = {}, [lamina]
    while waiting:
        space = waiting.pop()
        found[space.__name__] = space
        listed = [getattr(space, name) for name in getattr(space, "__all__", ())]
        waiting += [x for x in listed if isinstance(x, types.ModuleType) and x.__name__.startswith("lamina.")]
    return found


def things(space):
    """The classes and functions of a namespace; one without a list has those that it defines."""
    names = getattr(space, "__all__", None) or [
        name for name, thing in vars(space).items() if getattr(thing, "__module__", "") == space.__name__
    ]
    listed = [(f"{space.__name__}.{name}", getattr(space, name)) for name in names]
    return [(path, x) for path, x in listed if inspect.isclass(x) or inspect.isfunction(x)]


def test_every_public_thing_says_where_it_is_public():
    found = spaces()
    known = {id(thing): (path, thing) for space in found.values() for path, thing in things(space)}
    assert len(known) > 1100
    wrong = [
        (listed, f"{thing.__module__}.{thing.__qualname__}")
        for listed, thing in known.values()
        if thing.__module__ not in found
        or getattr(found[thing.__module__], thing.__qualname__, None) is not thing
        or pickle.loads(pickle.dumps(thing)) is not thing
    ]
    assert wrong == []


FILES = {
    "layers.dense.Dense": "lamina.layers",
    "layers.recurrent.lstm.LSTM": "lamina.layers",
    "ops.nn.activations.relu": "lamina.ops.nn",
    "activations.functions.silu": "lamina.ops.nn",
    "core.layer.Layer": "lamina",
    "core.seeds.SeedGenerator": "lamina.random",
    "applications.resnet.ResNet50": "lamina.applications.resnet",
}


def test_however_it_is_imported():
    """From the files alone, in a process that has asked no namespace for them."""
    split = [path.rpartition(".") for path in FILES]
    code = "".join(f"from lamina.{file} import {name}\nprint({name}.__module__)\n" for file, _, name in split)
    known = {**os.environ, "PYTHONPATH": str(ROOT), "LAMINA_BACKEND": "numpy"}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=known)
    assert found.stdout.split() == list(FILES.values()), found.stderr


def test_what_is_not_public_keeps_the_path_of_its_file():
    module = importlib.import_module("lamina.layers.multi_head_attention")
    assert module._Heads.__module__ == module.__name__
    assert importlib.import_module("lamina.backends.numpy").__name__ == "lamina.backends.numpy"


def test_a_module_of_lamina_is_pickled_by_its_name():
    for module in (lamina.layers, lamina.ops, lamina.backend, lamina.core):
        assert pickle.loads(pickle.dumps(module)) is module


def test_the_source_of_a_method_is_found():
    """That of the class is not: Python looks for it in the file of the module that a class names."""
    assert "self.units" in inspect.getsource(lamina.layers.Dense.build)
    assert lamina.layers.Dense.call.__module__ == "lamina.layers.dense"
