"""Processes that know one address learn those of all."""

from __future__ import annotations

import json
import socket
import time

PATIENCE = 300.0  # seconds for all processes to start


def addresses_of_all(address: str, processes: int, rank: int) -> list[str]:
    """An address "host:port" of each process, on a port that it has free: all ask the first one, which listens at `address`.

    Args:
        address: Where they meet, "host:port", on the machine of the first.
        processes: How many there are.
        rank: The number of this one.

    Raises:
        TimeoutError: if not all of them come.
    """
    host, _, port = address.rpartition(":")
    if rank == 0:
        return _gather(host, int(port), processes)
    return _ask(host, int(port), rank)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("", 0))
        return s.getsockname()[1]


def _gather(host: str, port: int, processes: int) -> list[str]:
    found: dict[int, str] = {0: f"{host}:{_free_port()}"}
    waiting = []
    with socket.create_server(("", port), backlog=processes) as server:
        server.settimeout(PATIENCE)
        while len(found) < processes:
            try:
                connection, peer = server.accept()
            except TimeoutError:
                missing = sorted(set(range(processes)) - set(found))
                raise TimeoutError(
                    f"initialize: of {processes} processes {', '.join(map(str, missing))} did not come to {host}:{port} within "
                    f"{PATIENCE:g} s."
                ) from None
            connection.settimeout(PATIENCE)
            rank, own = json.loads(connection.makefile().readline())
            found[rank] = f"{peer[0]}:{own}"
            waiting.append(connection)
    every = [found[rank] for rank in range(processes)]
    for connection in waiting:
        with connection:
            connection.sendall(f"{json.dumps(every)}\n".encode())
    return every


def _ask(host: str, port: int, rank: int) -> list[str]:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=PATIENCE)
            break
        except OSError as error:  # the first one has not come so far
            if time.monotonic() > limit:
                raise TimeoutError(
                    f"initialize: nobody listens at {host}:{port}, where process 0 should, for {PATIENCE:g} s: {error}."
                ) from None
            time.sleep(0.1)
    with connection:
        connection.sendall(f"{json.dumps([rank, _free_port()])}\n".encode())
        return json.loads(connection.makefile().readline())
