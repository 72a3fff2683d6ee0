"""The alias: while it is installed, `import keras` and its relatives give Lamina."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lamina.backends import process
from lamina.legacy import paths

_lock = threading.RLock()
_finder: Finder | None = None
_real: dict[
    str, ModuleType
] = {}  # the modules of the real Keras, as far as it is loaded, while the alias stands


class AliasModule(ModuleType):
    """A module of Keras by name, whose attributes are looked up in modules of Lamina."""

    def __init__(self, name: str, place: str, sources: Sequence[str]) -> None:
        super().__init__(name, f"`{name}`, for which Lamina stands in.")
        import lamina

        self.__dict__.update(_place=place, _sources=tuple(sources), __path__=[], __file__=lamina.__file__)
        if not place:
            self.__dict__["__version__"] = paths.VERSION

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self._names()
        if not (name.startswith("__") and name.endswith("__")):
            below = f"{self._place}.{name}".lstrip(".")
            if paths.sources(below):
                return importlib.import_module(f"{self.__name__}.{name}")
            for source in self._sources:
                try:
                    found = getattr(paths.load(source), name)
                except AttributeError:
                    continue
                if not isinstance(found, ModuleType) or not found.__name__.startswith("lamina."):
                    self.__dict__[name] = found
                return found
        raise AttributeError(
            f"module {self.__name__!r} has no attribute {name!r}: Lamina stands in for Keras here, and has no such "
            "name there."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """`keras.backend` is a module and, as Lamina's own is, a scope; `keras.layers.merge` was a function, too."""
        name = self._place.rpartition(".")[2]
        for source in self._sources:
            if callable(found := getattr(paths.load(source), name, None)):
                return found(*args, **kwargs)
            if callable(module := paths.load(source)):
                return module(*args, **kwargs)
        raise TypeError(f"module {self.__name__!r} is not callable.")

    def _names(self) -> list[str]:
        found = {n for s in self._sources for n in getattr(paths.load(s), "__all__", ())}
        return sorted(n for n in found if not n.startswith("_"))

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *self._names()})


class Absent(ModuleType):
    """`tensorflow` where it is not installed: it has `keras` and nothing else."""

    def __getattr__(self, name: str) -> Any:
        if name == "keras":
            return importlib.import_module("tensorflow.keras")
        if name.startswith("__"):
            raise AttributeError(name)
        raise ImportError(
            f"`tensorflow.{name}` needs TensorFlow, which is not installed (`pip install tensorflow-cpu`); Lamina "
            "stands in for `tensorflow.keras` alone."
        )


class Finder(MetaPathFinder, Loader):
    """Finds the modules of Keras by their names of all ages."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = paths.place(fullname)
        if place is not None:
            return ModuleSpec(fullname, self, is_package=True) if paths.sources(place) else None
        if fullname == "tensorflow" and not _on_disk("tensorflow"):
            return ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        place = paths.place(spec.name)
        if place is None:
            return Absent(spec.name)
        one_name = f"keras.{place}".rstrip(".")
        if spec.name != one_name:  # `tensorflow.keras.layers` is `keras.layers`, the same object
            return importlib.import_module(one_name)
        return AliasModule(spec.name, place, paths.sources(place))

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do: attributes are found when they are asked for."""


def install_as_keras() -> None:
    """From here on `import keras` gives Lamina, in this process, also as `tensorflow.keras` and `tf_keras`.

    Paths of all versions are found (`keras.engine.topology`, `keras.layers.core`, `keras.src...`), and old spellings
    of arguments are taken, with one warning each that shows the new one. Call it before anything imports Keras.

    Example:
        >>> import lamina
        >>> lamina.install_as_keras()
        >>> from keras.layers import Dense
        >>> Dense is lamina.layers.Dense
        True
        >>> lamina.uninstall_as_keras()
    """
    from lamina.legacy import spellings

    global _finder
    with _lock:
        if _finder is not None or not process.allows("LAMINA_AS_KERAS"):
            return
        _finder = Finder()
        _real.update(process.take_modules(paths.is_keras))
        process.add_finder(_finder)
        spellings.accept()


def uninstall_as_keras() -> None:
    """`import keras` gives the real Keras again, if it is installed; what was imported before stays as it is.

    Example:
        >>> import lamina
        >>> lamina.uninstall_as_keras()
    """
    from lamina.legacy import spellings

    global _finder
    with _lock:
        if _finder is None:
            return
        process.remove_finder(_finder)
        _finder = None
        process.take_modules(paths.is_keras)
        process.put_modules(_real)
        _real.clear()
        spellings.refuse()


def is_installed() -> bool:
    """Whether `import keras` gives Lamina in this process."""
    return _finder is not None


@contextlib.contextmanager
def real_keras() -> Iterator[Any]:
    """Inside, `import keras` is the real Keras, for all threads, also while the alias is installed.

    Its functions may import more of it when they are called: use it inside the block.

    Yields:
        The real package.

    Raises:
        ImportError: if it is not installed.
    """
    with _lock:
        if _finder is None:
            yield importlib.import_module("keras")
            return
        ours = process.take_modules(paths.is_keras)
        process.remove_finder(_finder)
        process.put_modules(_real)
        try:
            yield importlib.import_module("keras")
        finally:
            _real.update(process.take_modules(paths.is_keras))
            process.put_modules(ours)
            process.add_finder(_finder)


def _on_disk(name: str) -> bool:
    from importlib.machinery import PathFinder

    return PathFinder.find_spec(name) is not None
