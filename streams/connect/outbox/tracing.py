"""Record the two spans of an event in the outbox: a transaction creates it, and the relay sends it.

The span of the creation has the id that the event names in its `traceparent`, as that of a sending has elsewhere. The
relay may send an event again, after the log has lost it.
"""

from __future__ import annotations

from collections.abc import Iterable

from faust_redis.log import Record

from streams import spans as names
from streams.events import AnyEvent
from streams.spans import Attributes, Kind, Span, Spans
from streams.trace_context import SpanRef, is_sampled, span_id_of, span_of, traceparent_of


def record_created(spans: Spans, request: str | None, events: Iterable[AnyEvent], start_ns: int) -> None:
    """Record the events of a transaction that has committed; `request` is the trace context that led to it."""
    if request is None or not is_sampled(request):
        return
    end_ns, parent_id = spans.now_ns(), span_of(request).span_id
    for event in events:
        ref, topic = SpanRef(span_of(request).trace_id, span_id_of(event.id)), event.data.topic
        attributes = names.of_event("create", topic, event.id)
        spans.add(Span(f"create {topic}", Kind.PRODUCER, ref, parent_id, start_ns, end_ns, attributes))


def record_sent(spans: Spans, records: Iterable[Record], start_ns: int) -> None:
    """Record the events that a write of the relay has appended."""
    end_ns = spans.now_ns()
    for record in records:
        traceparent = traceparent_of(record.value)
        if traceparent is None or not is_sampled(traceparent):
            continue
        event = span_of(traceparent)
        attributes: Attributes = {
            names.SYSTEM: names.REDIS_STREAMS,
            names.DESTINATION: record.topic,
            names.PARTITION: str(record.partition),
            names.OPERATION: "send",
            names.OPERATION_TYPE: "send",
        }
        ref, name = SpanRef(event.trace_id, spans.new_id()), f"send {record.topic}"
        spans.add(Span(name, Kind.CLIENT, ref, event.span_id, start_ns, end_ns, attributes, (event,)))
