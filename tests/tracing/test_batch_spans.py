"""A batch is recorded once, when it is committed; a failure is recorded always."""

from __future__ import annotations

from typing import Any

import pytest
from faust.types import TP
from faust_redis.hooks import BatchBegun, BatchFinished, Committed, DeadLettered, Rebalanced, Retried

from deploy.run.batch_spans import BatchSpans
from streams import spans as names
from streams.events import AnyEvent, encode
from streams.handling import BATCH
from streams.ids import new_id
from streams.spans import KAFKA, LINKS_MAX, REDIS_STREAMS, Kind, Span
from streams.trace_context import SpanRef, span_id_of
from tests.unit.streams.test_lineage import FACT, REQUEST

TOPIC, PARTITION = "astra.trading.commands.v1", 2
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Recorded:
    """Keeps spans in a list, and counts nanoseconds."""

    dropped = 0

    def __init__(self, *, sampled: bool = True, of_ids: bool | None = None) -> None:
        """Decide like this by lot, and where the id of a trace is known, like `of_ids` if it is given."""
        self._sampled, self._of_ids = sampled, of_ids
        self.spans: list[Span] = []
        self.time_ns = 10**9
        self.ids = 0

    def now_ns(self) -> int:
        self.time_ns += 1_000
        return self.time_ns

    def samples(self, trace_id: str | None = None) -> bool:
        return self._sampled if trace_id is None or self._of_ids is None else self._of_ids

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:016x}"

    def add(self, span: Span) -> None:
        self.spans.append(span)

    def names(self) -> list[str]:
        return [span.name.split()[0] for span in self.spans]


class Batch:
    topic, partition = TOPIC, PARTITION

    def __init__(self, begin: int, events: list[AnyEvent]) -> None:
        self.offset = begin
        self.values = [encode(event) for event in events]

    def __getitem__(self, index: int) -> Batch:
        return self


def command(trace: str = TRACE, flags: str = "01") -> AnyEvent:
    traceparent = f"00-{trace}-00f067aa0ba902b7-{flags}"
    return type(REQUEST).first(
        REQUEST.data, event_id=new_id(REQUEST.time), time=REQUEST.time, key="ada", rules_version=1,
        traceparent=traceparent,
    )  # fmt: skip


def hand(hooks: BatchSpans, begin: int, *events: AnyEvent, effects: bool = True) -> list[AnyEvent]:
    """Let an agent handle a batch; each event has an effect."""
    followed = [event.then(FACT.data) for event in events] if effects else []
    hooks.on_batch_begun(BatchBegun(TOPIC, PARTITION, begin, len(events)))
    BATCH.set(Batch(begin, list(events)))
    hooks.handled(events, followed)
    BATCH.set(None)
    hooks.on_batch_finished(BatchFinished(TOPIC, PARTITION, begin, len(events), 0.1, succeeded=True))
    return followed


def commit(hooks: BatchSpans, offset: int) -> None:
    hooks.on_commit(Committed(1, {TP(TOPIC, PARTITION): offset}, 0.001))


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


@pytest.fixture
def hooks(recorded: Recorded) -> BatchSpans:
    return BatchSpans(recorded, "astratrade-trading", system=REDIS_STREAMS)


def test_a_batch_is_recorded_when_its_commit_is_written(recorded: Recorded, hooks: BatchSpans) -> None:
    event = command()
    [effect] = hand(hooks, 7, event)
    commit(hooks, 7)
    assert not recorded.spans
    commit(hooks, 8)
    process, send, settle = recorded.spans
    assert (process.kind, send.kind, settle.kind) == (Kind.CONSUMER, Kind.PRODUCER, Kind.CLIENT)
    assert process.parent_id == span_id_of(event.id)
    assert process.links == [SpanRef(TRACE, span_id_of(event.id))]
    assert send.ref == SpanRef(TRACE, span_id_of(effect.id))
    assert {send.parent_id, settle.parent_id} == {process.ref.span_id}
    assert process.attributes[names.GROUP] == "astratrade-trading"
    assert settle.attributes[names.OPERATION_TYPE] == "settle"
    commit(hooks, 9)
    assert len(recorded.spans) == 3


def test_a_batch_without_a_sampled_event_is_not_recorded(recorded: Recorded, hooks: BatchSpans) -> None:
    hand(hooks, 0, command(flags="00"))
    commit(hooks, 1)
    assert not recorded.spans


def test_each_trace_of_a_batch_has_a_span_of_its_own_and_links_are_capped(
    recorded: Recorded, hooks: BatchSpans
) -> None:
    others = [command("b" * 32) for _ in range(LINKS_MAX + 3)]
    hand(hooks, 0, command(), *others, command(flags="00"), effects=False)
    commit(hooks, len(others) + 2)
    first, second = (span for span in recorded.spans if span.kind is Kind.CONSUMER)
    assert (first.ref.trace_id, len(first.links)) == (TRACE, 1)
    assert (second.ref.trace_id, len(second.links)) == ("b" * 32, LINKS_MAX)
    assert second.attributes[names.LINKS_DROPPED] == 3
    assert first.attributes[names.MESSAGE_COUNT] == len(others) + 2


def test_a_batch_that_is_processed_again_is_recorded_once(recorded: Recorded, hooks: BatchSpans) -> None:
    event, second = command(), command()
    hand(hooks, 0, event, second)
    hand(hooks, 0, event)
    hand(hooks, 1, second)
    commit(hooks, 2)
    assert recorded.names() == ["process", "send", "commit"] * 2


def test_a_member_that_loses_its_partitions_records_nothing_of_what_it_had_not_committed(
    recorded: Recorded, hooks: BatchSpans
) -> None:
    hand(hooks, 0, command())
    hooks.on_rebalance(Rebalanced(2, 4, 0.1))
    commit(hooks, 1)
    assert not recorded.spans


def test_on_kafka_a_batch_is_recorded_when_it_is_finished(recorded: Recorded) -> None:
    hand(BatchSpans(recorded, "astratrade-trading", system=KAFKA), 0, command())
    assert recorded.names() == ["process", "send"]


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize("letter", [False, True])
def test_a_failure_is_recorded_whether_its_trace_is_sampled_or_not(
    recorded: Recorded, hooks: BatchSpans, flags: str, *, letter: bool
) -> None:
    event = command(flags=flags)
    BATCH.set(Batch(5, [event]))
    error: Any = ValueError("'ada' owes 3 USD")
    if letter:
        hooks.on_dead_letter(DeadLettered(TOPIC, PARTITION, 5, 1, "trading-commands", error))
    else:
        hooks.on_retry(Retried(TOPIC, PARTITION, 5, 1, 0.1, error))
    BATCH.set(None)
    [span] = recorded.spans
    assert (span.ref.trace_id, span.error) == (TRACE, "ValueError")
    assert span.attributes.get(names.DEAD_LETTER, False) is letter
    assert "ada" not in str(span)


def test_a_failure_of_an_event_without_a_trace_is_not_recorded(recorded: Recorded, hooks: BatchSpans) -> None:
    BATCH.set(Batch(5, [REQUEST]))
    hooks.on_retry(Retried(TOPIC, PARTITION, 5, 1, 0.1, ValueError()))
    BATCH.set(None)
    assert not recorded.spans
