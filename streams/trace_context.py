"""Place events in traces. A sampled event names itself in its `traceparent`: the span id is the end of the event's id.

So a batch that is processed again sends the same bytes, and the id of an event gives the id of its span.

Source: https://www.w3.org/TR/trace-context/ (version 00)
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

TRACE_BYTES: Final = 16
SPAN_BYTES: Final = 8
FLAG_SAMPLED: Final = "1"
"""The last digit of a `traceparent` that is sampled. We write the flags 00 and 01 alone."""


class SpanRef(NamedTuple):
    """Names a span: 32 and 16 hexadecimal digits."""

    trace_id: str
    span_id: str


_SAMPLED: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def is_sampled(traceparent: str | None) -> bool:
    """Return whether a trace context is well formed and sampled."""
    if traceparent is None or not traceparent.endswith(FLAG_SAMPLED):  # few are, so most save the match
        return False
    return _SAMPLED.fullmatch(traceparent) is not None


def span_of(traceparent: str) -> SpanRef:
    """Return the span that a well-formed trace context names. The parts of another text may be empty."""
    return SpanRef(traceparent[3:35], traceparent[36:52])


def span_id_of(event_id: str) -> str:
    """Return the span id of an event: the last 16 hexadecimal digits of its UUID, which are never all 0."""
    return event_id[19:23] + event_id[24:]


def at_event(traceparent: str | None, event_id: str) -> str | None:
    """Return the trace context of an event that follows from a request or an event with another context.

    A context that is not sampled stays as it is, so that it still names the request.
    """
    if traceparent is None or not is_sampled(traceparent):
        return traceparent
    return f"{traceparent[:36]}{event_id[19:23]}{event_id[24:]}-01"


def context_at(span: SpanRef) -> str:
    """Return the sampled trace context of what follows from a span."""
    return f"00-{span.trace_id}-{span.span_id}-01"


def new_trace(event_id: str) -> str:
    """Return the sampled trace context of an event that nothing led to. Its trace has the id of the event."""
    return f"00-{event_id.replace('-', '')}-{span_id_of(event_id)}-01"


_OF_EVENT: Final = re.compile(rb'"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])"')


def traceparent_of(value: bytes | None) -> str | None:
    """Return the trace context of an encoded event, also of one that cannot be decoded; None without one."""
    found = _OF_EVENT.search(value or b"")
    return None if found is None else found[1].decode()
