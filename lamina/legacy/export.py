"""The export decorator: for packages built on Lamina."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.core.registry import register_keras_serializable

_EXPORTS: dict[str, Any] = {}


class lamina_export:
    """Give a class or function of a package its public path, and the name under which files know it.

    The path by which users import it, and which stays when the file moves, is independent of where the code lies.

    Args:
        path: "mypackage.MyLayer", or several; the first is the one that is shown.

    Raises:
        ValueError: if a path has no package in front, or is taken.

    Example:
        >>> import lamina
        >>> @lamina.lamina_export("shop.layers.Double")
        ... class Double(lamina.layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> Double.__module__, lamina.saving.get_registered_name(Double)
        ('shop.layers', 'shop>Double')
        >>> lamina.lamina_export.find("shop.layers.Double") is Double
        True
    """

    def __init__(self, path: str | Sequence[str]) -> None:
        self.paths = (path,) if isinstance(path, str) else tuple(path)
        for one in self.paths:
            if "." not in one.strip("."):
                raise ValueError(
                    f"lamina_export: {one!r} has no package in front, as in 'mypackage.MyLayer'."
                )

    def __call__(self, thing: Any) -> Any:
        for path in self.paths:
            known = _EXPORTS.get(path)
            if known is not None and _origin(known) != _origin(thing):
                raise ValueError(f"lamina_export: {path!r} is taken by {known!r}.")
        origin = _origin(thing)
        module, _, name = self.paths[0].rpartition(".")
        register_keras_serializable(module.split(".")[0], name)(thing)
        thing._lamina_origin, thing.__module__ = origin, module
        for path in self.paths:
            _EXPORTS[path] = thing
        return thing

    @staticmethod
    def find(path: str) -> Any:
        """The object of a public path; None if there is none."""
        return _EXPORTS.get(path)


def _origin(thing: Any) -> tuple[str, str]:
    return vars(thing).get("_lamina_origin") or (thing.__module__, thing.__qualname__)


def keras_export(path: str | Sequence[str]) -> Callable[[Any], Any]:
    """The decorator of Keras under its own name: the paths of its namespaces are Lamina's already."""
    return lambda thing: thing
