"""`lamina launch`: a group of processes that live and end together."""

import json
import os
import pathlib
import time

import pytest

from lamina import cli
from lamina.distribution.watch import FOLLOWED

TELL = """
import json, os, sys
keys = ["KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID", "RANK", "WORLD_SIZE", "LAMINA_CPU_DEVICES", "XLA_FLAGS"]
print(json.dumps([os.environ.get(k) for k in keys] + sys.argv[1:]))
print("to the other stream", file=sys.stderr)
"""
# the first and the last process wait for ever, as they would in a collective
FAILS = """
import os, signal, sys, time
if os.environ["RANK"] == "1":
    {}
time.sleep(600)
"""


def launch(tmp_path: pathlib.Path, text: str, *options: str, arguments: tuple = ()) -> int:
    script = tmp_path / "script.py"
    script.write_text(text)
    return cli.main(["launch", *options, str(script), *arguments])


def test_each_process_knows_its_number_and_each_line_too(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture
) -> None:
    given = ("--epochs", "3")
    assert launch(tmp_path, TELL, "--processes", "2", "--devices", "4", "--cpu", arguments=given) == 0
    out, error = capsys.readouterr()
    for rank, line in enumerate(sorted(out.splitlines())):
        assert line.startswith(f"[{rank}] ")
        count, own, other, size, cpus, flags, *arguments = json.loads(line[4:])
        assert (count, own, other, size) == ("2", str(rank), str(rank), "2")
        assert cpus == "4"
        assert flags.endswith("--xla_force_host_platform_device_count=4")
        assert arguments == ["--epochs", "3"]
    assert sorted(error.splitlines()) == ["[0] to the other stream", "[1] to the other stream"]


@pytest.mark.parametrize(
    ("does", "says", "status"),
    [
        ("sys.exit(3)", "process 1 failed with exit status 3; the other 2 are ended", 3),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "process 1 was ended by SIGKILL; the other 2 are ended",
            137,
        ),
        ("raise ValueError('of the user')", "process 1 failed with exit status 1; the other 2 are ended", 1),
    ],
    ids=["exit", "killed", "error"],
)
def test_one_that_fails_ends_the_others(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture, does: str, says: str, status: int
) -> None:
    assert launch(tmp_path, FAILS.format(does), "--processes", "3") == status
    error = capfd.readouterr().err
    assert f"lamina launch: {says}.\n" in error
    assert ("[1] ValueError: of the user" in error) == (status == 1)


FOLLOWS = """
import os, sys, time
while os.environ["RANK"] == "1" and not os.path.exists({0!r}):
    time.sleep(0.01)
if os.environ["RANK"] == "1":
    time.sleep(0.3)
    sys.exit(4)
open({0!r}, "w")
sys.exit({1})
"""


def test_the_one_that_failed_is_named_not_one_that_followed_it(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture
) -> None:
    assert launch(tmp_path, FOLLOWS.format(str(tmp_path / "there"), FOLLOWED)) == 4
    assert "lamina launch: process 1 failed with exit status 4.\n" in capfd.readouterr().err


def test_a_group_begins_again(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture) -> None:
    text = """
import os, sys, time
count = os.environ["TORCHELASTIC_RESTART_COUNT"]
print("start", count)
if os.environ["RANK"] == "1" and count != "2":
    sys.exit(3)
time.sleep(600 * (count != "2"))
"""
    assert launch(tmp_path, text, "--restarts", "2") == 0
    out, error = capfd.readouterr()
    assert {line for line in out.splitlines() if line[:3] == "[1]"} == {f"[1] start {i}" for i in range(3)}
    assert error.count("process 1 failed with exit status 3; the other 1 are ended.") == 2
    assert "lamina launch: the group begins again, restart 2 of 2.\n" in error
    assert launch(tmp_path, text, "--restarts", "1") == 3


def test_nothing_of_the_group_is_left(tmp_path: pathlib.Path) -> None:
    """Also not what a process started itself, which may take no notice of being asked."""
    folder = str(tmp_path)
    text = f"""
import os, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({folder!r} + '/ready', 'w'); time.sleep(600)"
if os.environ["RANK"] == "0":
    import subprocess
    child = subprocess.Popen([sys.executable, "-c", deaf])
    with open({folder!r} + "/child", "w") as file:
        file.write(str(child.pid))
    time.sleep(600)
while not os.path.exists({folder!r} + "/ready"):
    time.sleep(0.01)
sys.exit(2)
"""
    assert launch(tmp_path, text, "--processes", "2") == 2
    child = int((tmp_path / "child").read_text())
    for _ in range(600):  # it dies some time after it was killed
        if not runs(child):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} still runs")


def runs(process: int) -> bool:
    """Whether it does: one that nobody waited for (a zombie) does not."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--processes", "0"), "must be at least 1"),
        (("--restarts", "-1"), "--restarts must be at least 0"),
        (("--devices", "4"), "give --cpu, too"),
    ],
)
def test_wrong_calls(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture, options: tuple, says: str
) -> None:
    assert launch(tmp_path, TELL, *options) == 1
    assert says in capsys.readouterr().err
    assert cli.main(["launch", str(tmp_path / "absent.py")]) == 2
    assert "there is no script" in capsys.readouterr().err
    assert os.environ.get("RANK") is None
