"""Whether the pipeline is ready: each domain's group has the members that were started, with their tables recovered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from faust_redis.log import Log, LogError

from deploy.broker import log_url
from deploy.settings import Settings
from tables.workers import workers_by_domain


def missing_for_readiness(settings: Settings, wanted: Mapping[str, int]) -> str | None:
    """Return what the pipeline lacks, in words; None when it is ready.

    Args:
        settings: Where to look.
        wanted: How many members the group of each domain is to have.
    """
    try:
        return asyncio.run(_missing(settings, wanted))
    except LogError as exc:
        return str(exc)


async def _missing(settings: Settings, wanted: Mapping[str, int]) -> str | None:
    async with Log(log_url(settings), settings.namespace) as log:
        domains = await workers_by_domain(log, settings.app_id)
    for name, members in wanted.items():
        group = domains[name]
        if not group.ready:
            return f"{name}: {group.why_not}"
        if len(group.alive) < members:
            return f"{name}: {len(group.alive)} of {members} workers are alive"
    return None
