"""Record the spans of the indexer: a step from reading blocks to the write of their facts, and below it each event.

A step begins a trace, since nothing in the log led to it. Steps that write no fact have no span.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from contracts.indexer.chain_state import Step
from streams.events import AnyEvent
from streams.spans import BLOCK, MESSAGE_COUNT, Kind, Span, Spans, of_event
from streams.trace_context import FLAG_SAMPLED, SpanRef, span_id_of

NAME: Final = "index blocks"


class StepSpan:
    """The span of one step. All of it does nothing in a process without traces."""

    def __init__(self, spans: Spans | None) -> None:
        """Begin now."""
        self._spans = spans
        self._began_ns = 0 if spans is None else spans.now_ns()
        self._root: SpanRef | None = None

    def draw(self, step: Step) -> str | None:
        """Decide by lot whether a step that is about to be written is traced; return the trace context of its facts."""
        if self._spans is None or not step.changes or not self._spans.samples():
            return None
        self._root = self._new(self._spans)
        return f"00-{self._root.trace_id}-{self._root.span_id}-0{FLAG_SAMPLED}"

    def written(self, step: Step, events: Sequence[AnyEvent]) -> None:
        """Record a step that was drawn and written."""
        spans, root = self._spans, self._root
        if spans is None or root is None:
            return
        end_ns = spans.now_ns()
        attributes = {BLOCK: step.state.cursor.number, MESSAGE_COUNT: len(events)}
        spans.add(Span(NAME, Kind.CLIENT, root, "", self._began_ns, end_ns, attributes))
        for event in events:
            ref, topic = SpanRef(root.trace_id, span_id_of(event.id)), event.data.topic
            sent = of_event("send", topic, event.id)
            spans.add(Span(f"send {topic}", Kind.PRODUCER, ref, root.span_id, self._began_ns, end_ns, sent))

    def failed(self, error: Exception) -> None:
        """Record a step that failed, whether it would be traced or not."""
        if self._spans is not None:
            ref, kind = self._new(self._spans), type(error).__name__
            self._spans.add(Span(NAME, Kind.CLIENT, ref, "", self._began_ns, self._spans.now_ns(), {}, error=kind))

    @staticmethod
    def _new(spans: Spans) -> SpanRef:
        return SpanRef(uuid4().hex, spans.new_id())
