"""Check that the broker's memory lasts for the retention, at the rate at which the log has grown so far."""

from __future__ import annotations

from typing import Final

from faust_redis.admin import Admin
from faust_redis.admin.doctor import Finding, ok, warn
from faust_redis.log import Log

from deploy.settings import Settings
from tables.domains import TOPOLOGY

NAME: Final = "capacity"
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MIB: Final = 1024**2
USABLE: Final = 0.8
"""Share of the memory that the log may take. The rest is for clients, replication, and a copy during a rewrite."""


async def capacity(log: Log, settings: Settings) -> Finding:
    """Compare the memory of the broker with the retention."""
    memory = await log.redis.info("memory")
    limit = int(memory["maxmemory"]) or int(memory["total_system_memory"])
    age_ms = await Admin(log).log_age_ms(TOPOLOGY.topics)
    return capacity_finding(limit, int(memory["used_memory_dataset"]), age_ms, settings.retention_ms)


def capacity_finding(limit: int, used: int, age_ms: int, retention_ms: int) -> Finding:
    """Return how long the memory lasts.

    Args:
        limit: `maxmemory`, or the memory of the machine.
        used: Bytes of the data.
        age_ms: How long the log has grown, at most about its retention.
        retention_ms: How long events are kept.
    """
    found = f"{used / MIB:,.0f} of {limit / MIB:,.0f} MiB"
    if age_ms < HOUR_MS:
        return ok(NAME, f"{found}; the log is younger than an hour, which shows no rate")
    per_day = used / age_ms * DAY_MS
    holds_ms = int(USABLE * limit / per_day * DAY_MS) if per_day else retention_ms
    found = f"{found}, {per_day / MIB:,.1f} MiB a day"
    if holds_ms >= retention_ms:
        return ok(NAME, found)
    kept = f"{found}: room for {holds_ms / DAY_MS:.1f} days, and events are kept for {retention_ms / DAY_MS:.1f}"
    return warn(NAME, kept, f"raise maxmemory, or set ASTRA_RETENTION_MS to at most {holds_ms}: docs/capacity.md")
