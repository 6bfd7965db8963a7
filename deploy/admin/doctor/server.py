"""Checks of the broker: the one in use, or, when none runs, a trial start of the server that would be embedded."""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from faust_redis.log import Log, LogError
from redis.exceptions import RedisError

from deploy.admin.doctor.finding import Finding, fail, ok, warn
from deploy.errors import DeployError
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import running_url
from deploy.server.server_binary import find_binary
from deploy.settings import Settings

CLOCK_SKEW_MAX_S = 2.0
FOREIGN_SHOWN = 3


async def server_findings(settings: Settings) -> AsyncIterator[Finding]:
    """All checks of this module. A trial start stands in for an embedded server that does not run."""
    if settings.on_kafka:
        yield warn("broker", "Kafka", "its own tools check it; here only the server of the views is checked")
    url = settings.configured_log_url or running_url(settings.data_dir)
    try:
        if url is not None:
            async for finding in broker_findings(url, settings):
                yield finding
            return
        with ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="astra-doctor-"))
            server = stack.enter_context(EmbeddedServer(Path(directory), find_binary(settings.server_binary)))
            yield ok("embedded server", f"{server.binary} starts; none runs on {settings.data_dir} now")
            async for finding in broker_findings(server.url, settings):
                yield finding
    except DeployError as exc:
        yield fail("embedded server", str(exc), "docs/operations.md, embedded server")


async def broker_findings(url: str, settings: Settings) -> AsyncIterator[Finding]:
    """Checks of a broker that should be up."""
    log = Log(url, settings.namespace)
    try:
        yield await _suitable(log)
        info = await log.redis.info()
        yield _persistence(info)
        yield _clock(await log.redis.time())
        yield await _foreign(log)
    except (LogError, RedisError, OSError) as exc:
        yield fail("broker", str(exc), "is it running, and is ASTRA_BROKER_URL right?")
    finally:
        await log.close()


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


def _clock(server_time: tuple[int, int]) -> Finding:
    skew = time.time() - (server_time[0] + server_time[1] / 1e6)
    if abs(skew) > CLOCK_SKEW_MAX_S:
        return warn(
            "clock", f"{skew:+.1f} s from the broker's", "synchronise the clocks (NTP); tokens expire by this one"
        )
    return ok("clock", "agrees with the broker's")


async def _foreign(log: Log) -> Finding:
    """Streams end where the log last wrote: nothing else has written to them."""
    foreign, count = [], 0
    for topic in await log.topics():
        for partition, end in (await log.end_offsets(topic)).items():
            key = log.keys.stream(topic, partition)
            if not await log.redis.exists(key):
                continue
            count += 1
            last = (await log.redis.xinfo_stream(key))["last-generated-id"].decode()
            if last != f"0-{end}":
                foreign.append(key)
    if foreign:
        shown = ", ".join(foreign[:FOREIGN_SHOWN])
        return fail(
            "streams", f"{len(foreign)} written by something else: {shown}", "stop that writer; re-create the topic"
        )
    return ok("streams", f"{count} streams, each as the log wrote it")
