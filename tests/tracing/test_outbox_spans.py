"""An event in the outbox has a span when a transaction creates it and one when the relay sends it."""

from __future__ import annotations

import pytest
from faust_redis.log import Record

from streams.connect.outbox.tracing import record_created, record_sent
from streams.events import encode
from streams.spans import Kind
from streams.trace_context import SpanRef, span_id_of, span_of
from tests.tracing.test_batch_spans import TRACE, Recorded, command
from tests.unit.streams.test_lineage import REQUEST

PARENT = "00f067aa0ba902b7"
TOPIC = REQUEST.data.topic


def test_what_a_sampled_request_creates_is_below_it_and_what_the_relay_sends_is_below_that() -> None:
    spans, event = Recorded(), command()
    record_created(spans, f"00-{TRACE}-{PARENT}-01", [event], 5)
    record_sent(spans, [Record(TOPIC, 3, b"ada", encode(event), 0)], 7)
    created, sent = spans.spans
    own = SpanRef(TRACE, span_id_of(event.id))
    assert own == span_of(event.traceparent or "")
    assert (created.name, created.kind, created.ref, created.parent_id, created.start_ns) == (
        f"create {TOPIC}", Kind.PRODUCER, own, PARENT, 5,
    )  # fmt: skip
    assert (sent.name, sent.kind, sent.parent_id, sent.links, sent.start_ns) == (
        f"send {TOPIC}", Kind.CLIENT, own.span_id, (own,), 7,
    )  # fmt: skip
    assert sent.ref.trace_id == TRACE
    assert sent.attributes["messaging.destination.partition.id"] == "3"


@pytest.mark.parametrize("request_", [None, f"00-{TRACE}-{PARENT}-00"])
def test_what_no_sampled_request_creates_is_not_recorded(request_: str | None) -> None:
    spans = Recorded()
    record_created(spans, request_, [command(flags="00")], 0)
    for event in (command(flags="00"), REQUEST):
        record_sent(spans, [Record(TOPIC, 0, b"ada", encode(event), 0)], 0)
    assert spans.spans == []
