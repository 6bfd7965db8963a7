"""Check whether the pipeline is ready: each domain's group has all its members, with their tables recovered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from faust_redis.admin import Admin
from faust_redis.log import LogError

from deploy.broker import log_of
from deploy.settings import Settings
from tables.domains import TOPOLOGY


def missing_for_readiness(settings: Settings, expected: Mapping[str, int]) -> str | None:
    """Return a text that names what the pipeline lacks, or None when it is ready.

    Args:
        settings: Settings with the server to read from.
        expected: How many members the group of each domain is to have.
    """
    try:
        return asyncio.run(_missing(settings, expected))
    except LogError as exc:
        return str(exc)


async def _missing(settings: Settings, expected: Mapping[str, int]) -> str | None:
    async with log_of(settings, owned=False) as log:
        groups = await Admin(log).describe_groups([TOPOLOGY.group(settings.app_id, name) for name in expected])
    for (name, members), group in zip(expected.items(), groups, strict=True):
        if not group.ready:
            return f"{name}: {group.why_not_ready}"
        if len(group.members) < members:
            return f"{name}: {len(group.members)} of {members} workers are alive"
    return None
