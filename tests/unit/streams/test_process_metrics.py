"""Every process counts its dropped spans, and measures how late its event loops run their tasks."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from prometheus_client import CollectorRegistry

from streams.process_metrics import EVERY_S, MAIN, ProcessMetrics, watch_loop
from tests.tracing.test_batch_spans import Recorded

BLOCKED_S = 2 * EVERY_S


async def test_the_time_that_an_event_loop_is_blocked_is_observed() -> None:
    registry = CollectorRegistry()
    watching = asyncio.create_task(watch_loop(ProcessMetrics(registry).of_loop(MAIN)))
    await asyncio.sleep(0)
    time.sleep(BLOCKED_S)  # noqa: ASYNC251 - blocks the loop on purpose
    await asyncio.sleep(EVERY_S / 2)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    delay = registry.get_sample_value("astra_event_loop_delay_seconds_sum", {"loop": MAIN})
    assert delay is not None
    assert delay >= BLOCKED_S - EVERY_S


def test_dropped_spans_are_counted_and_a_process_without_traces_drops_none() -> None:
    spans, traced, other = Recorded(), CollectorRegistry(), CollectorRegistry()
    ProcessMetrics(traced, spans)
    ProcessMetrics(other)
    spans.dropped = 3
    assert traced.get_sample_value("astra_trace_spans_dropped_total") == 3
    assert other.get_sample_value("astra_trace_spans_dropped_total") == 0
