"""Start a script in several processes on this machine, which train together.

Each line that a process prints begins with its number. When one of them fails the others are ended, and the exit status is
its own; with --restarts the group begins again then, so that a script with `fit(resume=folder)` goes on from its last state.
The script calls `lamina.distribution.initialize()` before anything else; the variables that torchrun sets are
there as well, for scripts with `torch.distributed`. With --cpu each process has that many simulated devices (jax,
tensorflow).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import IO

from lamina import backends
from lamina.distribution.watch import FOLLOWED

EXAMPLE = "lamina launch --processes 2 --devices 4 --cpu train.py --epochs 3"
FAILURES = (OSError,)
PATIENCE = 5.0  # seconds between asking a process to end and ending it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="how many processes (2)")
    parser.add_argument(
        "--devices", type=int, default=1, metavar="N", help="simulated devices of each, with --cpu (1)"
    )
    parser.add_argument("--cpu", action="store_true", help="compute on the CPU, also where there are others")
    parser.add_argument(
        "--restarts",
        type=int,
        default=0,
        metavar="N",
        help="how often the group begins again after a failure (0)",
    )
    parser.add_argument("--backend", choices=backends.TRAINED, help="the backend (that of the environment)")
    parser.add_argument("script", help="a Python script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")


def execute(given: argparse.Namespace) -> int:
    """Run the group to its end; the exit status is 0, or that of the first process that failed."""
    if given.processes < 1 or given.devices < 1:
        raise OSError("--processes and --devices must be at least 1.")
    if given.restarts < 0:
        raise OSError("--restarts must be at least 0.")
    if given.devices > 1 and not given.cpu:
        raise OSError("--devices simulates devices of a CPU: give --cpu, too. Others are taken as they are.")
    if not os.path.isfile(given.script):
        raise FileNotFoundError(f"there is no script {given.script!r}.")
    for restart in range(given.restarts + 1):
        group = Group([command(given, restart) for _ in range(given.processes)])
        status = group.run()
        if status == 0 or group.interrupted or restart == given.restarts:
            break
        group.say(f"the group begins again, restart {restart + 1} of {given.restarts}")
    return status


def command(given: argparse.Namespace, restart: int = 0) -> tuple[list[str], dict[str, str]]:
    """The command of a process and its environment."""
    env = dict(os.environ)
    if given.backend:
        env["LAMINA_BACKEND"] = env["KERAS_BACKEND"] = given.backend
    if given.cpu:
        env |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        flag = f"--xla_force_host_platform_device_count={given.devices}"
        env["XLA_FLAGS"] = f"{env.get('XLA_FLAGS', '')} {flag}".strip()
        env["LAMINA_CPU_DEVICES"] = str(given.devices)  # for TensorFlow
    env["PYTHONUNBUFFERED"] = "1"  # lines appear when they are printed
    # as torchrun tells it
    env |= {"TORCHELASTIC_RESTART_COUNT": str(restart), "TORCHELASTIC_MAX_RESTARTS": str(given.restarts)}
    return [sys.executable, given.script, *given.arguments], env


class Group:
    """Processes that live and end together.

    Args:
        commands: For each its command and its environment; what tells it its number is added here.
    """

    def __init__(self, commands: list[tuple[list[str], dict[str, str]]]) -> None:
        self.commands = commands
        self.processes: list[subprocess.Popen[str]] = []
        self._printing = threading.Lock()
        self.interrupted = False  # by Ctrl-C or a signal to end
        self._stopped: int | None = None

    def run(self) -> int:
        """Start all, pass on what they print, and wait; the exit status of the group."""
        address = f"127.0.0.1:{free_port()}"
        before = signal.signal(signal.SIGTERM, self._stop)
        readers = []
        try:
            for rank, (command, env) in enumerate(self.commands):
                process = subprocess.Popen(
                    command, env=env | self._place(address, rank), text=True, errors="replace",
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                )  # fmt: skip
                self.processes.append(process)
                for stream, to in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
                    readers.append(
                        threading.Thread(target=self._pass_on, args=(rank, stream, to), daemon=True)
                    )
                    readers[-1].start()
            return self._wait()
        except KeyboardInterrupt:
            self.interrupted = True
            self.say("interrupted: the processes are ended")
            return 130
        finally:
            self._end()
            for reader in readers:
                reader.join(PATIENCE)
            signal.signal(signal.SIGTERM, before)

    def _place(self, address: str, rank: int) -> dict[str, str]:
        count, host, port = str(len(self.commands)), *address.split(":")
        return {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": count,
            "KERAS_DISTRIBUTION_PROCESS_ID": str(rank), "LOCAL_RANK": str(rank), "RANK": str(rank),
            "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": host, "MASTER_PORT": port,
        }  # fmt: skip

    def _pass_on(self, rank: int, stream: IO[str], to: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._printing:
                    to.write(f"[{rank}] {line.rstrip(chr(10))}\n")
                    to.flush()

    def _wait(self) -> int:
        limit = float("inf")
        while True:
            states = [process.poll() for process in self.processes]
            if self._stopped is not None:
                return 128 + self._stopped
            if any(states):
                limit = min(limit, time.monotonic() + PATIENCE)
                # of processes that watch each other the one that failed is named, if it is one of this group
                failed = [
                    (rank, state) for rank, state in enumerate(states) if state not in (None, 0, FOLLOWED)
                ]
                if failed or None not in states or time.monotonic() > limit:
                    return self._failed(failed, states)
            elif None not in states:
                return 0
            time.sleep(0.05)

    def _failed(self, failed: list[tuple[int, int]], states: list[int | None]) -> int:
        """Say which process failed, and how; gives the exit status of the group."""
        rank, state = failed[0] if failed else next((i, s) for i, s in enumerate(states) if s)
        name = signal.Signals(-state).name if state < 0 else ""
        how = f"was ended by {name}" if name else f"failed with exit status {state}"
        others = sum(one is None for one in states)
        self.say(f"process {rank} {how}" + (f"; the other {others} are ended" if others else ""))
        return 128 - state if state < 0 else state

    def _stop(self, number: int, frame: object) -> None:
        self._stopped, self.interrupted = number, True

    def _end(self) -> None:
        """End what still runs: asked first, then without asking.

        What a process started itself lies in its process group, which outlives it.
        """
        if all(process.poll() == 0 for process in self.processes):
            return
        for process in self.processes:
            _signal(process, signal.SIGTERM)
        limit = time.monotonic() + PATIENCE
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, limit - time.monotonic()))
        for process in self.processes:
            _signal(process, signal.SIGKILL)
            process.wait()

    def say(self, text: str) -> None:
        """A line of the group's own."""
        with self._printing:
            print(f"lamina launch: {text}.", file=sys.stderr, flush=True)


def _signal(process: subprocess.Popen[str], number: int) -> None:
    """To a process and to those that it started."""
    with contextlib.suppress(ProcessLookupError):  # nobody is left
        os.killpg(process.pid, number)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
