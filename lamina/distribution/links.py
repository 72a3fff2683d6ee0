"""Connections between the processes of a group: messages of a line of JSON each, and an end that is noticed."""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import threading
from typing import Any

UNREACHABLE = 10.0  # seconds after which a machine that acknowledges nothing counts as gone
_LONGEST = 1 << 26  # bytes of a message
_PATIENCE = 5.0  # seconds for a greeting, and for sending

Message = dict[str, Any]


class Link:
    """One end of a connection. Any thread may send; one receives.

    The system's own TCP answers for a process that is busy, so a connection ends when the process does or when its machine
    cannot be reached, whatever the process computes meanwhile.

    Args:
        connection: A connected socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest, self._sending = b"", threading.Lock()
        _notice_the_end(connection)

    def send(self, message: Message) -> bool:
        """Whether it could be sent."""
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._sending:
                self.connection.sendall(line)
        except OSError:
            return False
        return True

    def receive(self) -> list[Message] | None:
        """What has come; None where the other end is gone."""
        try:
            data = self.connection.recv(1 << 16)
        except TimeoutError:
            return []
        except OSError:
            return None
        if not data or len(self._rest) > _LONGEST:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            found = [json.loads(line) for line in lines]
        except ValueError:
            return None
        return found if all(isinstance(message, dict) for message in found) else None

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self.connection.close()


def listen(host: str | None) -> socket.socket:
    """A socket that the others can reach: on this machine alone where they meet on a loopback address."""
    if host in ("localhost", "127.0.0.1"):
        return socket.create_server(("127.0.0.1", 0))
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):
            return socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", 0))


def reach(host: str, port: int, greeting: Message) -> Link:
    """A connection to the process that listens.

    Raises:
        OSError: if it cannot be reached.
    """
    link = Link(socket.create_connection((host, port), UNREACHABLE))
    link.send(greeting)
    return link


def welcome(server: socket.socket, token: str) -> tuple[Link, Message] | None:
    """The next connection of one that knows the token, and its greeting; None for others."""
    try:
        connection, _ = server.accept()
    except OSError:
        return None
    connection.settimeout(_PATIENCE)
    link = Link(connection)
    found = link.receive()
    if found and hmac.compare_digest(str(found[0].get("token", "")), token):
        return link, found[0]
    link.close()
    return None


def own_address() -> str:
    """The address of this machine by which others in its network reach it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("10.255.255.255", 1))  # sends nothing: it asks the system which way it would take
        except OSError:
            return "127.0.0.1"
        return str(s.getsockname()[0])


def _notice_the_end(connection: socket.socket) -> None:
    """A machine that vanished acknowledges nothing: the system closes the connection after a while."""
    connection.settimeout(_PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = int(UNREACHABLE)
    wanted = {  # not every system has all of them
        "TCP_KEEPIDLE": seconds // 3, "TCP_KEEPALIVE": seconds // 3, "TCP_KEEPINTVL": seconds // 5, "TCP_KEEPCNT": 3,
        "TCP_USER_TIMEOUT": seconds * 1000,
    }  # fmt: skip
    for name, value in wanted.items():
        if hasattr(socket, name):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
