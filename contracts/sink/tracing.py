"""Record the spans of the sink: a mint is in the trace of its request, experience begins a trace."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from streams.events import AnyEvent
from streams.spans import TRANSACTION, Attributes, Kind, Span, Spans, of_event
from streams.trace_context import SpanRef, is_sampled, span_id_of, span_of

MINT, RECORD, CALL = "mint token", "record experience", "send call"


class SinkSpans:
    """The spans of one sink. All of it does nothing in a process without traces."""

    def __init__(self, spans: Spans | None) -> None:
        self._spans = spans

    def now_ns(self) -> int:
        """Return the time at which something begins; 0 without traces."""
        return 0 if self._spans is None else self._spans.now_ns()

    def sent(self, requests: Sequence[str], tx_hash: str, began_ns: int, name: str = RECORD) -> None:
        """Record that the node has taken a transaction: each mint in it below its sampled request, or experience.

        Args:
            requests: The trace contexts of the requested mints, empty where none is; no context for experience.
            tx_hash: The transaction.
            began_ns: When its preparation began.
            name: What it does when it mints nothing.
        """
        spans, more = self._spans, {TRANSACTION: tx_hash}
        if spans is None:
            return
        for request in filter(is_sampled, requests):
            self._add(spans, MINT, span_of(request), began_ns, more)
        if not requests and spans.samples():
            self._add(spans, name, None, began_ns, more)

    def failed(self, requests: Sequence[str], began_ns: int, error: Exception, name: str = RECORD) -> None:
        """Record that a transaction could not be sent: where its requests are not sampled, in a trace of its own."""
        if self._spans is None:
            return
        name, kind = MINT if requests else name, type(error).__name__
        parents: list[SpanRef | None] = [span_of(request) for request in requests if is_sampled(request)]
        for parent in parents or [None]:
            self._add(self._spans, name, parent, began_ns, {}, error=kind)

    def written(self, events: Sequence[AnyEvent], began_ns: int) -> None:
        """Record the events of a write that are in a sampled trace, each below the event that it follows from."""
        if self._spans is None:
            return
        end_ns = self._spans.now_ns()
        for event in events:
            if event.traceparent and is_sampled(event.traceparent) and event.causationid:
                own, topic = span_of(event.traceparent), event.data.topic
                parent_id, attributes = span_id_of(event.causationid), of_event("send", topic, event.id)
                self._spans.add(Span(f"send {topic}", Kind.PRODUCER, own, parent_id, began_ns, end_ns, attributes))

    @staticmethod
    def _add(
        spans: Spans, name: str, parent: SpanRef | None, began_ns: int, more: Attributes, *, error: str = ""
    ) -> None:
        trace_id, parent_id = parent or (uuid4().hex, "")
        ref = SpanRef(trace_id, spans.new_id())
        spans.add(Span(name, Kind.CLIENT, ref, parent_id, began_ns, spans.now_ns(), more, error=error))
