"""The group coordinator on a real server: joining, leaving, leases, generations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust_redis.log import Log, MemberState
from faust_redis.log.scripts import GROUP

LEASE_MS = 60_000
REBALANCE_MS = 60_000


class Member:
    """A member whose calls the test makes one by one."""

    def __init__(self, log: Log, name: str, lease_ms: int = LEASE_MS, rebalance_ms: int = REBALANCE_MS) -> None:
        self.log, self.name, self.lease_ms, self.rebalance_ms = log, name, lease_ms, rebalance_ms

    async def _do(self, *args: Any) -> MemberState:
        return MemberState.of(await self.log.run(GROUP, [self.log.keys.group("g")], [args[0], self.name, *args[1:]]))

    async def join(self, settle_ms: int = 0) -> MemberState:
        return await self._do("join", b"meta", self.lease_ms, self.rebalance_ms, settle_ms)

    async def beat(self) -> MemberState:
        return await self._do("heartbeat")

    async def settled(self, left: str = "preparing") -> MemberState:
        """Send heartbeats until the group has left a state."""
        for _ in range(500):
            standing = await self.beat()
            if standing.state != left:
                return standing
            await asyncio.sleep(0.01)
        raise AssertionError(f"the group is still {left}")

    async def leave(self) -> MemberState:
        return await self._do("leave")

    async def sync(self, generation: int, **assignments: bytes) -> MemberState:
        pairs = [part for pair in assignments.items() for part in pair]
        return await self._do("sync", generation, *pairs)


@pytest.fixture
def a(log: Log) -> Member:
    return Member(log, "a")


@pytest.fixture
def b(log: Log) -> Member:
    return Member(log, "b")


async def stable(*members: Member) -> int:
    """Bring all members into one stable generation."""
    for member in members:
        await member.join()
    while True:
        standings = [await member.beat() for member in members]
        for member, standing in zip(members, standings, strict=True):
            if standing.state == "preparing" and not standing.joined:
                await member.join()
            elif standing.state == "syncing" and standing.leader == member.name:
                await member.sync(standing.generation, **{m.name: m.name.encode() for m in members})
        if all(standing.state == "stable" and not standing.joined for standing in standings):
            return standings[0].generation


async def test_the_first_member_leads_and_assigns(a: Member) -> None:
    standing = await a.join()
    assert (standing.state, standing.generation, standing.leader) == ("syncing", 1, "a")
    standing = await a.sync(1, a=b"everything")
    assert (standing.state, standing.assignment) == ("stable", b"everything")


async def test_a_join_waits_for_the_others_and_makes_a_new_generation(a: Member, b: Member) -> None:
    await stable(a)
    assert (await b.join()).state == "preparing"
    standing = await a.beat()
    assert (standing.state, standing.joined, standing.generation) == ("preparing", False, 1)
    standing = await a.join()
    assert (standing.state, standing.generation, standing.leader) == ("syncing", 2, "a")


async def test_a_newcomer_stops_no_member_until_the_group_has_settled(a: Member, b: Member) -> None:
    generation = await stable(a)
    standing = await b.join(settle_ms=300)
    assert (standing.state, standing.joined, standing.generation) == ("stable", True, generation)
    assert (await a.beat()).state == "stable"
    assert (await b.join(settle_ms=300)).state == "stable"
    standing = await b.settled("stable")
    assert (standing.state, standing.joined) == ("preparing", True)
    assert not (await a.beat()).joined
    assert (await a.join()).state == "syncing"


async def test_newcomers_that_come_while_the_group_works_share_a_generation(log: Log, a: Member, b: Member) -> None:
    generation = await stable(a)
    late = Member(log, "c")
    await b.join(settle_ms=100)
    await late.join(settle_ms=60_000)
    await a.settled("stable")
    assert (await a.join()).generation == generation + 1
    assert (await late.beat()).state == "syncing"


async def test_a_member_that_has_handed_over_waits_for_no_settling(a: Member, b: Member) -> None:
    await stable(a, b)
    assert (await a.join(settle_ms=60_000)).state == "preparing"
    assert (await b.join(settle_ms=60_000)).state == "syncing"


async def test_a_leave_does_not_wait_for_the_settling_of_a_join(log: Log, a: Member, b: Member) -> None:
    await stable(a, b)
    newcomer = Member(log, "c")
    await newcomer.join(settle_ms=60_000)
    await a.leave()
    assert (await b.join(settle_ms=60_000)).state == "syncing"
    assert (await newcomer.beat()).state == "syncing"


async def test_a_newcomer_is_assigned_nothing_in_a_generation_that_it_is_not_of(log: Log, a: Member, b: Member) -> None:
    await a.join()
    assert (await b.join(settle_ms=60_000)).state == "syncing"
    assert await log.run(GROUP, [log.keys.group("g")], ["members", "a"]) == [b"a", b"meta"]


async def test_members_that_join_within_the_settling_time_share_a_generation(a: Member, b: Member) -> None:
    assert (await a.join(settle_ms=200)).state == "preparing"
    assert (await b.join(settle_ms=200)).state == "preparing"
    standing = await a.settled()
    assert (standing.state, standing.generation) == ("syncing", 1)


async def test_leaving_hands_over_at_once(a: Member, b: Member) -> None:
    generation = await stable(a, b)
    await a.leave()
    standing = await b.beat()
    assert standing.state == "preparing"
    standing = await b.join()
    assert (standing.state, standing.generation, standing.leader) == ("syncing", generation + 1, "b")
    assert not (await a.beat()).known


async def test_a_member_whose_lease_ran_out_is_evicted(log: Log, a: Member) -> None:
    brief = Member(log, "b", lease_ms=30)
    await stable(a)
    await brief.join()
    while await log.redis.hexists(f"{log.keys.group('g')}:members", "b"):
        await a.beat()
    standing = await a.join()
    assert (standing.state, standing.leader) == ("syncing", "a")
    assert not (await brief.beat()).known


async def test_a_member_that_does_not_rejoin_in_time_is_left_out(log: Log, a: Member) -> None:
    quick = Member(log, "b", rebalance_ms=30)
    await stable(a)
    await quick.join()
    standing = await quick.settled()
    assert (standing.state, standing.leader) == ("syncing", "b")
    assert not (await a.beat()).known


async def test_a_leader_that_does_not_assign_in_time_loses_its_place(log: Log) -> None:
    slow, other = Member(log, "a", rebalance_ms=30), Member(log, "b", rebalance_ms=30)
    await asyncio.gather(slow.join(settle_ms=5), other.join(settle_ms=5))
    await other.settled()
    await asyncio.sleep(0.04)
    standing = await other.beat()
    assert standing.state == "preparing"
    standing = await other.join()
    assert standing.leader == "b"


async def test_only_the_leader_of_the_generation_assigns(a: Member, b: Member) -> None:
    await stable(a)
    await b.join()
    standing = await a.join()
    assert (await b.sync(standing.generation, a=b"x", b=b"y")).state == "syncing"
    assert (await a.sync(standing.generation - 1, a=b"x", b=b"y")).state == "syncing"
    assert (await a.sync(standing.generation, a=b"x", b=b"y")).state == "stable"
    assert (await b.beat()).assignment == b"y"
