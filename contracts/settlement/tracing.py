"""Record the spans of batches: a batch is closed, sent, and confirmed. Each batch has a trace of its own."""

from __future__ import annotations

from typing import Final

from contracts.batch_trace import root_of
from contracts.settlement.batches import Batch, State
from streams.spans import BATCH, TRANSACTION, Attributes, Kind, Span, Spans
from streams.trace_context import SpanRef

US_NS: Final = 1_000


class BatchSpans:
    """The spans of one settlement. All of it does nothing in a process without traces."""

    def __init__(self, spans: Spans | None) -> None:
        self._spans = spans

    def now_ns(self) -> int:
        """Return the time at which something begins; 0 without traces."""
        return 0 if self._spans is None else self._spans.now_ns()

    def written(self, before: State, after: State, began_ns: int) -> None:
        """Record the batches that a write has closed or confirmed."""
        if self._spans is None:
            return
        if after.last != before.last:
            batch = after.batches[-1]
            self._add("close batch", batch, began_ns, root=True)
        for batch in before.batches[: after.confirmed[0] - before.confirmed[0]]:
            self._add("confirm batch", batch, batch.closed_us * US_NS)

    def sent(self, batch: Batch, tx_hash: str, began_ns: int) -> None:
        """Record that the node has taken the transaction of a batch."""
        self._add("settle batch", batch, began_ns, more={TRANSACTION: tx_hash})

    def failed(self, batch: Batch, began_ns: int, error: Exception) -> None:
        """Record that a batch could not be sent, whether its trace is sampled or not."""
        self._add("settle batch", batch, began_ns, error=type(error).__name__)

    def _add(
        self,
        name: str,
        batch: Batch,
        began_ns: int,
        *,
        root: bool = False,
        more: Attributes | None = None,
        error: str = "",
    ) -> None:
        spans, closed = self._spans, root_of(batch.hash)
        if spans is None or not (error or spans.samples(closed.trace_id)):
            return
        attributes = {BATCH: batch.number, **(more or {})}
        if root:
            ref, parent_id = closed, ""
        else:
            ref, parent_id = SpanRef(closed.trace_id, spans.new_id()), closed.span_id
        spans.add(Span(name, Kind.CLIENT, ref, parent_id, began_ns, spans.now_ns(), attributes, error=error))
