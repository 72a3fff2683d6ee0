"""Serve a page of the runs that a folder records, while they run and afterwards.

`model.fit(..., live=FOLDER)` and `lamina.callbacks.Live(FOLDER)` write the records. The page is for this machine alone:
it listens on the loopback interface, and its address holds a secret.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from lamina.callbacks.live import records
from lamina.callbacks.live.server import LiveServer

EXAMPLE = "lamina watch runs"
FAILURES: tuple[type[Exception], ...] = (OSError, OverflowError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", help="the folder with the records of runs (*.live.jsonl)")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (a free one)")
    parser.add_argument("--json", action="store_true", help="say address and runs as a JSON object")


def execute(given: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    if not Path(given.folder).is_dir():
        raise FileNotFoundError(f"there is no folder {given.folder!r}.")
    server = LiveServer(given.folder, given.port)
    found = records.runs(given.folder)
    if given.json:
        print(json.dumps({"address": server.address, "runs": found}), flush=True)
    else:
        print(
            f"{len(found)} run{'' if len(found) == 1 else 's'} at {server.address}  (Ctrl-C ends)", flush=True
        )
    try:
        wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
    return 0


def wait() -> None:
    """Until Ctrl-C."""
    while True:
        time.sleep(3600)
