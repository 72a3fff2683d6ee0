"""What files hold, and what in them the loader would refuse: nothing is built and no number is read."""

from __future__ import annotations

import argparse

from lamina.saving import inspection

EXAMPLE = "lamina scan model.keras --json"
FAILURES: tuple[type[Exception], ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", nargs="+", help="a file or folder of Keras or Lamina")
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")


def execute(given: argparse.Namespace) -> int:
    """Look into the files."""
    return inspection.scan_command([*given.file, *(["--json"] if given.json else [])])
