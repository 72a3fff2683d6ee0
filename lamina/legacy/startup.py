"""The alias at the start of Python: a file in a virtual environment, written only when asked."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

_NAME = "lamina_as_keras.pth"
_MARK = "# written by `lamina alias on`; `lamina alias off` removes it"
# A line that begins with `import` is run by `site`. LAMINA_AS_KERAS says what holds where it is set.
_LINE = (
    "import os, sys; os.environ.get('LAMINA_AS_KERAS', {unset!r}).lower() in ('1', 'on', 'true', 'yes') and "
    "__import__('lamina').install_as_keras()"
)


def change(state: str, *, when_asked: bool = False) -> str:
    """Write or remove the file that installs the alias when Python starts.

    Args:
        state: "on", "off" or "status".
        when_asked: Whether it shall only act in processes with `LAMINA_AS_KERAS=1`.

    Returns:
        A sentence that says what was done.

    Raises:
        RuntimeError: outside a virtual environment, or if a file of that name is not ours.
    """
    path = Path(sysconfig.get_path("purelib")) / _NAME
    if state == "status":
        return f"The alias is {'on' if path.exists() else 'off'} in {sys.prefix}."
    if sys.prefix == sys.base_prefix:
        raise RuntimeError(
            f"{sys.prefix} is not a virtual environment. The alias changes what `import keras` means, so it is only "
            "switched on inside one: `python -m venv .venv`, activate it, and try again."
        )
    if path.exists() and _MARK not in path.read_text():
        raise RuntimeError(f"{path} was not written by `lamina alias on`, so it is left alone.")
    if state == "on":
        path.write_text(f"{_MARK}\n{_LINE.format(unset='0' if when_asked else '1')}\n")
        where = " in processes with LAMINA_AS_KERAS=1" if when_asked else ""
        return f"`import keras` gives Lamina in {sys.prefix} from now on{where}."
    if not path.exists():
        return f"The alias was off in {sys.prefix}."
    path.unlink()
    return f"`import keras` gives the real Keras in {sys.prefix} again, where it is installed."
