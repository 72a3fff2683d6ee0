"""The version."""

from __future__ import annotations


def version() -> str:
    """The version of Lamina.

    Returns:
        Numbers with points between them.

    Example:
        >>> import lamina
        >>> lamina.version() == lamina.__version__
        True
    """
    from importlib import import_module

    return import_module("lamina").__version__  # the package imports this module, not the other way round
