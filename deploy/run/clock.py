"""The clock process: tick the wall clock into the log, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from faust_redis.log import LogError, TopicSpec
from faust_redis.log.forwarding import forward_all

from api.kit.clock import now
from deploy.broker import log_of, log_url
from deploy.declared_topics import event_topics
from deploy.run.clock_metrics import ClockMetrics
from deploy.run.single_service import Report, run_service
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams import topics
from streams.clock import Clock
from streams.retry import retry_through_outages
from streams.services import Kind
from streams.spans import Spans
from streams.times import SECOND_US, Instant


def clock_topic(settings: Settings) -> TopicSpec:
    """Return the declaration of the clock's topic."""
    return event_topics(settings)[topics.CLOCK]


def run_clock(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: the port of probes and metrics is in use.
    """
    log_url(settings)  # raise before anything starts
    listener = listen(settings.clock_host, settings.clock_port, "ASTRA_CLOCK_PORT")
    with tracing(settings, "clock") as spans:
        asyncio.run(_run(settings, listener, spans))


async def tick_once(settings: Settings, time: Instant) -> None:
    """Tick one time, unless the log has a later tick. A replay does this when its effects are visible."""
    async with log_of(settings, transit="clock") as log:
        clock = Clock(log, clock_topic(settings), lambda: time)
        await clock.open()
        await clock.lead()
        await forward_all(log.forwarders())


async def _run(settings: Settings, listener: socket.socket, spans: Spans | None) -> None:
    log = log_of(settings, transit="clock")
    clock = Clock(log, clock_topic(settings), now, spans=spans)
    metrics = ClockMetrics(clock, spans)

    async def tick() -> None:
        await retry_through_outages(clock.run, "ticking", (LogError, OSError))

    try:
        await run_service(
            settings, log, Kind.CLOCK, listener, work=tick, report=lambda: _report(clock), metrics=metrics
        )
    finally:
        await log.close()


def _report(clock: Clock) -> Report:
    """Return whether the clock ticks, or waits for a leader that ticks."""
    body: dict[str, Any] = {"last_tick": Instant(clock.last * SECOND_US).text() if clock.last else None}
    if clock.trouble is not None:
        return False, body | {"status": "stands still", "detail": clock.trouble}
    return True, body | {"status": "leads" if clock.leads else "waits"}
