"""Draw a model's file: as a page that pans, zooms and folds (.html), as a picture (.svg, .png, .pdf), or as text (.mmd)."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path

from lamina.errors import LaminaError
from lamina.saving import load_model
from lamina.visual.graph import plot_model

EXAMPLE = "lamina plot model.keras -o model.svg --shapes"
FORMS = (".html", ".svg", ".png", ".pdf", ".dot", ".mmd")
FAILURES = (LaminaError, ImportError, ValueError, TypeError, OSError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", help="a model's file: .keras, .h5, or a folder")
    parser.add_argument("-o", "--output", help="the file to write; its ending says what (FILE.html)")
    parser.add_argument("--shapes", action="store_true", help="input and output shapes, in a picture")
    parser.add_argument(
        "--expand-nested", action="store_true", help="the layers of nested models, in a picture"
    )
    parser.add_argument("--json", action="store_true", help="say what was written as a JSON object")


def execute(given: argparse.Namespace) -> int:
    """Write the drawing and say where it is."""
    target = Path(given.output or Path(given.file).with_suffix(".html").name)
    if target.suffix not in FORMS:
        raise ValueError(f"cannot draw {target.name!r}: its ending must be one of {', '.join(FORMS)}.")
    model = load_model(given.file, compile=False)
    with contextlib.redirect_stdout(sys.stderr):  # without Graphviz it writes a page, and says so
        plot_model(
            model, target, show_shapes=given.shapes, show_layer_names=True, expand_nested=given.expand_nested
        )
    written = target.exists()
    if given.json:
        print(json.dumps({"written": str(target) if written else None}))
    elif written:
        print(target)
    return 0 if written else 1
