"""How a worker process sees itself in the groups of its domains."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from faust_redis.admin import GroupDescription, MemberDescription

from agents.rulebook import packaged_rulebook
from deploy.run.members import Members
from deploy.run.worker import Worker
from deploy.run.worker_health import MemberState
from deploy.settings import Settings

DAMAGE = "partition 1 of 'astra.trading.events.v1' is damaged"
SETTINGS = Settings(broker_url="redis://nowhere")


class OneGroup:
    """Answers with one member, whatever the group."""

    def __init__(self, name: str, *, recovered: bool = True, **status: Any) -> None:
        self._member = MemberDescription(name, 5_000, (), recovered, status)

    async def describe_groups(self, names: list[str]) -> list[GroupDescription]:
        return [GroupDescription(name, "stable", 3, "", (self._member,), {}) for name in names]


async def state(admin: OneGroup) -> MemberState:
    apps: Any = {"trading": SimpleNamespace(transport=SimpleNamespace(member="worker-1-abc"))}
    members = Members(admin, SETTINGS, "worker-1", apps)  # type: ignore[arg-type]
    return (await members.states(["trading"]))["trading"]


@pytest.mark.parametrize(
    ("admin", "expected"),
    [
        (OneGroup("worker-1-abc"), MemberState(ready=True, detail="generation 3")),
        (OneGroup("worker-2-def"), MemberState(ready=False, detail="not a member of its group")),
        (
            OneGroup("worker-1-abc", recovered=False),
            MemberState(ready=False, detail="tables of generation 3 are being restored"),
        ),
        (OneGroup("worker-1-abc", damaged=[DAMAGE]), MemberState(ready=False, detail=DAMAGE)),
    ],
    ids=["ready", "no member", "restoring", "damaged"],
)
async def test_a_domain_is_ready_when_its_member_reads_all_its_partitions(
    admin: OneGroup, expected: MemberState
) -> None:
    assert await state(admin) == expected


async def test_a_domain_builds_its_driver_before_the_main_thread_can_reach_it() -> None:
    worker = Worker(SETTINGS, ("trading",), "worker-1", packaged_rulebook())
    services: list[Any] = worker._services("trading")
    [app] = services
    assert worker._apps == {"trading": app}
    assert "driver" in vars(app.transport)
