"""The closed table of what a file may name: public classes and functions, and what the user registered.

Nothing here imports a module or looks up an attribute by a name that came from a file. The table is made from the
reviewed lists of public names, once, and then only read.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from lamina.kernel.context import state
from lamina.kernel.namespaces import public_in

_CUSTOM: dict[str, Any] = {}
_CUSTOM_NAMES: dict[Any, str] = {}

# The namespaces whose classes may stand in a file, under the name that Keras files give them.
NAMESPACES = (
    "layers", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers",
    "optimizers.schedules", "dtype_policies", "models", "random", "callbacks", "distillation",
)  # fmt: skip
# Classes that few files name, in modules that bring much with them: imported when a file names one. (module as in Keras
# files, class name) -> Lamina's module, whose class has the same name.
SELDOM = {
    ("keras.utils", "FeatureSpace"): "lamina.utils.feature_space",
    ("keras.src.applications.convnext", "LayerScale"): "lamina.applications.convnext",
    ("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"): "lamina.applications.inception_resnet_v2",
} | {
    ("keras.src.layers.preprocessing.feature_space", name): "lamina.layers.preprocessing.features"
    for name in ("Feature", "Cross", "TFDIdentity")
}  # fmt: skip
FUNCTIONS = ("activations", "losses", "metrics", "initializers", "regularizers", "constraints")


@cache
def namespace(space: str) -> Any:
    """A public namespace by its name: what core needs of initializers and their kin, which are built on it."""
    assert space in NAMESPACES or space in FUNCTIONS, space
    return importlib.import_module(f"lamina.{space}")


@lru_cache(maxsize=1)
def table() -> dict[tuple[str, str], Any]:
    """(module as in Keras files, class name) -> class."""
    found: dict[tuple[str, str], Any] = {}
    for space in NAMESPACES:
        module = namespace(space)  # from the list above, never from a file
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type) and hasattr(thing, "from_config"):
                found[f"keras.{space}", name] = thing
    for name in ("Functional", "Sequential", "Model", "DTypePolicy", "Variable"):
        for (_, other), thing in list(found.items()):
            if name == other:
                found.setdefault(("keras", name), thing)
    found["keras.src.models.functional", "Functional"] = found["keras.models", "Functional"]
    found["keras", "Sequential"] = found["keras.models", "Sequential"]
    return found


@lru_cache(maxsize=1)
def _homes() -> dict[type, tuple[str, str]]:
    homes: dict[type, tuple[str, str]] = {}
    for (module, name), thing in table().items():
        if name == thing.__name__ or thing not in homes:
            # the public name where the class's own is none (GroupQueryAttention)
            homes.setdefault(thing, (module, thing.__name__ if (module, thing.__name__) in table() else name))
    for module, name in (
        ("keras", "DTypePolicy"),
        ("keras", "Sequential"),
        ("keras", "Model"),
        ("keras.src.models.functional", "Functional"),
    ):
        homes[table()[module, name]] = (module, name)
    return homes


@lru_cache(maxsize=1)
def functions() -> dict[tuple[str, str], Any]:
    """(namespace, name) -> function that a file may name."""
    found: dict[tuple[str, str], Any] = {}
    for space in FUNCTIONS:
        module = namespace(space)
        for name in module.__all__:
            thing = getattr(module, name)
            if (
                callable(thing)
                and not isinstance(thing, type)
                and name not in ("get", "serialize", "deserialize")
            ):
                found[f"keras.{space}", name] = thing
    return found


def home(cls: type) -> tuple[str, str] | None:
    """The module and class name under which files name a public class; None for others."""
    found = _homes().get(cls)
    if found is None:
        seldom = ((entry, sys.modules.get(module)) for entry, module in SELDOM.items())
        found = next((entry for entry, module in seldom if getattr(module, entry[1], None) is cls), None)
    return found


def find_class(module: str | None, name: str, registered: str | None, custom: dict[str, Any]) -> Any:
    """The class a file names, or None. The caller's own objects come first, then registered ones."""
    for key in (registered, name):
        for source in (custom, *reversed(state.custom_objects), _CUSTOM):
            if key is not None and key in source:
                return source[key]
    found = table().get((module or "", name))
    if found is None and (place := SELDOM.get((module or "", name))) is not None:
        return getattr(importlib.import_module(place), name)  # both are from the list above
    if found is None and module and module.startswith("keras."):
        space = {"src": 2}.get(module.split(".")[1], 1)
        parts = module.split(".")
        if len(parts) > space:  # "keras.src.layers.core.dense" and the like
            found = table().get((f"keras.{parts[space]}", name))
    return found


def known_names() -> list[str]:
    """All class names that a file may use."""
    return sorted({name for _, name in (*table(), *SELDOM)} | set(_CUSTOM))


# -- what users add ----------------------------------------------------------------------------------------------------


@public_in("lamina.saving")
def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """A decorator that puts a class or function into the table of what files may name.

    Args:
        package: The first part of the registered name.
        name: The second part; by default the object's own name.

    Returns:
        The decorator.

    Raises:
        ValueError: if a class has no `get_config`.

    Example:
        >>> import lamina
        >>> @lamina.saving.register_keras_serializable("shop")
        ... class Scale(lamina.layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> lamina.saving.get_registered_name(Scale)
        'shop>Scale'
    """

    def decorate(thing: Any) -> Any:
        registered = f"{package}>{name or thing.__name__}"
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"Cannot register class {thing.__name__}: it has no `get_config` method.")
        _CUSTOM[registered] = thing
        _CUSTOM_NAMES[thing] = registered
        return thing

    return decorate


@public_in("lamina.saving")
def get_registered_name(obj: Any) -> str:
    """The registered name of a class or function, or its own name.

    Args:
        obj: The class or function.

    Returns:
        Such as "package>Name".

    Example:
        >>> import lamina
        >>> lamina.saving.get_registered_name(lamina.layers.Dense)
        'Dense'
    """
    return _CUSTOM_NAMES.get(obj) or obj.__name__


@public_in("lamina.saving")
def get_registered_object(name: str, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """What is registered under `name`: in the open scopes, the registry, the given tables; None if nothing is.

    Args:
        name: The name, with its package: "package>Name".
        custom_objects, module_objects: Name -> class or function: further tables to look in.

    Returns:
        The class or function, or None.

    Example:
        >>> import lamina
        >>> lamina.saving.get_registered_object("mine>Part", {"mine>Part": int})
        <class 'int'>
    """
    for source in (*reversed(state.custom_objects), _CUSTOM, custom_objects or {}, module_objects or {}):
        if name in source:
            return source[name]
    return None


@public_in("lamina.saving")
def get_custom_objects() -> dict[str, Any]:
    """The global table of registered objects; changing it changes the registry.

    Returns:
        Name -> class or function.

    Example:
        >>> import lamina
        >>> isinstance(lamina.saving.get_custom_objects(), dict)
        True
    """
    return _CUSTOM


@public_in("lamina.saving")
class CustomObjectScope:
    """A block in which files and identifiers may name these objects, too, in this thread.

    Args:
        custom_objects: Name -> class or function.

    Example:
        >>> import lamina
        >>> with lamina.saving.CustomObjectScope({"twice": lambda x: 2 * x}):
        ...     layer = lamina.layers.Activation("twice")
    """

    def __init__(self, custom_objects: dict[str, Any]) -> None:
        self.custom_objects = (
            {} if custom_objects is None else custom_objects
        )  # not a copy: it may grow inside

    def __enter__(self) -> CustomObjectScope:
        state.custom_objects = (*state.custom_objects, self.custom_objects)
        return self

    def __exit__(self, *_: Any) -> None:
        state.custom_objects = state.custom_objects[:-1]


@contextmanager
def custom_objects(objects: dict[str, Any] | None) -> Iterator[None]:
    """The caller's objects for one call."""
    with CustomObjectScope({} if objects is None else objects):
        yield
