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
    import lamina

    return lamina.__version__
