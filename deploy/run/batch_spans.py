"""Record the spans of one domain: each batch, the events that it sends, and their commit.

A batch is recorded when it is committed, so that a batch that is processed again is recorded once. An agent handles
many traces in one batch; each has a `process` span of its own, which links to the events of that trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from faust_redis.hooks import BatchBegun, BatchFinished, Committed, DeadLettered, Hooks, Rebalanced, Retried

from streams import spans as names
from streams.events import AnyEvent
from streams.handling import BATCH
from streams.spans import LINKS_MAX, Attributes, Kind, Span, Spans
from streams.trace_context import FLAG_SAMPLED, SpanRef, is_sampled, span_id_of, span_of, traceparent_of

Place = tuple[str, int]

_traceparent = attrgetter("traceparent")


class _Batch(NamedTuple):
    """A batch that is not committed yet: its first offset `begin`, the offset `end` after its last, and its traces."""

    begin: int
    end: int
    parts: Sequence[_Part]


class _Part(NamedTuple):
    """What a batch did for one trace: its `process` span, and the events that it sends."""

    process: Span
    sends: Sequence[AnyEvent]


class BatchSpans(Hooks):
    """Hooks of one domain's app, and the observer of its batches."""

    def __init__(self, spans: Spans, group: str, *, system: str) -> None:
        """Record the spans of a consumer group. On Kafka nothing reports commits, so batches count when they finish."""
        self._spans = spans
        self._group = group
        self._system = system
        self._began_ns: dict[Place, int] = {}
        self._pending: dict[Place, list[_Batch]] = defaultdict(list)

    def on_batch_begun(self, batch: BatchBegun, /) -> None:
        """Note the time."""
        self._began_ns[batch.topic, batch.partition] = self._spans.now_ns()

    def handled(self, events: Sequence[AnyEvent], effects: Sequence[AnyEvent]) -> None:
        """Keep what the batch of this task did until it is committed."""
        batch, flags = BATCH.get(), [each[-1] for each in map(_traceparent, events) if each is not None]
        if FLAG_SAMPLED not in flags or batch is None:
            return
        traced = [event for event in events if is_sampled(event.traceparent)]
        place, begin = (batch.topic, batch.partition), batch[0].offset
        process = self._attributes(place, begin, "process", "process") | {names.MESSAGE_COUNT: len(events)}
        sent: dict[str, list[AnyEvent]] = defaultdict(list)
        for effect in effects:
            if is_sampled(effect.traceparent):
                sent[_ref(effect).trace_id].append(effect)
        led: dict[str, list[SpanRef]] = defaultdict(list)
        for event in traced:
            led[_ref(event).trace_id].append(_ref(event))
        parts = [_Part(self._process(place, process, refs), sent.get(trace, ())) for trace, refs in led.items()]
        waiting = [other for other in self._pending[place] if other.end <= begin]  # a later one is processed again
        self._pending[place] = [*waiting, _Batch(begin, begin + len(events), parts)]

    def _process(self, place: Place, attributes: Attributes, refs: Sequence[SpanRef]) -> Span:
        links = refs[:LINKS_MAX]
        if len(refs) > LINKS_MAX:
            attributes = {**attributes, names.LINKS_DROPPED: len(refs) - LINKS_MAX}
        now_ns = self._spans.now_ns()
        began_ns = self._began_ns.get(place, now_ns)
        ref = SpanRef(refs[0].trace_id, self._spans.new_id())
        return Span(f"process {place[0]}", Kind.CONSUMER, ref, refs[0].span_id, began_ns, now_ns, attributes, links)

    def on_batch_finished(self, batch: BatchFinished, /) -> None:
        """On Kafka record the batch."""
        if self._system == names.KAFKA:
            place, now_ns = (batch.topic, batch.partition), self._spans.now_ns()
            for one in self._pending.pop(place, ()):
                self._record(one, place, now_ns, now_ns, settled=False)

    def on_commit(self, commit: Committed, /) -> None:
        """Record the batches that were committed."""
        if not self._pending:
            return
        end_ns = self._spans.now_ns()
        start_ns = end_ns - int(commit.duration_s * 1e9)
        for tp, offset in commit.offsets.items():
            place = (tp.topic, tp.partition)
            waiting = self._pending.pop(place, [])
            for batch in waiting:
                if batch.end <= offset:
                    self._record(batch, place, start_ns, end_ns, settled=True)
            if rest := [batch for batch in waiting if batch.end > offset]:
                self._pending[place] = rest

    def on_rebalance(self, rebalance: Rebalanced, /) -> None:
        """Drop the batches that were not committed. The next owner of the partition processes them again."""
        self._pending.clear()

    def _record(self, batch: _Batch, place: Place, start_ns: int, end_ns: int, *, settled: bool) -> None:
        settle = self._attributes(place, batch.begin, "commit", "settle")
        for part in batch.parts:
            trace, process = part.process.ref.trace_id, part.process.ref.span_id
            self._spans.add(part.process)
            for event in part.sends:
                attributes = names.of_event("send", event.data.topic, event.id, self._system)
                ref = SpanRef(trace, span_id_of(event.id))
                cause = SpanRef(trace, span_id_of(event.causationid or event.id))
                name = f"send {event.data.topic}"
                self._spans.add(Span(name, Kind.PRODUCER, ref, process, start_ns, end_ns, attributes, (cause,)))
            if settled:
                ref, name = SpanRef(trace, self._spans.new_id()), f"commit {place[0]}"
                self._spans.add(Span(name, Kind.CLIENT, ref, process, start_ns, end_ns, settle))

    # --- failures, which are recorded whether their trace is sampled or not -------------------------------------------

    def on_retry(self, retry: Retried, /) -> None:
        """Record a failed attempt."""
        self._failed((retry.topic, retry.partition), retry.offset, retry.error, {names.ATTEMPT: retry.attempt})

    def on_dead_letter(self, letter: DeadLettered, /) -> None:
        """Record a record that became a dead letter."""
        found = {names.ATTEMPT: letter.attempts, names.DEAD_LETTER: True}
        self._failed((letter.topic, letter.partition), letter.offset, letter.error, found)

    def _failed(self, place: Place, offset: int, error: BaseException, more: Attributes) -> None:
        """Record the failure of the record that the running task handles, if its event has a trace."""
        batch = BATCH.get()
        traceparent = None if batch is None else traceparent_of(batch.values[0])
        if traceparent is None:
            return
        now_ns, cause = self._spans.now_ns(), span_of(traceparent)
        attributes = {**self._attributes(place, offset, "process", "process"), **more}
        ref = SpanRef(cause.trace_id, self._spans.new_id())
        self._spans.add(
            Span(
                f"process {place[0]}", Kind.CONSUMER, ref, cause.span_id, self._began_ns.get(place, now_ns), now_ns,
                attributes, (cause,), type(error).__name__,
            )
        )  # fmt: skip

    def _attributes(self, place: Place, offset: int, operation: str, kind: str) -> dict[str, str | int | bool]:
        return {
            names.SYSTEM: self._system,
            names.DESTINATION: place[0],
            names.PARTITION: str(place[1]),
            names.GROUP: self._group,
            names.OPERATION: operation,
            names.OPERATION_TYPE: kind,
            names.OFFSET: offset,
        }


def _ref(event: AnyEvent) -> SpanRef:
    return span_of(event.traceparent or "")
