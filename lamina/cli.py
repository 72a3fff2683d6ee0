"""The command `lamina`: a table of its commands; each stands in a file of `lamina.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from lamina.errors import suggestion

COMMANDS = {
    "run": "run a script written for Keras, unedited",
    "launch": "run a script in several processes that train together",
    "alias": "make `import keras` Lamina in a virtual environment",
    "summary": "the layers of a model's file, with shapes and parameters",
    "plot": "draw a model's file as a page or a picture",
    "watch": "a page of the runs that a folder records, while they run",
    "scan": "what a file holds and what is refused in it, without building anything",
    "info": "what a model's file holds, without building anything",
    "bench": "compare the installed backends on a small model",
    "doctor": "versions, devices, caches, settings, and what is missing",
    "completion": "the completion of these commands for a shell",
}
EXIT_CODES = (
    "exit status: 0 done, 1 the command failed or found something wrong, 2 a wrong call or a missing file"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process by default).

    Returns:
        The exit status: 0 done, 1 failed, 2 a wrong call or a missing file.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(_overview())
        return 0 if given else 2
    if given[0] == "--version":
        print(f"lamina {import_module('lamina').__version__}")
        return 0
    name, rest = given[0], given[1:]
    if name not in COMMANDS:
        print(
            f"lamina: there is no command {name!r}.{suggestion(name, COMMANDS)} See lamina --help.",
            file=sys.stderr,
        )
        return 2
    module = import_module(f"lamina.commands.{name}")
    chosen = parser_of(name).parse_args(rest)
    try:
        return module.execute(chosen)
    except FileNotFoundError as error:
        print(f"lamina {name}: {error}", file=sys.stderr)
        return 2
    except module.FAILURES as error:
        print(f"lamina {name}: {error}", file=sys.stderr)
        return 1


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a command, with its example."""
    module: Any = import_module(f"lamina.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=f"lamina {name}",
        description=(module.__doc__ or "").strip(),
        epilog=f"example:\n  {module.EXAMPLE}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    return parser


def _overview() -> str:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
    return f"usage: lamina COMMAND ... | --version\n\n{listed}\n\nlamina COMMAND --help says more, with an example.\n{EXIT_CODES}"
