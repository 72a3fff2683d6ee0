"""Run the catalogue: `python tests/errors/record.py keras|jax|torch|tensorflow` prints what each mistake brings.

`keras` runs it with the installed Keras on jax and keeps that in `keras.json`, with its version: done once, and again
when the version changes. `lamina` keeps in `lamina.json` what Lamina says (on jax), to be read before it is committed:
the tests compare the three backends with it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def outcome(mistake: Any, keras: Any, package: str) -> dict[str, Any]:
    """What a mistake brings: kind ("ValueError", "UserWarning", "silence"), text, and which files its frames are in."""
    import numpy as np

    before = os.getcwd()
    out = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        warnings.catch_warnings(record=True) as warned,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(out),
    ):
        warnings.simplefilter("always")
        os.chdir(folder)
        np.random.seed(0)
        try:
            mistake.script(keras, np)
        except Exception as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next  # this file
            text = "\n".join([str(error), *getattr(error, "__notes__", ())])
            shown = traceback.TracebackException.from_exception(error)
            return {"kind": type(error).__name__, "text": clean(text, folder), **frames(shown)}
        finally:
            os.chdir(before)
    told = [w for w in warned if issubclass(w.category, UserWarning | RuntimeWarning)]
    if told:
        return {
            "kind": told[0].category.__name__,
            "text": clean(str(told[0].message), folder),
            "file": told[0].filename,
        }
    return {"kind": "silence", "text": clean(out.getvalue(), folder)}


def frames(shown: traceback.TracebackException | None) -> dict[str, Any]:
    """How many frames are shown of the user's, and of others; chained errors count."""
    user = others = chained = 0
    last = ""
    seen = shown
    while seen is not None:
        for frame in seen.stack:
            if "/catalogue/" in frame.filename:
                user += 1
                last = frame.line or ""
            else:
                others += 1
        after = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
        chained += after is not None
        seen = after
    return {"user_frames": user, "other_frames": others, "chained": chained, "line": last}


def clean(text: str, folder: str) -> str:
    """Without what differs from run to run."""
    text = text.replace(folder + "/", "").replace(folder, ".")
    return re.sub(r"0x[0-9a-f]{6,}", "0x...", text)


def run(keras: Any, package: str, backend: str, only: str = "") -> dict[str, dict[str, Any]]:
    """All mistakes of a backend, by area/name."""
    from catalogue import MISTAKES

    found = {}
    for area, mistakes in MISTAKES.items():
        for mistake in mistakes:
            path = f"{area}/{mistake.name}"
            if only not in path or backend not in mistake.backends:
                continue
            keras.utils.clear_session(free_memory=False)
            found[path] = outcome(mistake, keras, package)
    return found


def main() -> None:
    """Record or print."""
    sys.path.insert(0, str(HERE))
    which, only = sys.argv[1], (sys.argv[2] if len(sys.argv) > 2 else "")
    if which == "keras":
        os.environ["KERAS_BACKEND"] = "jax"
        import keras

        found: dict[str, Any] = run(keras, "keras", "jax", only)
        for entry in found.values():
            entry["text"] = re.sub(r"\x1b\[[0-9;]*m", "", entry["text"])
        kept = {"version": keras.__version__, "messages": found}
        if not only:
            (HERE / "keras.json").write_text(json.dumps(kept, indent=1) + "\n")
            return
    else:
        import lamina

        lamina.config.set_backend("jax" if which == "lamina" else which)
        found = run(lamina, "lamina", "jax" if which == "lamina" else which, only)
        if which == "lamina" and not only:
            kept = {p: {"kind": e["kind"], "text": e["text"]} for p, e in found.items()}
            (HERE / "lamina.json").write_text(json.dumps(kept, indent=1) + "\n")
            return
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
