from __future__ import annotations

import hashlib

import pytest
from faust.types import TP
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.log import Preconditions
from hypothesis import given
from hypothesis import strategies as st

TP0 = TP("t", 0)


def delivered(count: int, base: int = 0) -> OffsetTracker:
    marks = OffsetTracker()
    marks.reset(TP0, base)
    for offset in range(base, base + count):
        marks.deliver(TP0, offset)
    return marks


@given(st.permutations(range(12)), st.integers(0, 12))
def test_the_watermark_is_the_lowest_unfinished_offset(order: list[int], finished: int) -> None:
    marks = delivered(12)
    done = order[:finished]
    for offset in done:
        marks.finish(TP0, [offset])
        marks.first_unfinished(TP0)
    assert marks.first_unfinished(TP0) == next(o for o in range(13) if o not in done)
    assert marks.in_flight() == 12 - finished


def test_a_commit_shows_what_was_committed_and_what_it_passes() -> None:
    marks = OffsetTracker()
    marks.reset(TP0, 0)
    for offset, evidence in enumerate((b"a", b"", b"c")):
        marks.deliver(TP0, offset, evidence)
    marks.finish(TP0, [0])
    marks.commit(TP0, 1)
    assert marks.preconditions(TP0, 3) == Preconditions(1, hashlib.sha1(b"0:1:c").hexdigest(), 1, 2)
    assert marks.preconditions(TP0, 2) == Preconditions(1, hashlib.sha1(b"0:").hexdigest(), 1, 1)
    assert marks._partitions[TP0].evidence.keys() == {1, 2}


def test_an_event_out_of_turn_is_refused() -> None:
    marks = delivered(2)
    for offset in (1, 3):
        with pytest.raises(AssertionError, match="where 2 was next"):
            marks.deliver(TP0, offset)


def test_only_offsets_above_the_committed_one_are_committable() -> None:
    marks = delivered(3, base=5)
    assert marks.committable() == {}
    marks.finish(TP0, [5, 6])
    assert marks.committable() == {TP0: 7}
    marks.commit(TP0, 7)
    assert marks.committable() == {}
    assert marks.committed(TP0) == 7


def test_late_acks_of_a_partition_given_up_are_ignored() -> None:
    marks = delivered(3)
    marks.forget([TP0])
    marks.finish(TP0, [0, 1, 2])
    assert marks.committable() == {}
    assert TP0 not in marks


@given(st.data())
def test_reopened_events_hold_the_watermark_until_they_are_finished_again(data: st.DataObject) -> None:
    marks, done = delivered(12), set[int]()
    for _ in range(data.draw(st.integers(1, 30))):
        offset = data.draw(st.integers(0, 11))
        if offset in done and data.draw(st.booleans()):
            marks.reopen(TP0, offset)
            done.discard(offset)
        elif offset not in done:
            marks.finish(TP0, [offset])
            done.add(offset)
        assert marks.first_unfinished(TP0) == next(o for o in range(13) if o not in done)
        assert marks.in_flight() == 12 - len(done)


def test_a_committed_event_is_never_reopened() -> None:
    marks = delivered(3)
    marks.finish(TP0, [0, 1])
    marks.commit(TP0, 1)
    marks.reopen(TP0, 1)
    with pytest.raises(AssertionError, match="which is committed"):
        marks.reopen(TP0, 0)


def test_an_offset_past_an_event_in_flight_is_not_taken_for_committed() -> None:
    marks = delivered(3)
    marks.finish(TP0, [1])
    with pytest.raises(AssertionError, match="0 is not finished"):
        marks.commit(TP0, 2)
