"""The changes that wait for one client: one for each row, bounded, never older than the client's rows."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from faust_redis.log import Position, StoredRecord
from hypothesis import given
from hypothesis import strategies as st

from api.kit.feeds.change import Change, Changes, RowKey
from api.kit.feeds.feed_offset import FeedOffset
from api.kit.feeds.follower import WAKES_AT_ONCE, wake_in_turns
from api.kit.feeds.subscriber import ResyncReason, Subscriber


def changed(offset: int, row: str | None = None, partition: int = 0, channel: str = "c") -> Changes:
    record = StoredRecord(offset, 0, b"k", b"v")
    one = Change(partition, offset, RowKey(partition, row or offset), (channel,), record, lambda: {"offset": offset})
    return Changes([one])


def subscriber(pending_max: int = 10) -> Subscriber:
    return Subscriber(None, pending_max=pending_max)


def test_later_changes_of_a_row_replace_earlier_ones() -> None:
    one = subscriber()
    for offset in (0, 1, 2):
        one.offer(changed(offset, "alice"))
    one.offer(changed(3, "bob"))
    assert [c.offset for c in one.take()] == [2, 3]
    assert one.conflated == 2
    assert not one.take()


def test_a_fast_subscriber_shares_the_common_delta_and_a_slow_one_does_not_change_it() -> None:
    keeps_up, is_behind = subscriber(), subscriber()
    first, second = changed(0, "alice"), changed(1, "alice")
    for one in (keeps_up, is_behind):
        one.offer(first)
    assert keeps_up.take() is first
    for one in (keeps_up, is_behind):
        one.offer(second)
    assert keeps_up.take() is second
    assert [c.offset for c in is_behind.take()] == [1]
    assert [c.offset for c in first] == [0]
    assert (keeps_up.conflated, is_behind.conflated) == (0, 1)


def test_a_common_delta_has_the_newest_of_each_row_and_is_encoded_once() -> None:
    both = Changes(one for n in range(3) for one in changed(n, "alice" if n < 2 else "bob"))
    assert [c.offset for c in both] == [1, 2]
    assert both.conflated == 1
    assert both.rows == b'{"rows":[{"offset":1},{"offset":2}]}'
    assert both.rows is both.rows


def test_an_older_change_never_replaces_a_newer_one() -> None:
    one = subscriber()
    one.offer(changed(5, "alice"))
    one.offer(changed(4, "alice"))
    assert [c.offset for c in one.take()] == [5]


def test_a_subscriber_with_too_many_rows_starts_afresh_and_takes_no_more() -> None:
    one = subscriber(pending_max=2)
    for offset in range(5):
        one.offer(changed(offset))
    assert one.lost is ResyncReason.SLOW
    assert not one.take()
    one.restart()
    one.offer(changed(9))
    assert [c.offset for c in one.take()] == [9]


def test_a_row_of_the_snapshot_is_not_sent_again() -> None:
    one = subscriber()
    for offset in range(6):
        one.offer(changed(offset))
    one.know(Position("t", "e", {0: 4}))
    one.offer(changed(3, "late"))
    assert [c.offset for c in one.take()] == [4, 5]
    assert one.resume_id(FeedOffset(Position("t", "e", {0: 2, 1: 7}), {})) == "e:0-4.1-7"
    beyond = FeedOffset(Position("t", "e", {0: 4, 1: 8}), {})
    assert one.resume_id(beyond) == beyond.tag(beyond.position)
    one.offer(changed(3, "of a log that lost some"))  # The subscriber has no floor now, so it takes any offset.
    assert len(one.take()) == 1


def test_subscribers_with_the_same_offsets_get_the_same_event_id() -> None:
    delivered, floor = FeedOffset(Position("t", "e", {0: 2}), {}), Position("t", "e", {0: 5})
    some = [subscriber() for _ in range(2)]
    for one in some:
        one.know(floor)
    received = [one.resume_id(delivered) for one in some]
    assert received[0] is received[1]
    some[0].know(Position("t", "e", {0: 6}))
    assert [one.resume_id(delivered) for one in some] == ["e:0-6", "e:0-5"]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_whatever_the_pace_the_last_value_of_every_row_arrives(steps: list[tuple[int, bool]]) -> None:
    one = subscriber(pending_max=4)
    table: dict[int, int] = {}
    received: dict[int, int] = {}
    for offset, (row, read) in enumerate(steps):
        one.offer(changed(offset, f"r{row}"))
        table[row] = offset
        if read:
            received.update({int(str(c.key.name)[1:]): c.offset for c in one.take()})
    received.update({int(str(c.key.name)[1:]): c.offset for c in one.take()})
    assert received == table


async def test_many_subscribers_that_wake_leave_turns_to_others() -> None:
    many = [subscriber() for _ in range(10 * WAKES_AT_ONCE)]
    served = 0

    async def serve(one: Subscriber) -> None:
        nonlocal served
        await one.wait()
        served += 1

    serving = [asyncio.create_task(serve(one)) for one in many]
    await asyncio.sleep(0)
    waking = asyncio.create_task(wake_in_turns(many))
    seen = [0]
    while served < len(many):
        await asyncio.sleep(0)
        seen.append(served)
    await asyncio.gather(waking, *serving)
    assert max(after - before for before, after in pairwise(seen)) <= WAKES_AT_ONCE
