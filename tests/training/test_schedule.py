"""Who is called when, against a loop that takes one step at a time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.training.run.schedule import Governor, Schedule


def waits_of(waits):
    """What callbacks answer, one after the other; the last answer stays."""
    left = list(waits)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def naive(chunks, waits, every, save):
    """Each step by itself: the calls, and after which batches a state was due."""
    wait, calls, saves, done, total = waits_of(waits), [], [], 0, sum(chunks)
    first = wait()
    until = every if first == 1 else first
    begun = False
    while done < total:
        if not begun:
            calls.append(("begin", done))
            begun = True
        done += 1
        until -= 1
        if until == 0:
            calls.append(("end", done - 1))
            begun = False
            next_wait = wait()
            until = every if next_wait == 1 else next_wait
        if save and done % save == 0:
            saves.append(done)
    if begun:
        calls.append(("end", done - 1))
    return calls, saves


def scheduled(chunks, waits, every, save, paces, heard=True):
    """The same by a Schedule, with dispatches of many steps; and their sizes."""
    schedule = Schedule(waits_of(waits), every, lambda done: save and save - done % save, heard)
    calls, saves, sizes, done, paces = [], [], [], 0, iter(paces)
    for count in chunks:
        end = done + count
        while done < end:
            block = schedule.block(done, end, next(paces, 1))
            assert 1 <= block <= end - done
            assert block <= schedule.left(done)
            if schedule.begins(done):
                calls.append(("begin", done))
            done += block
            sizes.append(block)
            if schedule.ends(done):
                calls.append(("end", done - 1))
            if save and done % save == 0:
                saves.append(done)
    if schedule.over(done):
        calls.append(("end", done - 1))
    return calls, saves, sizes


COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(
    COUNTS, st.lists(st.integers(1, 9), min_size=1, max_size=6), st.integers(1, 7), st.integers(0, 11), COUNTS
)
def test_nobody_is_late_and_nobody_is_called_twice(chunks, waits, every, save, paces):
    assert scheduled(chunks, waits, every, save, paces)[:2] == naive(chunks, waits, every, save)


@settings(max_examples=100, deadline=None)
@given(COUNTS, COUNTS, st.integers(1, 7))
def test_without_callbacks_only_the_clock_and_the_data_cut(chunks, paces, every):
    calls, _, sizes = scheduled(chunks, [1], every, 0, [*paces, *[10**6] * 100], heard=False)
    assert calls == []
    assert len(sizes) <= len(chunks) + len(paces)
    assert sum(sizes) == sum(chunks)


@pytest.mark.parametrize("pace", [1, 2, 5, 7])
def test_dispatches_by_the_clock_end_where_executions_do(pace):
    schedule, done = Schedule(lambda: 0, every=3, heard=False), 4
    schedule.start(done)
    assert not schedule.whole(5)
    for _ in range(4):
        done += schedule.block(done, 100, pace)
        assert schedule.whole(done)
    assert schedule.block(done, done + 2, pace) == 2  # there is no more


def test_an_epoch_that_goes_on_in_the_middle():
    schedule = Schedule(lambda: 3, save=lambda done: 4 - done % 4)
    schedule.start(5)
    assert schedule.begins(5)
    assert schedule.left(5) == 3
    assert not schedule.ends(7)
    assert schedule.left(7) == 1
    assert schedule.ends(8)
    assert not schedule.over(8)
    assert schedule.over(9)


def test_callbacks_that_want_no_call_hear_the_begin_and_the_end():
    assert scheduled([4, 2], [0], 1, 0, [10, 10])[0] == [("begin", 0), ("end", 5)]


def test_stretches_that_callbacks_choose_say_nothing_of_time():
    assert Schedule(lambda: 0).free
    assert Schedule(lambda: 50).free
    assert not Schedule(lambda: 1).free
    assert not Schedule(lambda: 1, every=8).free


def test_the_governor_nears_its_target():
    governor = Governor(target=0.25)
    governor.took(1, 2.0)  # compiles
    assert governor.size == 4
    for _ in range(8):
        governor.took(governor.size, governor.size * 1e-3)
    assert governor.size == 250
    governor.took(250, 250 * 0.5)
    assert governor.size == 1
