"""What training and saving say to the group of processes that they run in, and ask it."""

from __future__ import annotations

import secrets
import struct
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from socket import inet_aton, inet_ntoa
from typing import Any

import numpy as np

from lamina.backends import process
from lamina.distribution.links import listen, own_address
from lamina.distribution.watch import Watch
from lamina.errors import ProcessError
from lamina.kernel.context import distribution_in_force, processes, real_kernel

PATIENCE = 12.0  # seconds to find out which process a collective failed for: a machine that vanished takes 10
_watch: Watch | None = None


def watching() -> Watch | None:
    """The watch of this process; None where it is alone, or nobody watches."""
    return _watch


def shared() -> bool:
    """Whether what the distribution in force computes is computed by several processes together."""
    distribution = distribution_in_force()
    return distribution is not None and processes()[1] > 1 and distribution._spans_processes


def rank() -> int:
    """The number of this process."""
    return processes()[0]


def say(text: str) -> None:
    """Tell the user, where errors are told."""
    print(f"lamina: {text}", file=sys.stderr, flush=True)


def turn(doing: str, count: int = 1) -> None:
    """This process begins so many pieces of work that all processes do together.

    Raises:
        ProcessError: if one of them has ended.
    """
    if _watch is not None:
        if _watch.verdict is not None:
            raise ProcessError(f"{_watch.verdict}.")
        _watch.turn(doing, count)


def gather(name: str, text: str) -> list[str]:
    """What each process says at a place that all of them come to.

    Raises:
        ProcessError: if one of them has ended.
    """
    if _watch is not None:
        found = _watch.gather(name, text)
        if found is None:
            raise ProcessError(f"{_watch.verdict}.")
        return found
    with together():
        return _collected(text)


def meet(name: str) -> None:
    """Wait until every process has come to this place.

    Raises:
        ProcessError: if one of them has ended.
    """
    if processes()[1] > 1:
        gather(name, "")


def _collected(text: str) -> list[str]:
    """By the framework alone, which takes arrays of one shape."""
    collect, data = real_kernel().spread.collect, np.frombuffer(text.encode(), np.uint8)
    sizes = collect(np.asarray(len(data), np.int32)).tolist()
    room = np.zeros(-(-max(sizes) // 256) * 256, np.uint8)  # few shapes, since each may be compiled
    room[: len(data)] = data
    return [row[:n].tobytes().decode() for row, n in zip(collect(room), sizes, strict=True)]


@contextmanager
def together() -> Iterator[None]:
    """Inside, all processes work together: what a framework raises because another one has ended is said in words.

    Raises:
        ProcessError: if another process has ended.
    """
    try:
        yield
    except ProcessError:
        raise
    except Exception as error:
        found = _explained(error)
        if found is None:
            raise
        raise found from error


def _explained(error: Exception) -> ProcessError | None:
    if processes()[1] == 1:
        return None
    broken = real_kernel().spread.broken(error)
    if _watch is not None:
        # an error in other words may follow from the end of a process, too, of which the watch hears in a moment
        verdict = _watch.wait_for_verdict(PATIENCE if broken else 1.0)
        if verdict is not None:
            return ProcessError(f"{verdict}.")
    if not broken:
        return None
    first = str(error).strip().split("\n", 1)[0][:300]
    return ProcessError(f"Another process does not answer any more: it was killed, or it crashed ({first}).")


# -- the beginning -------------------------------------------------------------------------------------------------------


def open_watch(spread: Any, address: str | None) -> None:
    """Let the processes of a group watch each other. Every process comes here, whether it wants that or not.

    Args:
        spread: What the backend has of several processes.
        address: Where they met, "host:port"; None where the framework found out.
    """
    global _watch
    rank, count = spread.processes()
    wanted = process.allows("LAMINA_WATCH_PROCESSES")
    host = None if address is None else address.rsplit(":", 1)[0].strip("[]")
    server = listen(host) if wanted and rank == 0 else None
    with server or nullcontext():
        notes = _exchange(spread, _Note(wanted, 0 if server is None else server.getsockname()[1]))
        if not all(note.wanted for note in notes):
            return
        first = notes[0]
        watch = Watch(rank, count, first.token)
        if server is None:
            watch.reach(host or first.address, first.port)
        else:
            watch.accept(server, PATIENCE)
    # the exchange is the same as before, so that nothing has to be compiled for it
    absent = [str(i) for i, note in enumerate(_exchange(spread, _Note(watch.linked, 0))) if not note.wanted]
    if absent:
        watch.close()
        if rank == 0:
            warnings.warn(
                f"The processes of this run cannot watch each other: there is no connection to process {', '.join(absent)}, "
                "so the others may wait for one that ended. LAMINA_WATCH_PROCESSES=0 switches the watch off.",
                stacklevel=3,
            )
        return
    _watch = watch
    watch.start()


class _Note:
    """What each process tells the others before there is a watch, in 32 bytes."""

    def __init__(self, wanted: bool, port: int, token: str = "", address: str = "") -> None:
        self.wanted, self.port = wanted, port
        self.token, self.address = token or secrets.token_hex(8), address or own_address()

    def packed(self) -> np.ndarray:
        data = struct.pack(
            "!?H8s4s", self.wanted, self.port, bytes.fromhex(self.token), inet_aton(self.address)
        )
        return np.frombuffer(data.ljust(32, b"\0"), np.uint8)

    @classmethod
    def unpacked(cls, row: np.ndarray) -> _Note:
        wanted, port, token, address = struct.unpack_from("!?H8s4s", row.tobytes())
        return cls(wanted, port, token.hex(), inet_ntoa(address))


def _exchange(spread: Any, note: _Note) -> list[_Note]:
    return [_Note.unpacked(row) for row in spread.collect(note.packed())]
