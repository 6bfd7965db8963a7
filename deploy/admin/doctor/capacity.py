"""Check that the broker's memory holds the events of a retention, at the rate of the log so far, beside the rows."""

from __future__ import annotations

from typing import Final

from faust_redis.admin import Admin
from faust_redis.admin.doctor import Finding, ok, warn
from faust_redis.log import Log
from redis.exceptions import NoPermissionError

from deploy.settings import Settings
from streams.topics import CLOCK
from tables.domains import TOPOLOGY

NAME: Final = "capacity"
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MIB: Final = 1024**2
USABLE: Final = 0.8
"""Share of the memory that the log may take. The rest is for clients, replication, and a copy during a rewrite."""


async def capacity(log: Log, settings: Settings) -> Finding:
    """Compare the memory of the broker with what a retention of events takes."""
    memory = await log.redis.info("memory")
    limit = int(memory["maxmemory"]) or int(memory["total_system_memory"])
    age_ms = await Admin(log).log_age_ms(TOPOLOGY.topics)
    try:
        events = await _events_bytes(log)
    except NoPermissionError:
        return warn(NAME, "the broker's user may not run MEMORY USAGE", "run as astratrade-operator: deploy/broker.acl")
    other = max(0, int(memory["used_memory_dataset"]) - events)
    return capacity_finding(limit, events, other, age_ms, settings.retention_ms)


async def _events_bytes(log: Log) -> int:
    """Return what the topics of events take. The clock's ticks have a retention of their own."""
    async with log.redis.pipeline(transaction=False) as asked:
        for topic in set(TOPOLOGY.topics) & set(await log.topics()) - {CLOCK}:
            for partition in log.partitions_of(await log.topic(topic)):
                asked.memory_usage(log.keys.stream(topic, partition))
        return sum(size or 0 for size in await asked.execute())


def capacity_finding(limit: int, events: int, other: int, age_ms: int, retention_ms: int) -> Finding:
    """Return whether the memory holds the events of a retention.

    Args:
        limit: `maxmemory`, or the memory of the machine.
        events: Bytes of the events.
        other: Bytes of all other data. These are mostly rows, which no retention removes.
        age_ms: How long the log has grown, at most about its retention.
        retention_ms: How long events are kept.
    """
    found = f"{events / MIB:,.0f} MiB of events and {other / MIB:,.0f} of rows in {limit / MIB:,.0f} MiB"
    if age_ms < HOUR_MS:
        return ok(NAME, f"{found}; the log is younger than an hour, which shows no rate")
    per_day, room = events / age_ms * DAY_MS, max(0.0, USABLE * limit - other)
    in_all = per_day * retention_ms / DAY_MS
    found = f"{found}, {per_day / MIB:,.1f} MiB of events a day"
    if in_all <= room:
        return ok(NAME, found)
    if in_all < other:
        return warn(NAME, found, "raise maxmemory: a shorter retention removes no rows: docs/capacity.md")
    holds_ms = int(room / per_day * DAY_MS)
    kept = f"{found}: room for {holds_ms / DAY_MS:.1f} days, and events are kept for {retention_ms / DAY_MS:.1f}"
    return warn(NAME, kept, f"raise maxmemory, or set ASTRA_RETENTION_MS to at most {holds_ms}: docs/capacity.md")
