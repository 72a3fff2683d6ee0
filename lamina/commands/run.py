"""Run a script or module written for Keras, unedited: `import keras` and `tf.keras` are Lamina in it."""

from __future__ import annotations

import argparse
import os
import runpy
from pathlib import Path

from lamina import config
from lamina.backends import process
from lamina.legacy.alias import install_as_keras

EXAMPLE = "lamina run --backend torch train.py --epochs 3"
FAILURES: tuple[type[Exception], ...] = ()  # the script's own errors are shown as Python shows them


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--backend", help="jax, torch, tensorflow or numpy")
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    parser.add_argument("script", help="a file, or with -m a module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="for the script")


def execute(given: argparse.Namespace) -> int:
    """Run the script as the main program."""
    if not given.module and not Path(given.script).exists():
        raise FileNotFoundError(f"there is no file {given.script}.")
    install_as_keras()
    if given.backend:
        config.set_backend(given.backend)
    folder = os.getcwd() if given.module else str(Path(given.script).resolve().parent)
    with process.as_main_program([given.script, *given.arguments], folder):
        if given.module:
            runpy.run_module(given.script, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(given.script, run_name="__main__")
    return 0
