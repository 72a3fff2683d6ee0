"""Operations on tensors: the public functions, written once for every backend.

The names are listed in `__init__.pyi`; each is imported from its theme when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)


def load_all() -> None:
    """Import every theme, so that all operations are known by their class names (what reading a file needs)."""
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        parts = path.relative_to(Path(__file__).parent).with_suffix("").parts
        import_module(".".join((__name__, *(p for p in parts if p != "__init__"))))
