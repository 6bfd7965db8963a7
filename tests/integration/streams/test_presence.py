"""Workers on Kafka report to the views that they live; readiness of the pipeline depends on these reports."""

from __future__ import annotations

import json

from faust_redis.admin import Admin, GroupDescription
from faust_redis.log import Log

GROUP = "astratrade"
LEASE_MS = 30_000


async def report(log: Log, member: str, generation: int, *, recovered: bool = True, lease_ms: int = LEASE_MS) -> None:
    status = json.dumps({"generation": generation, "recovered": recovered})
    state = "stable" if recovered else "preparing"
    await log.groups.announce(GROUP, member, lease_ms=lease_ms, generation=generation, state=state, status=status)


async def group(log: Log) -> GroupDescription:
    return await Admin(log).describe_group(GROUP)


def names(group: GroupDescription) -> set[str]:
    return {member.name for member in group.members}


async def test_the_pipeline_is_ready_when_all_live_workers_have_recovered_in_the_newest_generation(log: Log) -> None:
    assert not (await group(log)).ready
    await report(log, "a", 1, recovered=False)
    assert not (await group(log)).ready
    await report(log, "a", 1)
    assert (await group(log)).ready
    await report(log, "b", 2, recovered=False)
    await report(log, "a", 1)
    found = await group(log)
    assert not found.ready, "a does not know the new generation"
    assert found.generation == 2
    await report(log, "a", 2)
    await report(log, "b", 2)
    found = await group(log)
    assert found.ready
    assert names(found) == {"a", "b"}


async def test_a_worker_that_left_or_fell_silent_does_not_count(log: Log) -> None:
    await report(log, "a", 5)
    await report(log, "b", 5)
    await report(log, "b", 5, lease_ms=0)
    assert names(await group(log)) == {"a"}
    await report(log, "a", 5, lease_ms=0)
    assert (await group(log)).state == "empty"
    await report(log, "b", 9, lease_ms=-5_000)
    await report(log, "c", 1)  # No member is left, so Kafka forgot the group, and its generation begins again.
    assert (await group(log)).ready
    await report(log, "d", 1, lease_ms=-5_000)
    assert names(await group(log)) == {"c"}
