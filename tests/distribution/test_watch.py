"""The watch of a group of processes: what it concludes from what it hears, on sockets of one process."""

import socket
import threading
from collections.abc import Iterator

import pytest

from lamina.backends import process
from lamina.distribution import group, watch
from lamina.distribution.links import listen
from lamina.distribution.watch import Place, Watch, conflict
from lamina.training.run import agreement
from lamina.training.run.agreement import Fact, agree
from lamina.training.run.pace import Times, slowest

GUARD = 60.0  # seconds against hanging


def at(turns: int, waits: str | None = None, left: bool = False) -> Place:
    return Place(turns=turns, doing=f"step {turns}", waits=waits, left=left)


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([at(3), at(5)], None),  # one is slower
        ([at(3, "the end of epoch 1"), at(3)], None),  # which has steps to finish
        ([at(3, "the end of epoch 1"), at(2)], None),  # and to begin
        ([at(3, "the end of epoch 1"), at(4)], (0, 1, "is in step 4")),
        ([at(3, "a"), at(3, "a")], None),
        ([at(3, "a"), at(3, "b")], (0, 1, "waits at b")),
        ([at(3, left=True), at(3)], None),  # the other goes on alone
        ([at(3, left=True), at(4)], (0, 1, "is in step 4")),
        ([at(3, left=True), at(3, "a")], (0, 1, "waits at a")),
        ([at(3, left=True), at(3, left=True)], None),
        ([at(9), at(9), at(9), at(8, "a")], (3, 0, "is in step 9")),
    ],
)
def test_who_waits_for_ever(places: list[Place], found: tuple | None) -> None:
    assert conflict(dict(enumerate(places))) == found


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Statuses of processes that were ended, which would be this one."""
    found: list[int] = []
    monkeypatch.setattr(process, "end", found.append)
    monkeypatch.setattr(process, "at_end", lambda function: None)
    monkeypatch.setattr(process, "in_forks", lambda function: None)
    monkeypatch.setattr(watch, "BEAT", 0.05)
    return found


@pytest.fixture
def three(ends: list[int]) -> Iterator[list[Watch]]:
    """Three watches, as of three processes."""
    made = [Watch(rank, 3, "secret") for rank in range(3)]
    with listen("127.0.0.1") as server:
        for one in made[1:]:
            one.reach("127.0.0.1", server.getsockname()[1])
        made[0].accept(server, GUARD)
    assert all(one.linked for one in made)
    threads = [threading.Thread(target=one._run, daemon=True) for one in made]
    for thread in threads:
        thread.start()
    yield made
    for one in made:
        one._end("the test is over")
        one._limit = 0.0
    for thread, one in zip(threads, made, strict=True):
        thread.join(GUARD)
        one.close()
    assert ends == [watch.FOLLOWED] * 3


def test_texts_of_all(three: list[Watch]) -> None:
    for place in ("a", "b", "a"):  # a name may come again
        found: dict[int, list[str] | None] = {}
        threads = [
            threading.Thread(
                target=lambda one=one: found.update({one.rank: one.gather(place, f"of {one.rank}")})
            )
            for one in three
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(GUARD)
        assert found == {rank: ["of 0", "of 1", "of 2"] for rank in range(3)}


def test_an_end_is_heard_by_all(three: list[Watch], ends: list[int], capfd: pytest.CaptureFixture) -> None:
    three[2].links[0].connection.shutdown(socket.SHUT_RDWR)  # as the system does when a process has ended
    for one in three[:2]:
        verdict = one.wait_for_verdict(GUARD)
        assert verdict is not None
        assert verdict.startswith("process 2 of 3 (pid ")
        assert verdict.endswith("does not answer any more: it was killed, or it crashed")
    assert "lamina: process 2 of 3 (pid " in capfd.readouterr().err


def test_an_error_is_heard_by_all(three: list[Watch]) -> None:
    three[1].links[0].send({"kind": "failed", "why": "ended with ValueError: of the user"})
    assert "process 1 of 3" in (three[0].wait_for_verdict(GUARD) or "")
    assert "ended with ValueError: of the user" in (three[2].wait_for_verdict(GUARD) or "")


def test_silence_is_heard(three: list[Watch], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(three[1], "_beat", lambda judges: None)
    three[0].silence = 0.2
    assert "has not answered for" in (three[0].wait_for_verdict(GUARD) or "")


def test_waiting_for_one_that_does_something_else(three: list[Watch]) -> None:
    three[2].turn("step 7 of epoch 2")
    assert three[1].gather("the end of epoch 1", "") is None
    for one in three:
        verdict = one.wait_for_verdict(GUARD) or ""
        assert "process 1 of 3" in verdict
        assert "waits at the end of epoch 1, and process 2 of 3" in verdict
        assert "is in step 7 of epoch 2, which needs all of them" in verdict


def test_leaving_is_no_failure(three: list[Watch]) -> None:
    three[1].links[0].send({"kind": "left", **three[1]._state()})
    three[1].links[0].connection.shutdown(socket.SHUT_RDWR)
    assert three[0].wait_for_verdict(1.0) is None
    three[2].turn("step 1 of epoch 9")
    assert "has come to the end of its script" in (three[0].wait_for_verdict(GUARD) or "")


def test_strangers_are_not_heard(ends: list[int]) -> None:
    hub, other = Watch(0, 2, "secret"), Watch(1, 2, "guessed")
    with listen("127.0.0.1") as server:
        other.reach("127.0.0.1", server.getsockname()[1])
        hub.accept(server, 0.3)
    assert not hub.linked
    for one in (hub, other):
        one.close()


def test_what_was_printed_is_flushed_before_the_end() -> None:
    import subprocess
    import sys

    text = "from lamina.backends import process; print('told', end=''); process.end(75)"
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (75, "told")


# -- what must be equal ------------------------------------------------------------------------------------------------


def facts(**values: str) -> list[Fact]:
    return [Fact(name, f"the {name}", value) for name, value in values.items()]


def test_what_differs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others = facts(a="1", b="2"), facts(a="1", b="3", c="4")
    asked: list[str] = []

    def gather(name: str, text: str) -> list[str]:
        asked.append(name)
        return [text, agreement.written(others) if len(asked) > 1 else "another digest"]

    monkeypatch.setattr(group, "gather", gather)
    with pytest.raises(agreement.ProcessError) as caught:
        agree("the beginning", mine)
    assert str(caught.value).splitlines()[1:3] == [
        "  process 1 has the b 3, process 0 2",
        "  process 1 has the c 4, process 0 none",
    ]
    assert asked == ["the beginning", "the beginning, in words"]


def test_names_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    digests: list[str] = []
    monkeypatch.setattr(group, "gather", lambda name, text: digests.append(text) or [text])
    agree("x", [Fact("variable 0", "dense/kernel", "(8, 3)")])
    agree("x", [Fact("variable 0", "dense_1/kernel", "(8, 3)")])
    agree("x", [Fact("variable 0", "dense/kernel", "(8, 4)")])
    assert digests[0] == digests[1] != digests[2]


# -- who is slow -------------------------------------------------------------------------------------------------------


def test_who_is_slow() -> None:
    even = [Times(10, 0.5, 0.1, 3.0)] * 3
    assert slowest(even) is None
    waits = Times(10, 0.5, 0.1, 9.0)  # in steps, for the one that comes late
    assert slowest([waits, waits, Times(10, 6.5, 0.1, 3.0)]) == (
        "process 2 took 2.7 times as long as the others (data 68%)"
    )
    assert slowest([Times(10, 0.5, 9.0, 3.0), waits]) == (
        "process 0 took 3.5 times as long as the others (callbacks 72%)"
    )
    assert slowest([Times(10, 0.05, 0.0, 0.05), Times(10, 0.4, 0.0, 0.01)]) is None  # too short to matter
