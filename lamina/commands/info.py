"""What files hold, in short: kind, size, version, layers and parameters. Nothing is built."""

from __future__ import annotations

import argparse

from lamina.saving import inspection

EXAMPLE = "lamina info model.keras --json"
FAILURES: tuple[type[Exception], ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", nargs="+", help="a file or folder of Keras or Lamina")
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")


def execute(given: argparse.Namespace) -> int:
    """Look into the files."""
    return inspection.info_command([*given.file, *(["--json"] if given.json else [])])
