"""Mutates valid files of every kind and loads them: `make fuzz ARGS="--count 1000 --seed 0"`.

Whatever comes, loading gives a model or a `SerializationError` that names the file, within ten seconds of the processor and
200 MB, and does nothing besides. A child process does the work, many inputs each; the parent sees it die or hang, notes the
input and goes on with the next. `--resume FILE` keeps the count, so that a long search is one of several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

PER_CHILD = 5000  # inputs of one process, then a fresh one
ADDRESSES = 8 << 30  # bytes of address space
IDLE = 120.0  # seconds in which a child that waits for something is given up


def run(
    count: int, seed: int, folder: pathlib.Path, say: Callable[[str], None] = lambda text: None
) -> tuple[Counter, list[str]]:
    """Load `count` mutated inputs in this process; gives the outcomes and the findings."""
    from fuzzing.attempt import Lab  # pyright: ignore[reportMissingImports]

    lab = Lab(folder)
    outcomes: Counter = Counter()
    findings = []
    for number in range(seed, seed + count):
        name, outcome, wrong = lab.case(number)
        outcomes[outcome] += 1
        if wrong:
            findings.append(f"seed {number} ({name}): {wrong}")
            say(findings[-1])
            shutil.copytree(lab.folder, folder / f"finding_{number}", dirs_exist_ok=True)
    return outcomes, findings


def child(count: int, seed: int, folder: pathlib.Path) -> None:
    """Load inputs, and say a line of JSON for each."""
    import resource

    from fuzzing.attempt import Lab  # pyright: ignore[reportMissingImports]

    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    lab = Lab(folder)
    print(json.dumps(["ready"]), flush=True)
    for number in range(seed, seed + count):
        name, outcome, wrong = lab.case(number)
        if wrong:
            shutil.copytree(lab.folder, folder / f"finding_{number}", dirs_exist_ok=True)
        print(json.dumps([number, name, outcome, wrong]), flush=True)


def _seconds(pid: int) -> float:
    """How long a process has had the processor."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _lines(process: subprocess.Popen, limit: float) -> Iterator[list]:
    """The lines of a child; ends when it ends, or is killed because one input takes too long."""
    assert process.stdout is not None
    begun, since = 0.0, time.monotonic()
    ready = False
    while True:
        if select.select([process.stdout], [], [], 1.0)[0]:
            line = process.stdout.readline()
            if not line:
                return
            ready = True
            yield json.loads(line)
            begun, since = _seconds(process.pid) if process.poll() is None else 0.0, time.monotonic()
        elif ready and (_seconds(process.pid) - begun > 2 * limit or time.monotonic() - since > IDLE):
            process.kill()


def search(count: int, state: dict, folder: pathlib.Path, save: Callable[[], None]) -> None:
    """Go on with a search until `count` inputs are done."""
    while state["next"] < count:
        left = min(PER_CHILD, count - state["next"])
        command = [
            sys.executable,
            __file__,
            "--child",
            str(folder),
            "--count",
            str(left),
            "--seed",
            str(state["next"]),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
            last = None
            for line in _lines(process, 10.0):
                last = line
                if line == ["ready"]:
                    continue
                number, name, outcome, wrong = line
                state["next"] = number + 1
                state["outcomes"][outcome] = state["outcomes"].get(outcome, 0) + 1
                if wrong:
                    _note(state, f"seed {number} ({name}): {wrong}")
                if number % 100 == 0:
                    save()
        if last is None:
            raise SystemExit("The child does not start.")
        if process.returncode:
            _note(
                state,
                f"seed {state['next']}: the process ended with {process.returncode} (-9: it took too long)",
            )
            shutil.copytree(folder / "case", folder / f"finding_{state['next']}", dirs_exist_ok=True)
            state["next"] += 1
        save()


def _note(state: dict, text: str) -> None:
    state["findings"].append(text)
    print(text, flush=True)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--count", type=int, default=1000, help="inputs in all, those of earlier runs among them"
    )
    parser.add_argument("--seed", type=int, default=0, help="the number of the first")
    parser.add_argument("--resume", type=pathlib.Path, help="a file that keeps how far the search is")
    parser.add_argument("--child", type=pathlib.Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.count, given.seed, given.child)
        return 0
    state = {"next": given.seed, "outcomes": {}, "findings": []}
    if given.resume and given.resume.exists():
        state = json.loads(given.resume.read_text())

    def save() -> None:
        if given.resume:
            temporary = given.resume.with_suffix(".tmp")
            temporary.write_text(json.dumps(state))
            temporary.replace(given.resume)

    folder = pathlib.Path(
        tempfile.mkdtemp(prefix="lamina-fuzz-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    )
    search(given.seed + given.count, state, folder, save)
    print(f"{sum(state['outcomes'].values())} inputs: {state['outcomes']}")
    print(
        f"{len(state['findings'])} findings" + (f"; their files are in {folder}" if state["findings"] else "")
    )
    if not state["findings"]:
        shutil.rmtree(folder)
    return bool(state["findings"])


if __name__ == "__main__":
    sys.exit(main())
