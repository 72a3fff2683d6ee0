"""One mutated input: made from a number, loaded, and what must not happen looked at."""

from __future__ import annotations

import contextlib
import io
import pathlib
import random
import shutil
import struct
import sys
import time
import traceback
import warnings
from typing import Any

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "saving"))
from fuzzing import mutations  # noqa: E402  # pyright: ignore[reportMissingImports]
from fuzzing.seeds import Seed, parts, seeds  # noqa: E402  # pyright: ignore[reportMissingImports]
from guard import settings, watched  # noqa: E402  # pyright: ignore[reportMissingImports]

import lamina  # noqa: E402
from lamina.errors import SerializationError  # noqa: E402

LIMIT = 10.0  # seconds of the processor for one input
MEMORY = 200 << 20  # bytes above what the process had
# What h5py, json and zipfile cannot make is no case.
CANNOT_MAKE = (
    OSError,
    KeyError,
    RuntimeError,
    ValueError,
    TypeError,
    struct.error,
    IndexError,
    AttributeError,
    OverflowError,
)


class Lab:
    """What all cases of a process share.

    Args:
        folder: Where the inputs are written.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        lamina.utils.set_random_seed(0)
        self.seeds, self.targets = seeds()
        self.parts = parts()
        self.folder = folder / "case"
        self.good = folder / "good.keras"
        self.good.write_bytes(self.seeds["f.keras"].files["f.keras"])
        for name in sorted(self.seeds):  # what is imported late is not an input's doing
            self.attempt(name, self.seeds[name].files, random.Random(0))
            self._call("scan", self.seeds[name], self._written(self.seeds[name], self.seeds[name].files))

    def case(self, number: int) -> tuple[str, str, str]:
        """The input of this number: its seed's name, the outcome in a word, and what is wrong (empty: nothing)."""
        rng = random.Random(number)
        name = rng.choice(sorted(self.seeds))
        try:
            files = mutations.files_changed(self.seeds[name].files, rng, self.parts)
        except CANNOT_MAKE:
            return name, "not made", ""
        outcome, wrong = self.attempt(name, files, rng)
        if number % 500 == 0 and lamina.models.load_model(self.good).name != "f":
            wrong = wrong or "a good file does not load afterwards"
        return name, outcome, wrong

    def _written(self, seed: Seed, files: dict[str, bytes]) -> pathlib.Path:
        shutil.rmtree(self.folder, ignore_errors=True)
        for path, data in files.items():
            place = self.folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return self.folder / seed.main

    def attempt(self, name: str, files: dict[str, bytes], rng: random.Random) -> tuple[str, str]:
        """Load the files of one input."""
        seed = self.seeds[name]
        path = self._written(seed, files)
        way = rng.choice(["load", "load", "load", "object", "scan", "other"])
        before, held = settings(), _weights(self.targets.get(seed.target))
        size = _reset_peak()
        begin = time.process_time()
        with warnings.catch_warnings(), watched(path, *self.folder.rglob("*")) as events:
            warnings.simplefilter("ignore")
            outcome, wrong = self._outcome(way, seed, path)
        took, peak = time.process_time() - begin, _peak() - size
        if not wrong and events:
            wrong = f"it did: {events[:3]}"
        if not wrong and took > LIMIT:
            wrong = f"it took {took:.0f} s"
        if not wrong and peak > MEMORY:
            wrong = f"it took {peak >> 20} MB"
        if not wrong and settings() != before:
            wrong = f"settings changed: {set(settings()) ^ set(before)}"
        if not wrong and outcome == "SerializationError" and held != _weights(self.targets.get(seed.target)):
            wrong = "refused, but the weights are not those of before"
        return outcome, wrong and f"[{way}] {wrong}"

    def _outcome(self, way: str, seed: Seed, path: pathlib.Path) -> tuple[str, str]:
        try:
            self._call(way, seed, path)
        except SerializationError as error:
            return type(error).__name__, _said_badly(error, seed)
        except FileNotFoundError as error:
            there = path.exists()
            return "FileNotFoundError", "".join(traceback.format_exception(error, limit=-6)) if there else ""
        except BaseException as error:  # whatever else there is, is a finding
            return type(error).__name__, "".join(traceback.format_exception(error, limit=-8))[-3000:]
        return "loaded", ""

    def _call(self, way: str, seed: Seed, path: pathlib.Path) -> None:
        """What a user would do with such a file."""
        if seed.kind == "json":
            with contextlib.suppress(UnicodeDecodeError):  # the caller's own reading
                lamina.models.model_from_json(path.read_text("utf-8"))
        elif way == "scan":
            lamina.saving.scan(path)
        elif seed.kind == "weights" and way == "other" and "." in path.name:
            lamina.saving.KerasFileEditor(path)
        elif seed.kind == "weights":
            self.targets[seed.target].load_weights(path, skip_mismatch=way == "object")
        elif way == "object" and path.is_file():
            lamina.models.load_model(io.BytesIO(path.read_bytes()))
        elif way == "other" and seed.target:
            self.targets[seed.target].load_weights(path)
        else:
            lamina.models.load_model(path, compile=way != "other")


def _said_badly(error: SerializationError, seed: Seed) -> str:
    """What is wrong with a refusal: an allocation that came before the check, or a text that does not name the file."""
    cause: BaseException | None = error
    seen: list[BaseException] = []
    while cause is not None and cause not in seen:
        seen.append(cause)
        if isinstance(cause, MemoryError):
            return f"memory ran out before it was refused: {''.join(traceback.format_exception(cause, limit=-6))}"
        cause = cause.__cause__ or cause.__context__
    names = ("json", "JSON") if seed.kind == "json" else (seed.main.partition(".")[0], "the file")
    if not any(name in str(error) for name in names):
        return f"the text does not name the file: {str(error)[:300]}"
    return ""


def _weights(model: Any) -> bytes:
    return b"" if model is None else b"".join(np.asarray(v.numpy()).tobytes() for v in model.weights)


def _reset_peak() -> int:
    """Forget the peak of the process's memory; gives what it has now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _peak()


def _peak() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))
