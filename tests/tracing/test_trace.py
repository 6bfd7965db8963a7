"""One fill from its request to the feed, in real processes: every hop is a span, and the spans are the log's tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tables.domains import TOPOLOGY
from tests.tracing.traced import CLIENT_SPAN, FEED, TRACE, USER, by_id, follow_a_fill, traced_pipeline


@pytest.mark.slow
def test_the_spans_of_a_fill_are_the_tree_of_its_events_from_request_to_feed(tmp_path: Path) -> None:
    with traced_pipeline(tmp_path) as (pipeline, collector):
        events = follow_a_fill(pipeline, collector)
        spans = by_id(collector.of(TRACE))
        [request] = [span for span in spans.values() if span.kind == "SERVER"]
        assert (request.name, request.parent_id, request.service) == (
            "POST /v1/fills", CLIENT_SPAN, "astratrade-api",
        )  # fmt: skip
        sends = {span.span_id: span for span in spans.values() if span.kind == "PRODUCER"}
        assert {id_: span.links[0][1] if span.links else "" for id_, span in sends.items()} == {
            event.span_id: event.cause for event in events
        }
        for event in events:
            send = sends[event.span_id]
            assert send.name == f"send {event.topic}"
            if not event.cause:
                assert (send.parent_id, send.service) == (request.span_id, "astratrade-api")
                continue
            process = spans[send.parent_id]
            assert process.name.startswith("process ")
            in_one_batch = sends[event.cause].parent_id == process.span_id
            assert in_one_batch or (TRACE, event.cause) in process.links
            assert process.links[0][1] == process.parent_id
            assert process.start_ns <= process.end_ns <= send.end_ns
        groups = set()
        for process in (span for span in spans.values() if span.name.startswith("process ")):
            topic, group = (
                process.attributes[f"messaging.{key}"] for key in ("destination.name", "consumer.group.name")
            )
            groups.add((topic, group))
            settled = [span for span in spans.values() if span.parent_id == process.span_id and span.kind == "CLIENT"]
            assert [span.name for span in settled] == [f"commit {topic}"]
        consumed = TOPOLOGY.consumed("astratrade")
        topics = {event.topic for event in events}
        assert groups == {(topic, group) for group, read in consumed.items() for topic in read if topic in topics}
        [delivery] = [span for span in spans.values() if span.name == f"deliver {FEED}"]
        assert spans[delivery.parent_id].name == "send astra.trading.events.v1"
        assert delivery.service == "astratrade-api"
        assert all(USER not in str(span) for span in collector.spans)
        assert all(span.sampled for span in collector.spans)
