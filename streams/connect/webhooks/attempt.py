"""What became of one attempt to post an event to a receiver, and its span."""

from __future__ import annotations

from typing import NamedTuple

from streams import spans as names
from streams.connect.webhooks.store import Delivery
from streams.spans import Kind, Span, Spans
from streams.trace_context import SpanRef, is_sampled, span_of, traceparent_of


class Attempt(NamedTuple):
    """An attempt that is over.

    Attributes:
        status: The status of the answer; None without an answer.
        error_type: The kind of failure: the status, or the name of an error; empty when the receiver took the event.
        error: Why it failed, for the owner of the subscription.
    """

    status: int | None
    error_type: str = ""
    error: str = ""

    @property
    def failed(self) -> bool:
        """Return whether the receiver has not taken the event."""
        return bool(self.error_type)


def record_attempt(spans: Spans, delivery: Delivery, attempt: Attempt, start_ns: int) -> None:
    """Record an attempt if the trace of its event is sampled or the attempt failed. An event may have no trace."""
    traceparent = traceparent_of(delivery.body)
    if traceparent is None or not (attempt.failed or is_sampled(traceparent)):
        return
    attributes: dict[str, str | int | bool] = {
        names.SYSTEM: names.REDIS_STREAMS,
        names.OPERATION: "deliver",
        names.OPERATION_TYPE: "process",
        names.MESSAGE_ID: delivery.event_id,
        names.HTTP_METHOD: "POST",
        names.WEBHOOK: delivery.webhook_id,
        names.ATTEMPT: delivery.attempts + 1,
    }
    if attempt.status is not None:
        attributes[names.HTTP_STATUS] = attempt.status
    event, end_ns = span_of(traceparent), spans.now_ns()
    ref, error = SpanRef(event.trace_id, spans.new_id()), attempt.error_type
    spans.add(Span("deliver webhook", Kind.CLIENT, ref, event.span_id, start_ns, end_ns, attributes, (event,), error))
