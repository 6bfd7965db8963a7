"""Name the trace of a batch of fees by the batch's hash, so that all processes know it without a message.

Settlement closes, sends and confirms the batch, and the indexer carries the contract's event of it into the log.
"""

from __future__ import annotations

from streams.trace_context import SPAN_BYTES, TRACE_BYTES, SpanRef


def root_of(batch_hash: str) -> SpanRef:
    """Return the span of a batch's closing, from the last digits of the batch's hash."""
    digits = batch_hash.removeprefix("0x").zfill(2 * (TRACE_BYTES + SPAN_BYTES))
    return SpanRef(digits[-2 * TRACE_BYTES :], digits[-2 * (TRACE_BYTES + SPAN_BYTES) : -2 * TRACE_BYTES])
