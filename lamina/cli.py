"""The command `lamina`: `run` a script with `keras` as Lamina, `alias on|off`, `scan` and `info` of files."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (those of the process by default).

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="lamina", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a script written for Keras, unedited")
    run.add_argument("--backend", help="jax, torch, tensorflow or numpy")
    run.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    run.add_argument("script")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    alias = commands.add_parser("alias", help="make `import keras` Lamina in a virtual environment")
    alias.add_argument("state", choices=("on", "off", "status"))
    alias.add_argument(
        "--when-asked",
        action="store_true",
        help="only in processes with LAMINA_AS_KERAS=1 in the environment",
    )
    for name, text in (
        ("scan", "what a file holds and what is refused in it"),
        ("info", "what a model's file holds"),
    ):
        commands.add_parser(name, help=f"{text}, without building anything", add_help=False)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["scan"], ["info"]):  # they have options of their own
        from lamina.saving import inspection

        return getattr(inspection, f"{given[0]}_command")(given[1:])
    chosen = parser.parse_args(given)
    if chosen.command == "alias":
        from lamina.legacy import startup

        print(startup.change(chosen.state, when_asked=chosen.when_asked))
        return 0
    return _run(chosen)


def _run(chosen: argparse.Namespace) -> int:
    import lamina
    from lamina.backends import process

    if not chosen.module and not Path(chosen.script).exists():
        print(f"lamina run: there is no file {chosen.script}.", file=sys.stderr)
        return 2
    lamina.install_as_keras()
    if chosen.backend:
        lamina.config.set_backend(chosen.backend)
    folder = os.getcwd() if chosen.module else str(Path(chosen.script).resolve().parent)
    with process.as_main_program([chosen.script, *chosen.arguments], folder):
        if chosen.module:
            runpy.run_module(chosen.script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(chosen.script, run_name="__main__")
    return 0
