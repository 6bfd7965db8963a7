"""The clock ticks each second once into every partition, from one leader, and never back."""

from __future__ import annotations

import asyncio

import pytest
from faust_redis.admin import Admin
from faust_redis.log import Log, TopicPartition, TopicSpec

from streams import topics
from streams.clock import BEHIND_S_MAX, TAKEOVER_S, Clock
from streams.events import AnyEvent, decode
from streams.events.clock import Ticked
from streams.times import SECOND_US, Instant
from streams.trace_context import SpanRef, is_sampled, span_id_of, span_of
from tests.tracing.test_batch_spans import Recorded

SPEC = TopicSpec(topics.CLOCK, 3, retention_ms=3_600_000)
START = Instant.parse("2026-01-05T12:00:00Z")


class Time:
    """A wall clock and a monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.wall, self.monotonic = START, 100.0

    def pass_s(self, seconds: float) -> None:
        self.wall = Instant(self.wall + int(seconds * SECOND_US))
        self.monotonic += seconds

    def clock(self, log: Log, *, ahead_s: int = 0) -> Clock:
        return Clock(log, SPEC, lambda: Instant(self.wall + ahead_s * SECOND_US), lambda: self.monotonic)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def first(log: Log, time: Time) -> Clock:
    """Return a clock that leads."""
    clock = time.clock(log)
    await clock.open()
    await clock.step()
    return clock


async def ticks(log: Log, partition: int = 0) -> list[AnyEvent]:
    place = TopicPartition(topics.CLOCK, partition)
    found = (await log.fetch({place: 0}, count=1_000)).get(place, [])
    return [decode(record.value) for record in found]


async def times(log: Log, partition: int = 0) -> list[int]:
    """Return the seconds after the start of all ticks."""
    return [(event.time - START) // SECOND_US for event in await ticks(log, partition)]


@pytest.mark.parametrize("sampled", [True, False])
async def test_a_tick_begins_a_trace_where_the_lot_says_so(log: Log, time: Time, *, sampled: bool) -> None:
    spans = Recorded(sampled=sampled)
    clock = Clock(log, SPEC, lambda: time.wall, lambda: time.monotonic, spans=spans)
    await clock.open()
    await clock.step()
    await clock.step()
    [tick] = await ticks(log)
    assert [span.name for span in spans.spans] == [f"send {topics.CLOCK}"] * sampled
    assert is_sampled(tick.traceparent) is sampled
    for span in spans.spans:
        assert (span.ref, span.parent_id) == (span_of(tick.traceparent or ""), "")
        assert span.ref == SpanRef(tick.id.replace("-", ""), span_id_of(tick.id))
        assert span.attributes["messaging.batch.message_count"] == SPEC.partitions


async def test_a_tick_that_another_clock_was_first_with_is_not_recorded(log: Log, time: Time) -> None:
    spans, other = Recorded(), time.clock(log)
    clock = Clock(log, SPEC, lambda: time.wall, lambda: time.monotonic, spans=spans)
    for each in (clock, other):
        await each.open()
    await other.lead()
    await clock.lead()
    assert clock.counts.refused == 1
    assert spans.spans == []


async def test_a_tick_reaches_every_partition_with_its_number(log: Log, first: Clock) -> None:
    found = [await ticks(log, partition) for partition in range(SPEC.partitions)]
    assert len(found[0]) == 1
    assert {(event.id, event.time) for [event] in found} == {(found[0][0].id, START)}
    assert [event.data for [event] in found] == [Ticked(partition=number, partitions=3) for number in range(3)]
    assert first.trouble is None


async def test_each_second_is_ticked_once(log: Log, first: Clock, time: Time) -> None:
    for _ in range(8):
        time.pass_s(0.25)
        await first.step()
    assert await times(log) == [0, 1, 2]


async def test_after_a_pause_the_clock_ticks_the_present_and_not_each_missed_second(
    log: Log, first: Clock, time: Time
) -> None:
    time.pass_s(3_600)
    await first.step()
    assert await times(log) == [0, 3_600]


async def test_the_clock_never_ticks_back_when_the_wall_clock_does(log: Log, first: Clock, time: Time) -> None:
    time.wall = Instant(START - 60 * SECOND_US)
    time.monotonic += 1
    await first.step()
    assert await times(log) == [0]
    assert first.behind_s() == 60 > BEHIND_S_MAX
    assert first.trouble is not None
    assert "60 s behind" in first.trouble
    time.wall = Instant(START + SECOND_US)
    await first.step()
    assert await times(log) == [0, 1]


async def test_a_second_clock_waits_and_takes_over_within_seconds(log: Log, first: Clock, time: Time) -> None:
    second = time.clock(log)
    await second.open()
    for _ in range(5):
        time.pass_s(1)
        await first.step()
        await second.step()
    assert (first.leads, second.leads) == (True, False)
    for _ in range(int(TAKEOVER_S)):
        time.pass_s(1)
        await second.step()
    assert second.leads
    assert await times(log) == [0, 1, 2, 3, 4, 5, 8]


async def test_two_clocks_that_both_lead_never_double_a_tick_and_one_of_them_gives_way(
    log: Log, first: Clock, time: Time
) -> None:
    second = time.clock(log, ahead_s=1)
    await second.open()
    second.leads = True
    time.pass_s(1)
    await asyncio.gather(first.step(), second.step())
    assert first.counts.refused + second.counts.refused == 1
    assert first.leads != second.leads
    for _ in range(5):
        time.pass_s(1)
        await first.step()
        await second.step()
    found = await times(log)
    assert found == sorted(set(found))


async def test_a_clock_continues_after_the_broker_was_flushed(log: Log, first: Clock, time: Time) -> None:
    await Admin(log).delete_topic(topics.CLOCK)
    time.pass_s(1)
    await first.open()
    await first.step()
    assert await times(log) == [1]


async def test_the_topic_keeps_its_ticks_for_an_hour(log: Log, first: Clock) -> None:
    assert first.leads
    assert (await log.topic(topics.CLOCK, fresh=True)).spec.retention_ms == SPEC.retention_ms
