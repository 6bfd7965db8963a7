"""Deadlines: each is handled once, in order, by the first tick that has reached its time."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.deadlines import Deadlines
from streams.events import AnyEvent, Event
from streams.events.clock import Ticked, ticked
from streams.times import Instant
from tables.deadlines import Deadline
from tables.typed import TypedTable

PER_TICK_MAX = 20


class Due:
    """Deadlines over a dictionary, with a handler that notes its subjects."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.deadlines: Deadlines[Literal["entry"]] = Deadlines(TypedTable(self.rows, Deadline), PER_TICK_MAX)
        self.handled: list[str] = []
        self.deadlines.on({"entry": self._note})

    def _note(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        del tick
        self.handled.append(subject)
        return []

    def tick(self, at: int) -> list[str]:
        self.handled = []
        tick: Any = ticked(Instant(at))
        assert self.deadlines.act(tick) == []
        return self.handled


@pytest.fixture
def due() -> Due:
    return Due()


def test_deadlines_are_handled_once_in_the_order_of_their_times(due: Due) -> None:
    for subject, at in (("c", 30), ("a", 10), ("b", 20), ("d", 40)):
        due.deadlines.add("entry", subject, at)
    assert due.tick(9) == []
    assert due.tick(30) == ["a", "b", "c"]
    assert due.tick(30) == []
    assert due.tick(40) == ["d"]
    assert due.rows == {}


def test_a_subject_may_hold_the_separator(due: Due) -> None:
    due.deadlines.add("entry", "a|b", 10)
    assert due.tick(10) == ["a|b"]


def test_one_tick_handles_a_bounded_number_of_deadlines(due: Due) -> None:
    for number in range(PER_TICK_MAX + 5):
        due.deadlines.add("entry", f"{number:05d}", 10)
    assert len(due.tick(10)) == PER_TICK_MAX
    assert due.tick(10) == [f"{PER_TICK_MAX + number:05d}" for number in range(5)]


def test_a_tick_reads_one_row_more_than_what_is_due_and_writes_none_if_nothing_is(due: Due) -> None:
    for subject, at in (("a", 100), ("b", 200), ("c", 300)):
        due.deadlines.add("entry", subject, at)
    due.rows[max(due.rows)] = b"no row"  # a tick that read it would fail
    before = dict(due.rows)
    assert due.tick(99) == []
    assert due.rows == before
    assert due.tick(100) == ["a"]


def test_a_removed_deadline_is_not_handled(due: Due) -> None:
    due.deadlines.add("entry", "a", 10)
    due.deadlines.remove("entry", "a", 10)
    due.deadlines.remove("entry", "b", 10)
    assert due.tick(10) == []


STEPS = st.tuples(st.sampled_from(["add", "remove", "tick"]), st.integers(0, 50), st.sampled_from("abc"))


@given(st.lists(STEPS, max_size=PER_TICK_MAX))
def test_each_deadline_is_handled_by_the_first_tick_that_has_reached_it(steps: list[tuple[str, int, str]]) -> None:
    due, known = Due(), set[tuple[int, str]]()
    for step, at, subject in steps:
        if step == "add":
            due.deadlines.add("entry", subject, at)
            known.add((at, subject))
        elif step == "remove":
            due.deadlines.remove("entry", subject, at)
            known.discard((at, subject))
        else:
            passed = sorted(one for one in known if one[0] <= at)
            assert due.tick(at) == [one[1] for one in passed]
            known -= set(passed)
