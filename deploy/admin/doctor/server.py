"""Check the broker in use. When none runs, start the embedded server on trial."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

from faust_redis.admin.doctor import Finding, broker_findings, fail, ok, warn
from faust_redis.log import Log

from deploy.errors import DeployError
from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import running_url
from deploy.server.server_binary import find_binary
from deploy.settings import Settings


async def server_findings(settings: Settings) -> AsyncIterator[Finding]:
    """Yield the findings of this module. When no embedded server runs, start one on trial."""
    if settings.on_kafka:
        yield warn("broker", "Kafka", "its own tools check it; here only the server of the views is checked")
    url = settings.configured_log_url or running_url(settings.data_dir)
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


async def configured_findings(url: str, settings: Settings) -> AsyncIterator[Finding]:
    """Check a configured broker, which should be up."""
    log = Log(url, settings.namespace)
    try:
        async for finding in broker_findings(log, "astratrade"):
            yield finding
    finally:
        await log.close()
