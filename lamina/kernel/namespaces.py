"""Public namespaces: their names are loaded when they are first used, and a misspelt one is told with the nearest.

What a namespace lists is known by its public path, `lamina.layers.Dense`, wherever its file lies and however it was
imported: so pickles outlive a file that moves.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import lazy_loader

from lamina.errors import suggestion
from lamina.kernel.tracebacks import folds_frames

T = TypeVar("T")

# Public names of Keras that are not there yet: asking for one is no misspelling.
NOT_YET: dict[str, tuple[str, ...]] = {"lamina": ("Quantizer", "export", "quantizers")}
# module -> a name that it defines for a namespace around it -> that namespace
_listed: dict[str, dict[str, str]] = {}


def attach(space: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a namespace whose names are listed in the stub beside its file.

    Args:
        space: The namespace's `__name__`.
        file: Its `__file__`.
    """
    inner, modules = _read(file.removesuffix("c") + "i")
    for module, defined in modules.items():
        if module not in inner:  # the names of `lamina.applications.resnet` are public there
            _listed.setdefault(f"{space}.{module}", {}).update(dict.fromkeys(defined, space))
    get, listed, names = lazy_loader.attach(space, inner, modules)
    _watch(sys.modules[space])

    @folds_frames
    def find(name: str) -> Any:
        try:
            return get(name)
        except AttributeError:
            if name in names or name.startswith("__"):  # it is there, and loading it failed
                raise
            raise no_such_name(space, name, names) from None

    return find, listed, names


def _read(stub: str) -> tuple[set[str], dict[str, list[str]]]:
    """What a stub lists: namespaces (`from . import layers as layers`), and names by module (`from .dense import Dense`)."""
    inner: set[str] = set()
    modules: dict[str, list[str]] = {}
    with open(stub, encoding="utf-8") as file:  # pathlib would be a sixth of what `import lamina` imports
        parsed = ast.parse(file.read())
    for node in parsed.body:
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            inner.update(names if node.module is None else ())
            if node.module is not None:
                modules.setdefault(node.module, []).extend(names)
    return inner, modules


class Package(ModuleType):
    """A package of Lamina, which is told of each of its modules: importing one ends with binding it to its package."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}":
            _make_public(value)
            if hasattr(value, "__path__"):
                _watch(value)
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """By name, as cloudpickle takes plain modules: a user's function may mention `ops`."""
        return import_module, (self.__name__,)


def _watch(package: ModuleType) -> None:
    """Give a package the class `Package`, above what `lazy_loader` gave it (it guards names that are also files')."""
    kind = type(package)
    if not issubclass(kind, Package):
        package.__class__ = Package if kind is ModuleType else type("Package", (Package, kind), {})


def _make_public(module: ModuleType) -> None:
    """What a module defines for a namespace says that it stands there."""
    for name, space in _listed.get(module.__name__, {}).items():
        thing = vars(module).get(name)
        here = (module.__name__, name)
        if isinstance(thing, type | FunctionType) and (thing.__module__, thing.__qualname__) == here:
            thing.__module__ = space


def public_in(space: str) -> Callable[[T], T]:
    """A decorator for what a namespace lists that is not around the file, as `lamina.random` is not around `core`.

    Args:
        space: The namespace.
    """

    def mark(thing: T) -> T:
        thing.__module__ = space
        return thing

    return mark


def is_ours(thing: Any) -> bool:
    """Whether a class, a function or the class of an object is Lamina's."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "lamina"


def no_such_name(space: str, name: str, names: list[str]) -> AttributeError:
    """The error for a name that a namespace lacks: "not yet" for a name of Keras, the nearest known name for others."""
    if name in NOT_YET.get(space, ()):
        text = f"{space}.{name} is not there yet. docs/status.md says what is."
    else:
        text = f"{space} has no {name!r}.{suggestion(name, names)}"
    return AttributeError(text)
