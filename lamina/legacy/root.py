"""Names of `keras` itself that Lamina does not have."""

from __future__ import annotations

from lamina.legacy.paths import VERSION

__version__ = VERSION
__all__ = ["version"]


def version() -> str:
    """The version of Keras whose interface is met."""
    return VERSION
