"""The server of the page: for this machine alone, and for whoever knows the address.

It listens on the loopback interface. The address holds a secret, so that other users of the machine and pages of other
sites read nothing; a request under another host's name is refused, so that a name which a stranger points at this
machine does not help either. It only reads, and only the records of runs in its folder.
"""

from __future__ import annotations

import json
import pathlib
import secrets
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lamina.callbacks.live import records

_PAGE = pathlib.Path(__file__).with_name("page.html")
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class LiveServer:
    """Serves the page of a folder's runs until it is closed.

    Args:
        folder: The folder.
        port: The port; a free one when 0.

    Attributes:
        address: Where the page is, with the secret.
    """

    def __init__(self, folder: Any, port: int = 0) -> None:
        self.folder, self.token = pathlib.Path(folder), secrets.token_urlsafe(24)
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads = True
        self._http.served = self  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        self.hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        self.address = f"http://127.0.0.1:{self.port}/{self.token}/"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True, name="lamina-live")
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """What a request behind the secret gets: (type, content); None for what is not there."""
        parts = urlsplit(path)
        name = unquote(parts.path)
        if name == "":
            return "text/html; charset=utf-8", _PAGE.read_bytes()
        if name == "runs":
            return "application/json", json.dumps(records.runs(self.folder)).encode()
        kind, _, run = name.partition("/")
        if kind != "run" or run not in records.runs(
            self.folder
        ):  # what is listed is in the folder: no path leads out
            return None
        start = parse_qs(parts.query).get("from", ["0"])[0]
        place = int(start) if start.isdecimal() and len(start) < 16 else 0
        return "text/plain; charset=utf-8", records.read(self.folder / run, place)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds: who opens a connection and says nothing does not hold a thread
    server_version, sys_version = "lamina", ""

    def do_GET(self) -> None:
        """Answer, if host and secret are right."""
        served: LiveServer = self.server.served  # type: ignore[attr-defined]
        if self.headers.get("Host") not in served.hosts:
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        token, slash, rest = self.path.removeprefix("/").partition("/")
        if not slash or not secrets.compare_digest(token.encode(), served.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN)
            return
        found = served.answer(rest)
        if found is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        kind, content = found
        self._send(HTTPStatus.OK, kind, content)

    def _refuse(self, status: HTTPStatus) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal belongs to the progress bar, and the address is a secret."""


_servers: dict[pathlib.Path, LiveServer] = {}
_lock = threading.Lock()


def serve(folder: Any) -> str:
    """The address of a folder's page; one server for each folder, as long as the process lives.

    Args:
        folder: The folder.
    """
    key = pathlib.Path(folder).resolve()
    with _lock:
        if key not in _servers:
            _servers[key] = LiveServer(key)
        return _servers[key].address
