"""A tick finds what is due, and reads no deadline before its day."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.financial.agenda import Deadlines
from streams.times import DAY_US
from tables.financial import Due
from tables.unit_of_work import UnitOfWork


class Maps(dict[str, "Counting"]):
    def __missing__(self, name: str) -> Counting:
        self[name] = Counting()
        return self[name]


class Counting(dict[bytes, bytes]):
    """A table that counts its scans."""

    scans = 0

    def items(self) -> Any:
        self.scans += 1
        return super().items()


def of(maps: Maps) -> Deadlines:
    return Deadlines(UnitOfWork(lambda spec: maps[spec.name]))


TIMES = st.integers(0, 5 * DAY_US)


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "take"]), TIMES, st.sampled_from("abc")), max_size=30))
def test_each_deadline_is_taken_once_by_the_first_tick_that_has_reached_it(steps: list[tuple[str, int, str]]) -> None:
    deadlines, known = of(Maps()), set[tuple[int, str]]()
    for step, at, subject in steps:
        due = Due(at=at, kind="plan", subject=subject)
        if step == "add":
            deadlines.add(due)
            known.add((at, subject))
        elif step == "remove":
            deadlines.remove(due)
            known.discard((at, subject))
        else:
            expected = sorted(one for one in known if one[0] <= at)
            assert [(one.at, one.subject) for one in deadlines.take(at)] == expected
            known -= set(expected)


def test_a_tick_before_the_first_deadline_scans_nothing() -> None:
    maps = Maps()
    deadlines = of(maps)
    for number in range(5):
        deadlines.add(Due(at=(number + 2) * DAY_US, kind="plan", subject=f"u-{number}"))
    scans = maps["financial-due"].scans
    assert deadlines.take(2 * DAY_US - 1) == []
    assert maps["financial-due"].scans == scans
