"""Check the broker in use. When none runs, start the embedded server on trial."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from faust_redis.admin import Admin
from faust_redis.admin.doctor import Finding, broker_findings, fail, ok, warn
from faust_redis.log import Log, LogError
from faust_redis.log.sharded import open_log

from deploy.admin.doctor.archiving import archiving
from deploy.admin.doctor.capacity import capacity
from deploy.errors import DeployError, SettingsError
from deploy.rulebook import load_rulebook
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import running_urls
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from streams.rulebooks import difference
from tables.domains import TOPOLOGY


async def server_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Yield the findings of this module. When no embedded server runs, start one on trial."""
    if settings.on_kafka:
        yield warn("broker", "Kafka", "its own tools check it; here only the server of the views is checked")
    url = settings.configured_log_url or ",".join(running_urls(settings.data_dir) or ()) or None
    try:
        if url is not None:
            async for finding in configured_findings(url, settings):
                yield finding
            return
        with ExitStack() as stack:
            directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="astra-doctor-"))
            server = stack.enter_context(EmbeddedServer(Path(directory), find_binary(settings.server_binary)))
            yield ok("embedded server", f"{server.binary} starts; none runs on {settings.data_dir} now")
            async for finding in configured_findings(server.url, settings):
                yield finding
    except DeployError as exc:
        yield fail("embedded server", str(exc), "docs/operations.md, embedded server")


async def rulebooks(log: Log, settings: Settings) -> Finding:
    """Check that all live members have the rule book that these settings name."""
    try:
        own = load_rulebook(settings).identity
        found = await Admin(log).describe_groups(list(TOPOLOGY.groups(settings.app_id).values()))
    except (SettingsError, LogError) as exc:
        return fail("rule book", str(exc), "as it says")
    differing = difference(own, found)
    if differing is not None:
        return warn("rule book", differing, "set ASTRA_RULEBOOK alike everywhere, and restart what has another one")
    members = sum(len(group.members) for group in found)
    return ok("rule book", f"{own}, the same in {members} live members")


async def configured_findings(url: str, settings: Settings) -> AsyncIterator[Finding]:
    """Check a configured broker, which should be up."""
    log = open_log(url, settings.namespace)
    try:
        async for finding in broker_findings(log, "astratrade"):
            yield finding
            if finding.level == "fail":
                return
        for shard in log.shards:
            of_shard = f" {shard.shard.number}" if len(log.shards) > 1 else ""
            found = await capacity(shard, settings)
            yield replace(found, name=f"{found.name}{of_shard}")
        yield await archiving(log)
        yield await rulebooks(log, settings)
    finally:
        await log.close()
