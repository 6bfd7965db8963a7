"""Record the spans of the indexer: a step from reading blocks to the write of their facts, and below it each event.

A step begins a trace, since nothing in the log led to it. Steps that write no fact have no span.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from contracts.batch_trace import root_of
from contracts.indexer.chain_state import Fact, Step
from streams.events import AnyEvent
from streams.events.chain import BatchSettled
from streams.spans import BLOCK, MESSAGE_COUNT, Kind, Span, Spans, of_event
from streams.trace_context import SpanRef, context_at, span_id_of
from streams.wire import decoder

NAME: Final = "index blocks"


class StepSpan:
    """The span of one step. All of it does nothing in a process without traces."""

    def __init__(self, spans: Spans | None) -> None:
        """Begin now."""
        self._spans = spans
        self._began_ns = 0 if spans is None else spans.now_ns()
        self._root: SpanRef | None = None
        self._parents: Sequence[SpanRef | None] = ()

    def draw(self, step: Step) -> Sequence[str | None]:
        """Decide which facts of a step that is about to be written are traced; return the trace context of each.

        A settled batch is in the trace of the batch, the other facts are in that of the step, which is decided by lot.
        """
        spans = self._spans
        if spans is None or not step.changes:
            return [None] * len(step.changes)
        if spans.samples():
            self._root = self._new(spans)
        self._parents = [_of_batch(spans, change.fact) or self._root for change in step.changes]
        return [None if parent is None else context_at(parent) for parent in self._parents]

    def written(self, step: Step, events: Sequence[AnyEvent]) -> None:
        """Record a step that was written, as it was drawn."""
        if self._spans is None:
            return
        end_ns = self._spans.now_ns()
        if self._root is not None:
            attributes = {BLOCK: step.state.cursor.number, MESSAGE_COUNT: len(events)}
            self._spans.add(Span(NAME, Kind.CLIENT, self._root, "", self._began_ns, end_ns, attributes))
        for event, parent in zip(events, self._parents, strict=True):
            if parent is not None:
                self._spans.add(self._sent(event, parent, end_ns))

    def _sent(self, event: AnyEvent, parent: SpanRef, end_ns: int) -> Span:
        """Return the span of a fact's event, which links to the step if it is in the trace of a batch."""
        ref, topic = SpanRef(parent.trace_id, span_id_of(event.id)), event.data.topic
        links = () if self._root is None or self._root == parent else (self._root,)
        attributes = of_event("send", topic, event.id)
        return Span(f"send {topic}", Kind.PRODUCER, ref, parent.span_id, self._began_ns, end_ns, attributes, links)

    def failed(self, error: Exception) -> None:
        """Record a step that failed, whether it would be traced or not."""
        if self._spans is not None:
            ref, kind = self._new(self._spans), type(error).__name__
            self._spans.add(Span(NAME, Kind.CLIENT, ref, "", self._began_ns, self._spans.now_ns(), {}, error=kind))

    @staticmethod
    def _new(spans: Spans) -> SpanRef:
        return SpanRef(uuid4().hex, spans.new_id())


def _of_batch(spans: Spans, fact: Fact) -> SpanRef | None:
    """Return the closing of the batch that a fact tells of, if its trace is sampled."""
    if fact.kind != BatchSettled.type_name:
        return None
    root = root_of(decoder(BatchSettled).decode(fact.data.encode()).hash)
    return root if spans.samples(root.trace_id) else None
