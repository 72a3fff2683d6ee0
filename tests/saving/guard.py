"""Watches what loading does to the process: files, sockets, programs, code."""

from __future__ import annotations

import os
import pathlib
import sys
import threading
from contextlib import contextmanager

_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pickle.", "marshal.",
              "ctypes.dlopen", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink",
              "shutil.", "urllib.", "ftplib.", "http.")  # fmt: skip
_active: list[list[str]] = []
_allowed: list[str] = []
_LIBRARIES = tuple({os.path.realpath(p) for p in (*sys.path, sys.prefix, sys.base_prefix) if p})


def _hook(event: str, args: tuple) -> None:
    if not _active:
        return
    if event == "open" and not _is_fine(*args[:2]):
        _active[-1].append(f"open {args[0]!r} {args[1]!r}")
    elif event.startswith(_FORBIDDEN) and not (event == "marshal.loads" and _importing()):
        _active[-1].append(f"{event} {args!r:.200}")


def _importing() -> bool:
    """Whether Python itself reads the bytecode of a module of a library."""
    return "importlib" in sys._getframe(2).f_code.co_filename


def _is_fine(path: object, mode: object) -> bool:
    if isinstance(path, int):
        return True
    real = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
    if real in _allowed:
        return mode in (None, "r", "rb")
    reading = not any(c in str(mode or "r") for c in "wax+")
    return (reading and real.startswith(_LIBRARIES)) or real.endswith(".pyc") or real.startswith("/proc/")


@contextmanager
def watched(*files: object):
    """A block in which nothing may be opened but these files; gives the list of what happened besides."""
    _install()
    _allowed[:] = [os.path.realpath(f) for f in files]  # type: ignore[type-var]
    events: list[str] = []
    _active.append(events)
    try:
        yield events
    finally:
        _active.pop()


def _install(done: list[bool] = []) -> None:  # noqa: B006  # hooks cannot be taken away: one for the process
    if not done:
        sys.addaudithook(_hook)
        done.append(True)


def most_memory(begin: bool = False) -> int:
    """The most bytes of memory that the process had since the last `begin`, as the system counts; 0 where it does not."""
    reset = pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        return 0
    if begin:
        reset.write_text("5")
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


def settings() -> tuple:
    """What loading must leave as it is in the process."""
    import lamina
    from lamina.kernel.context import state

    return (
        ("floatx", lamina.config.floatx()),
        ("epsilon", lamina.config.epsilon()),
        ("image_data_format", lamina.config.image_data_format()),
        ("dtype_policy", lamina.dtype_policies.get(lamina.config.dtype_policy()).name),
        ("backend", lamina.backend.backend()),
        ("folder", os.getcwd()),
        ("environment", tuple(sorted(os.environ.items()))),
        ("recursion", sys.getrecursionlimit()),
        ("path", tuple(sys.path)),
        ("threads", threading.active_count()),
        ("registered", tuple(sorted(map(str, lamina.saving.get_custom_objects())))),
        ("scopes", (len(state.custom_objects), state.names, state.scope is None, state.sharing is None)),
    )
