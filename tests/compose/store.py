"""What the trace store of compose.yaml has of a trace: Jaeger's answers, as the spans of the tests of traces."""

from __future__ import annotations

from typing import Any

from tests.compose.installation import JAEGER, read
from tests.tracing.collector import Seen


def spans_of(trace_id: str) -> list[Seen]:
    """Return the spans of a trace that the store has so far.

    Raises:
        HTTPError: it does not know the trace yet.
    """
    [trace] = read(f"{JAEGER}/api/traces/{trace_id}")["data"]
    services = {process: each["serviceName"] for process, each in trace["processes"].items()}
    return [_seen(services[span["processID"]], span) for span in trace["spans"]]


def _seen(service: str, span: dict[str, Any]) -> Seen:
    """Return a span. Jaeger keeps one reference to another span: a parent that is linked, too, is the first link."""
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    parents = [each for each in span["references"] if each["refType"] == "CHILD_OF"]
    links = [each for each in span["references"] if each["refType"] == "FOLLOWS_FROM"]
    return Seen(
        service=service,
        name=span["operationName"],
        kind=str(tags["span.kind"]).upper(),
        trace_id=span["traceID"],
        span_id=span["spanID"],
        parent_id=[*parents, *links, {"spanID": ""}][0]["spanID"],
        start_ns=span["startTime"] * 1_000,
        end_ns=(span["startTime"] + span["duration"]) * 1_000,
        attributes=tags,
        links=tuple((link["traceID"], link["spanID"]) for link in links),
        failed=bool(tags.get("error", False)),
        sampled=True,
    )
