"""A pipeline that sends all its spans to a collector of the test, and one fill that goes through it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streams.trace_context import span_id_of
from tests.e2e.drained import wait_until_drained
from tests.e2e.feed import Subscriber
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.tracing.collector import Collector, Seen, collecting

USER = "ada-of-the-traces"
TRACE, CLIENT_SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FEED = "my-trades"


@dataclass(frozen=True)
class Event:
    """An event as `astratrade trace` shows it.

    Attributes:
        span_id: The span that it is to have.
        cause: The span of the event that it follows from; empty for a command.
    """

    id: str
    type: str
    topic: str
    span_id: str
    cause: str


def settings(collector: Collector, sample: str = "1", **more: str) -> dict[str, str]:
    """Return the variables of a process that sends spans to a collector."""
    ours = {
        "ASTRA_TRACE_SAMPLE": sample,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    return {**ours, **more}


@contextmanager
def traced_pipeline(directory: Path, **more: str) -> Iterator[tuple[Pipeline, Collector]]:
    """Run a pipeline whose API and worker send all spans to a collector."""
    with collecting() as collector, Pipeline(directory, workers=0, api=False) as pipeline:
        pipeline.start_worker(**settings(collector, **more))
        pipeline.start_api(**settings(collector, **more))
        pipeline.wait_until_ready()
        yield pipeline, collector


def follow_a_fill(pipeline: Pipeline, collector: Collector) -> list[Event]:
    """Report a fill while its user follows a feed. Return its events once all their spans are there."""
    feed = Subscriber(pipeline.client("user", USER), f"/v1/feed/{FEED}", lambda row: str(row["event_id"]))
    listening = threading.Thread(target=feed.follow, args=(20, lambda: bool(feed.table)))
    listening.start()
    eventually(lambda: feed.current, within_s=30, what="the feed is open")
    traced = {"traceparent": f"00-{TRACE}-{CLIENT_SPAN}-00"}
    answer = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(USER)]}, headers=traced)
    event_id = answer.raise_for_status().json()["events"][0]["event_id"]
    listening.join(30)
    wait_until_drained(pipeline, commands=1, within_s=60)
    events = events_of(json.loads(pipeline.run("trace", event_id, "--format", "json")))
    eventually(lambda: has_all(collector, events), within_s=30, what="all spans have arrived")
    return events


def has_all(collector: Collector, events: list[Event]) -> bool:
    found = collector.of(TRACE)
    kinds = {span.name.split()[0] for span in found}
    return {event.span_id for event in events} <= {span.span_id for span in found} and "deliver" in kinds


def events_of(trace: dict[str, Any]) -> list[Event]:
    """Return the events of what `astratrade trace` printed."""
    found = []
    for placed in trace["events"]:
        event = placed["event"]
        cause = span_id_of(event["causationid"]) if "causationid" in event else ""
        found.append(Event(event["id"], event["type"], placed["topic"], span_id_of(event["id"]), cause))
    return found


def by_id(spans: list[Seen]) -> dict[str, Seen]:
    """Return spans by their ids, which are all different."""
    assert len({span.span_id for span in spans}) == len(spans)
    return {span.span_id: span for span in spans}
