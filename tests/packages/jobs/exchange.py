"""What a job hands over: weights that both sides start from, and the numbers that must agree.

A job is a script as a user of the package writes it. It runs first with the real Keras, which writes its weights, and then
with Lamina under the alias, which reads them. The first argument is the folder where both meet.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import keras
import numpy as np

FOLDER = pathlib.Path(sys.argv[1])
ALIAS = keras.Model.__module__.startswith("lamina") or "lamina" in (keras.__file__ or "")
_records: dict[str, Any] = {}
_limits: dict[str, float] = {}


def share(model: Any, name: str = "model") -> None:
    """Let both sides start from the same weights: the first that comes writes them, the other reads."""
    path = FOLDER / f"{name}.weights.h5"
    if path.exists():
        model.load_weights(path)
    else:
        model.save_weights(path)


def record(name: str, value: Any, tolerance: float = 1e-4) -> None:
    """A number or array that must be the same with both, up to a tolerance, relative to the largest."""
    array = np.asarray(keras.ops.convert_to_numpy(value))
    assert array.size, name
    assert array.dtype.kind not in "fc" or np.isfinite(array).all(), (name, array)
    _records[name], _limits[name] = array, tolerance


def done(summary: str) -> None:
    """Write what was recorded. A real Keras beside the alias would mean that the package ran on that."""
    if ALIAS:
        beside = [
            name
            for name, module in sys.modules.items()
            if name.split(".")[0] == "keras"
            and type(module).__name__ != "AliasModule"
            and "/lamina/" not in str(module)
        ]
        assert not beside, beside
    who = "lamina" if ALIAS else "keras"
    np.savez(FOLDER / f"{who}.npz", **_records)
    (FOLDER / f"{who}.json").write_text(json.dumps({"summary": summary, "tolerances": _limits}))
    print(f"{who}: {summary}")
