"""Check that an archiver runs when topics are declared as archived. Without one the broker keeps all their records."""

from __future__ import annotations

from faust_redis.admin.doctor import Finding, ok, warn
from faust_redis.log import Log
from faust_redis.log.services import Services

from streams.services import Kind

NAME = "archive"


async def archiving(log: Log) -> Finding:
    """Return whether an archiver works, if there is anything to archive."""
    archived = [name for name in await log.topics() if (await log.topic(name)).spec.archived]
    if not archived:
        return ok(NAME, "no topic is archived: events are gone after their retention")
    live = [one for one in await Services(log).live() if one.description.get("kind") == Kind.ARCHIVE]
    if not live:
        return warn(NAME, "no archiver runs: the broker keeps all records", "run astratrade archive: docs/archive.md")
    if not any(one.description.get("ready") for one in live):
        why = str(live[0].description.get("why_not"))
        return warn(NAME, f"nothing is archived: {why}", "docs/runbooks/archive-behind.md")
    return ok(NAME, f"archived topics: {len(archived)}")
