"""`same.py` beside the tests on eight devices of jax serves these, too."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "eight"))
