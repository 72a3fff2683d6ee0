"""Kills random processes of a run at random moments, again and again: nothing may hang, and the end must be the same.

python -m tests.distribution.kills --count 50 --backend jax --out kills.jsonl

A *chain* is one training of two processes that is killed up to three times and goes on each time from its last state.
What is killed when follows from the chain's seed: before `initialize`, right after it, after a random time, at a step, between
epochs, while the state is being written, and between that and the moment when the others know. Chains with even seeds are
started by hand, so that nobody but the processes themselves ends the others; the others by `lamina launch --restarts`. At
its end a chain must have the weights and the history of a run that was left alone, bit for bit. Each chain is a line of
the file; a second call goes on behind the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "distribution" / "processes" / "kept.py"
HANGS = 240.0  # seconds that a group may take: a guard, far above what it does take
PHASES = ("time", "time", "time", "step", "step", "epoch", "temporary", "replaced", "joined", "start")


def drawn(seed: int, processes: int, fit: float) -> list[list]:
    """What is killed in the starts of a chain: (process, phase, amount)."""
    rng = random.Random(seed)
    plan = []
    for _ in range(3):
        phase = rng.choice(
            PHASES if seed % 2 else PHASES[:-1]
        )  # by hand, nobody knows of one that never came
        amount = {"time": rng.uniform(0, fit * 0.7), "step": rng.randint(1, 9)}.get(phase, rng.randint(1, 3))
        plan.append([rng.randrange(processes), phase, amount])
    return plan


def environment(backend: str, **more: str) -> dict[str, str]:
    return os.environ | {
        "LAMINA_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
        "LAMINA_COMPILE_CACHE": "0", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1",
        "XLA_FLAGS": "--xla_backend_optimization_level=1 --xla_cpu_use_fusion_emitters=false", **more,
    }  # fmt: skip


def started(
    folder: pathlib.Path, command: list[str], backend: str, processes: int = 2, attempt: int = 0
) -> tuple[list[int], list[str], float]:
    """A group without a launcher: exit statuses, what was printed, and the seconds from the first end to the last."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    logs = [folder / f"log{attempt}.{rank}" for rank in range(processes)]
    group = []
    for rank, log in enumerate(logs):
        place = {
            "RANK": str(rank), "WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
            "TORCHELASTIC_RESTART_COUNT": str(attempt),
        }  # fmt: skip
        with open(log, "w") as to:
            env = environment(backend, **place)
            group.append(
                subprocess.Popen([sys.executable, *command], env=env, stdout=to, stderr=subprocess.STDOUT)
            )
    first, begin = None, time.monotonic()
    try:
        while any(one.poll() is None for one in group):
            if first is None and any(one.poll() is not None for one in group):
                first = time.monotonic()
            if time.monotonic() - begin > HANGS:
                raise AssertionError(f"the group hangs: {[log.read_text() for log in logs]}")
            time.sleep(0.02)
    finally:
        for one in group:
            one.kill()
    took = time.monotonic() - (first or time.monotonic())
    return [one.wait() for one in group], [log.read_text() for log in logs], took


def by_hand(
    folder: pathlib.Path, plan: list, backend: str, processes: int, attempt: int
) -> tuple[list[int], list[str], float]:
    """One start of the training."""
    return started(folder, [str(SCRIPT), str(folder), json.dumps(plan)], backend, processes, attempt)


def chain_by_hand(folder: pathlib.Path, plan: list, backend: str, processes: int) -> list[dict]:
    kills = []
    for attempt in range(len(plan) + 1):
        states, texts, took = by_hand(folder, plan, backend, processes, attempt)
        if all(state == 0 for state in states):
            return kills
        killed = plan[attempt][0] if attempt < len(plan) else None
        assert killed is not None, (attempt, states, texts)
        assert states[killed] == -9, (attempt, states, texts)
        others = [
            (state, text)
            for rank, (state, text) in enumerate(zip(states, texts, strict=True))
            if rank != killed
        ]
        named = all(f"process {killed} of {processes}" in text for _, text in others)
        kills.append(
            {
                "kill": plan[attempt],
                "seconds": round(took, 2),
                "named": named,
                "others": [s for s, _ in others],
            }
        )
    raise AssertionError(f"{folder}: the last start failed, too")


def chain_by_launch(folder: pathlib.Path, plan: list, backend: str, processes: int) -> list[dict]:
    command = [
        sys.executable, "-m", "lamina", "launch", "--processes", str(processes), "--restarts", str(len(plan)), str(SCRIPT),
        str(folder), json.dumps(plan),
    ]  # fmt: skip
    with open(folder / "log", "w") as log:
        status = subprocess.run(
            command, env=environment(backend), stdout=log, stderr=subprocess.STDOUT, timeout=HANGS * 4
        ).returncode
    text = (folder / "log").read_text()
    assert status == 0, text
    killed = re.findall(r"lamina launch: process (\d+) was ended by SIGKILL", text)
    kills = re.findall(r"\[(\d+)\] KILLED", text)
    assert killed == kills, text
    return [{"kill": plan[i], "named": True} for i in range(len(kills))]


def ends_alike(folder: pathlib.Path, reference: pathlib.Path) -> bool:
    """Whether two runs ended with the same bits."""
    with np.load(folder / "end.npz") as one, np.load(reference / "end.npz") as other:
        return set(one) == set(other) and all(np.array_equal(one[name], other[name]) for name in one)


def reference(folder: pathlib.Path, backend: str, processes: int) -> float:
    """A run that is left alone; gives the seconds of its training."""
    folder.mkdir()
    states, texts, _ = by_hand(folder, [], backend, processes, 0)
    assert states == [0] * processes, texts
    (joined,), (ended,) = (re.findall(rf"{word} ([\d.]+)", texts[0]) for word in ("JOINED", "ENDED"))
    return float(ended) - float(joined)


def chain(
    folder: pathlib.Path, seed: int, backend: str, processes: int, whole: pathlib.Path, fit: float
) -> dict:
    """One chain; gives what is written of it."""
    folder.mkdir()
    plan = drawn(seed, processes, fit)
    how = chain_by_launch if seed % 2 else chain_by_hand
    kills = how(folder, plan, backend, processes)
    return {
        "backend": backend, "processes": processes, "seed": seed, "started": "launch" if seed % 2 else "by hand",
        "kills": kills, "equal": ends_alike(folder, whole),
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=50, help="how many kills")
    parser.add_argument("--backend", default="jax")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("kills.jsonl"))
    given = parser.parse_args(arguments)
    lines = [json.loads(line) for line in given.out.read_text().splitlines()] if given.out.exists() else []
    same = [
        line for line in lines if (line["backend"], line["processes"]) == (given.backend, given.processes)
    ]
    done, seed = (
        sum(len(line["kills"]) for line in same),
        max([given.first, *(line["seed"] + 1 for line in same)]),
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        fit = reference(folder / "whole", given.backend, given.processes) if done < given.count else 0.0
        while done < given.count:
            found = chain(folder / str(seed), seed, given.backend, given.processes, folder / "whole", fit)
            done, seed = done + len(found["kills"]), seed + 1
            with open(given.out, "a") as out:
                out.write(json.dumps(found) + "\n")
            print(f"{done} kills", json.dumps(found), flush=True)
            if not found["equal"]:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
