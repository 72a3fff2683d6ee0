"""Make `import keras` Lamina in a virtual environment, from the start of Python on."""

from __future__ import annotations

import argparse

from lamina.legacy import startup

EXAMPLE = "lamina alias on --when-asked"
FAILURES = (RuntimeError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("state", choices=("on", "off", "status"))
    parser.add_argument(
        "--when-asked",
        action="store_true",
        help="only in processes with LAMINA_AS_KERAS=1 in the environment",
    )


def execute(given: argparse.Namespace) -> int:
    """Write, remove or look for the file that Python reads at its start."""
    print(startup.change(given.state, when_asked=given.when_asked))
    return 0
