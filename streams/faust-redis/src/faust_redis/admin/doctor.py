"""Check a broker and the log on it; report each result with its remedy."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from redis.exceptions import RedisError

from faust_redis.log.client import Log
from faust_redis.log.errors import LogError
from faust_redis.log.integrity import inspect_topic
from faust_redis.log.resizes import InProgress, in_progress

Level = Literal["ok", "warn", "fail"]

CLOCK_SKEW_MAX_S = 2.0
DAMAGED_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `remedy` names the action when the result is not ok."""

    level: Level
    name: str
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Finding:
    """Return that all is well."""
    return Finding("ok", name, found)


def warn(name: str, found: str, remedy: str) -> Finding:
    """Return that it runs, but not as it should."""
    return Finding("warn", name, found, remedy)


def fail(name: str, found: str, remedy: str) -> Finding:
    """Return that it does not run, or would lose something."""
    return Finding("fail", name, found, remedy)


async def broker_findings(log: Log, program: str = "faust-redis") -> AsyncIterator[Finding]:
    """Check the brokers of a log: version and policy, persistence, clock, and the keys of each partition.

    Args:
        log: The log.
        program: The name of the program whose commands the remedies advise.
    """
    for shard in log.shards:
        of_shard = f" {shard.shard.number}" if len(log.shards) > 1 else ""
        async for finding in _of_one(shard, program):
            yield replace(finding, name=f"{finding.name}{of_shard}")


async def _of_one(log: Log, program: str) -> AsyncIterator[Finding]:
    try:
        yield await _suitable(log)
        info = await log.redis.info()
        yield _persistence(info)
        yield _replication(info)
        yield _clock(await log.redis.time())
        yield await _partitions(log, program)
        if (begun := await in_progress(log)) is not None:
            yield _unfinished(begun, program)
    except (LogError, RedisError, OSError) as exc:
        yield fail("broker", str(exc), "is it running, and is its URL right?")


async def _suitable(log: Log) -> Finding:
    try:
        await log.check()
    except LogError as exc:
        return fail("broker", str(exc), "as it says")
    info = await log.redis.info("server")
    name = "Valkey" if "valkey_version" in info else "Redis"
    return ok("broker", f"{name} {info.get('valkey_version', info['redis_version'])}, nothing is evicted")


def _persistence(info: dict[str, Any]) -> Finding:
    if not info.get("aof_enabled"):
        return fail("persistence", "appendonly is off: a restart loses everything", "CONFIG SET appendonly yes")
    if info.get("aof_last_write_status") != "ok":
        return fail("persistence", "the last write of the append-only file failed", "look at the server's disk and log")
    return ok("persistence", "append-only file")


def _replication(info: dict[str, Any]) -> Finding:
    if info.get("role") == "slave":
        found = f"this server is a replica of {info.get('master_host')}:{info.get('master_port')}"
        return fail("replication", found, "name the primary, or its Sentinels: docs/failover.md")
    count = int(info.get("connected_slaves", 0))
    if not count:
        return ok("replication", "no replica")
    if "min_slaves_good_slaves" not in info:
        found = f"{count} replicas, and a write waits for none: a fail-over can lose acknowledged events"
        return warn("replication", found, "CONFIG SET min-replicas-to-write 1")
    return ok("replication", f"{count} replicas, and writes are refused when too few follow")


def _clock(server_time: tuple[int, int]) -> Finding:
    skew = time.time() - (server_time[0] + server_time[1] / 1e6)
    if abs(skew) > CLOCK_SKEW_MAX_S:
        return warn("clock", f"{skew:+.1f} s from the broker's", "synchronise the clocks (NTP)")
    return ok("clock", "agrees with the broker's")


def _unfinished(begun: InProgress, program: str) -> Finding:
    minutes = (time.time() - begun.began_ms / 1_000) / 60
    found = f"a change {begun} began {minutes:.0f} minutes ago, and topics take no records until it ends"
    remedy = f"run '{program} partitions resize {begun.old} {begun.new}' again, which finishes it"
    return fail("resize", found, remedy)


async def _partitions(log: Log, program: str) -> Finding:
    """Check that the keys of each partition agree with each other."""
    damaged, count = [], 0
    for topic in await log.topics():
        count += len(log.partitions_of(await log.topic(topic)))
        for (name, partition), damages in (await inspect_topic(log, topic)).items():
            damaged.append((name, partition, damages[0].found))
    if not damaged:
        return ok("partitions", f"{count}, the keys of each agree")
    shown = "; ".join(f"{topic}:{partition}: {found}" for topic, partition, found in damaged[:DAMAGED_SHOWN])
    topic, partition, _ = damaged[0]
    remedy = f"stop what else writes there, stop the workers, run '{program} topics repair {topic} {partition}'"
    return fail("partitions", f"{len(damaged)} damaged: {shown}", remedy)
