"""The processes of a group watch each other, so that the end of one is the end of all, and is said in words.

Nobody can wait for a process that has ended: not in a collective of a framework, which may not return. So each process
has a thread with a connection to the first one. A connection ends with its process. Beside that the thread says every few
seconds where its process stands, as a number of *turns*: pieces of work that all processes do together, steps for the most
part, which every process counts alike. A process that waits outside of such work (or has left) while another has begun a
turn that it never came to leaves that one waiting for ever, so this too is an end.
"""

from __future__ import annotations

import math
import os
import selectors
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from lamina.backends import process
from lamina.distribution.links import Link, Message, reach, welcome
from lamina.kernel.contract import SILENCE

BEAT = 2.0  # seconds between messages of a process that has nothing else to say
GRACE = 3.0  # seconds for the main thread to end by itself, once another process has failed
FOLLOWED = 75  # exit status of processes that end because of another one


@dataclass
class Place:
    """Where a process stands.

    Attributes:
        turns: How many turns it has begun.
        doing: What the last of them is.
        waits: Where it waits for the others, if it does.
        left: Whether its script has come to the end.
        host, pid: Where it runs.
        heard: When it last said something.
        warned: Whether its silence was told.
    """

    turns: int = 0
    doing: str = "the start"
    waits: str | None = None
    left: bool = False
    host: str = ""
    pid: int = 0
    heard: float = field(default_factory=time.monotonic)
    warned: bool = False


class Watch:
    """The watch of one process.

    Args:
        rank: The number of this process.
        count: How many there are.
        token: What they know each other by.
        silence: Seconds after which a process that says nothing counts as gone.
    """

    def __init__(self, rank: int, count: int, token: str, silence: float = SILENCE) -> None:
        self.rank, self.count, self.token, self.silence = rank, count, token, silence
        self.links: dict[
            int, Link
        ] = {}  # of the first process to all others by number; of those, to the first
        self.places = {r: Place() for r in range(count)}
        self.here.host, self.here.pid = socket.gethostname(), os.getpid()
        self.verdict: str | None = None  # why the group has ended
        self._ended, self._lock = threading.Event(), threading.RLock()
        self._arrived = threading.Condition(self._lock)
        self._texts: dict[
            str, dict[int, str]
        ] = {}  # what processes say where they wait, by the name of the place
        self._gathered: dict[str, list[str]] = {}  # the same, once all have come
        self._wake, self._woken = socket.socketpair()
        self._limit = math.inf  # when the process is ended
        self._failed = False  # whether this process ends with an error of its own

    @property
    def here(self) -> Place:
        """Where this process stands."""
        return self.places[self.rank]

    # -- the beginning -----------------------------------------------------------------------------------------------------

    def reach(self, host: str, port: int) -> None:
        """Of others than the first: connect to that, where it can be reached."""
        greeting = {"rank": self.rank, "token": self.token, **self._state()}
        with suppress(OSError):
            self.links[0] = reach(host, port, greeting)

    def accept(self, server: socket.socket, seconds: float) -> None:
        """Of the first: wait so long for the connections of the others."""
        limit = time.monotonic() + seconds
        while not self.linked and time.monotonic() < limit:
            server.settimeout(max(0.01, limit - time.monotonic()))
            came = welcome(server, self.token)
            if came is not None:
                link, greeting = came
                self.links[int(greeting["rank"])] = link
                self._hear(int(greeting["rank"]), greeting)

    @property
    def linked(self) -> bool:
        """Whether there are all connections."""
        return len(self.links) == (1 if self.rank else self.count - 1)

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name="lamina-watch", daemon=True).start()
        process.at_end(self._at_end)
        process.in_forks(self.close)

    def close(self) -> None:
        """End the connections: in a fork, too, which is no process of the group and would keep them open after its end."""
        for link in self.links.values():
            link.close()
        self.links = {}
        self._wake.close()
        self._woken.close()

    # -- for the thread that works ---------------------------------------------------------------------------------------

    def turn(self, doing: str, count: int = 1) -> None:
        """This process begins so many turns."""
        here = self.here
        here.turns, here.doing = here.turns + count, doing

    def gather(self, name: str, text: str) -> list[str] | None:
        """The texts of all processes, when all have come to this place.

        Args:
            name: Of the place.
            text: What this process says.

        Returns:
            The texts in order; None where the group has ended.
        """
        message = {"kind": "gather", "name": name, "text": text, **self._state()}
        self.here.waits = name
        if self.rank:
            self.links[0].send(message)
        else:
            self._hear(0, message)
        with self._lock:
            while name not in self._gathered and self.verdict is None:
                self._arrived.wait(BEAT)
            return self._gathered.pop(name, None)

    def wait_for_verdict(self, seconds: float) -> str | None:
        """Why the group has ended, as soon as that is known."""
        self._ended.wait(seconds)
        return self.verdict

    # -- the thread --------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._woken, selectors.EVENT_READ)
            for rank, link in self.links.items():
                waiting.register(link.connection, selectors.EVENT_READ, rank)
            due = time.monotonic()
            while True:
                for key, _ in waiting.select(max(0.0, min(due, self._limit) - time.monotonic())):
                    if key.data is None:
                        self._woken.recv(1)
                    elif not self._read(key.data):
                        waiting.unregister(key.fileobj)
                now = time.monotonic()
                if now >= self._limit:
                    return process.end(FOLLOWED)
                if now >= due:
                    # one that was stopped itself, as a whole group may be, says nothing of the others' silence
                    self._beat(judges=now - due < BEAT)
                    due = now + BEAT
                self._judge()

    def _read(self, rank: int) -> bool:
        """Take in what a process says; False when it is gone."""
        messages = self.links[rank].receive()
        for message in messages or ():
            self._hear(rank, message)
        if messages is None and not self.places[rank].left:
            self._lost(rank, "does not answer any more: it was killed, or it crashed")
        return messages is not None

    def _beat(self, judges: bool) -> None:
        self._send_all({"kind": "place", **self._state()})
        if judges:
            for rank in self.links:
                self._judge_silence(rank)

    def _judge_silence(self, rank: int) -> None:
        place = self.places[rank]
        silent = time.monotonic() - place.heard
        if place.left or silent < self.silence / 2:
            return
        if silent >= self.silence:
            self._lost(rank, f"has not answered for {silent:.0f} s: it was stopped, or it hangs")
        elif not place.warned:
            place.warned = True
            _say(f"{self._name(rank)} has not answered for {silent:.0f} s. It is waited for.")

    def _state(self) -> Message:
        here = self.here
        return {"turns": here.turns, "doing": here.doing, "host": here.host, "pid": here.pid}

    # -- what is heard -----------------------------------------------------------------------------------------------------

    def _hear(self, rank: int, message: Message) -> None:
        place, kind = self.places[rank], message.get("kind")
        place.heard, place.warned = time.monotonic(), False
        place.host, place.pid = str(message.get("host", place.host)), int(message.get("pid", place.pid))
        if (
            int(message.get("turns", -1)) > place.turns
        ):  # of two threads that say it the later one may come first
            place.turns, place.doing = int(message["turns"]), str(message["doing"])
        if kind == "gather":
            self._came(rank, str(message["name"]), str(message["text"]))
        elif kind == "gathered":
            self._all_came(str(message["name"]), list(message["texts"]))
        elif kind == "left":
            place.left = True
        elif kind == "failed":
            self._lost(rank, str(message["why"]))
        elif kind == "end":
            self._end(str(message["why"]))

    def _came(self, rank: int, name: str, text: str) -> None:
        with self._lock:
            self.places[rank].waits = name
            texts = self._texts.setdefault(name, {})
            texts[rank] = text
            if len(texts) < self.count:
                return
            del self._texts[name]
            for place in self.places.values():
                place.waits = None
        found = [texts[r] for r in range(self.count)]
        self._send_all({"kind": "gathered", "name": name, "texts": found})
        self._all_came(name, found)

    def _all_came(self, name: str, texts: list[str]) -> None:
        with self._lock:
            self._gathered[name], self.here.waits = texts, None
            self._arrived.notify_all()

    def _judge(self) -> None:
        """Whether a process waits for one that will not come. The first process knows of all, others of it alone."""
        if self.verdict is None and (self.rank == 0 or self.places[0].left):
            with self._lock:
                found = conflict({r: self.places[r] for r in {self.rank, *self.links}})
            if found is not None:
                one, other, where = found
                how = (
                    "has come to the end of its script"
                    if self.places[one].left
                    else f"waits at {self.places[one].waits}"
                )
                self._tell_all(
                    f"{self._name(one)} {how}, and {self._name(other)} {where}, which needs all of them"
                )

    def _name(self, rank: int) -> str:
        place = self.places[rank]
        where = f" (pid {place.pid} on {place.host})" if place.host else ""
        return f"process {rank} of {self.count}{where}"

    # -- the end -----------------------------------------------------------------------------------------------------------

    def _lost(self, rank: int, how: str) -> None:
        self._tell_all(f"{self._name(rank)} {how}")

    def _tell_all(self, why: str) -> None:
        if self.verdict is None and self.rank == 0:
            self._send_all({"kind": "end", "why": why})
        self._end(why)

    def _end(self, why: str) -> None:
        """The group has ended: the main thread has a while to come to its end by itself."""
        with self._lock:
            if self.verdict is not None:
                return
            self.verdict, self._limit = why, time.monotonic() + GRACE
            self._arrived.notify_all()
        if not self._failed:  # which Python has told, or will
            _say(f"{why}. This process ends, too.")
        self._ended.set()
        self._wake.send(b".")

    def _at_end(self) -> None:
        """Where the interpreter comes to its end: the others hear whether that is one of an error."""
        if os.getpid() != self.here.pid:
            return
        if self.verdict is not None:
            process.end(FOLLOWED)  # what a framework does at its end may wait for the others
        error = getattr(sys, "last_value", None)
        self._failed = error is not None
        if error is None:
            self.here.left = True
            self._send_all({"kind": "left", **self._state()})
            return
        why = f"ended with {_words(error)}"
        if self.rank:
            self._send_all({"kind": "failed", "why": why})
        else:
            self._send_all({"kind": "end", "why": f"{self._name(0)} {why}"})
        process.end(1)

    def _send_all(self, message: Message) -> None:
        for link in self.links.values():
            link.send(message)


def conflict(places: dict[int, Place]) -> tuple[int, int, str] | None:
    """A process that waits or has left, one that waits for it for ever, and where that one is."""
    still = {rank: place for rank, place in places.items() if not place.left}
    if not still:
        return None
    first = max(still, key=lambda rank: still[rank].turns)
    for one, place in places.items():
        if (place.left or place.waits) and still[first].turns > place.turns:
            return one, first, f"is in {still[first].doing}"
        for other in still:
            waits = still[other].waits
            if waits and (place.left or (place.waits and place.waits != waits)):
                return one, other, f"waits at {waits}"
    return None


def _words(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    kind = type(error).__name__
    return f"{kind}: {lines[0][:300]}" if lines else kind


def _say(text: str) -> None:
    print(f"lamina: {text}", file=sys.stderr, flush=True)
