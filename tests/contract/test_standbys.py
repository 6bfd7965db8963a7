"""Standby replicas: a warm copy of another member's tables, which takes over without rereading the changelog."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from faust.types import TP
from faust_redis.hooks import HeldBack, Hooks, add_hooks

from tests.contract.harness import PARTITIONS, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("the promises of standbys are our driver's"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.
SUMS = "sums"


class Member:
    """A worker that sums by key; the same name has the same local state."""

    def __init__(self, broker: Broker, name: str, **settings: Any) -> None:
        defaults: dict[str, Any] = {
            "store": "faust-redis-rocksdb://",
            "table_standby_replicas": 1,
            "canonical_url": "http://host:6066",
        }
        self.app: Any = broker.app(member=name, **(defaults | settings))
        self.topic = self.app.topic(broker.name("in"), key_type=str, value_type=INT)
        self.table = table = self.app.Table(SUMS, default=int)
        self.read: Counter[str] = Counter()
        self.written: set[int] = set()

        @self.app.agent(self.topic)
        async def add(stream: Any) -> None:
            async for key, value in stream.items():
                table[key] += value

    @property
    def changelog(self) -> str:
        return str(self.table.changelog_topic.get_topic_name())

    def partitions(self, role: str) -> set[int]:
        """Return the partitions of the table of which the member is `active` or `standby`."""
        ask = self.app.assignor.is_active if role == "active" else self.app.assignor.is_standby
        return {p for p in PARTITIONS if ask(TP(self.changelog, p))}

    def rows(self, partition: int) -> dict[bytes, bytes]:
        """Return the rows of a partition on the member's own disk."""
        store: Any = self.table.data
        return dict(store.database.scan(SUMS, partition))

    def observe(self) -> None:
        """Note from now on the member's reads (records and rows of each topic) and writes (partitions of the table)."""
        log = self.app.transport.broker
        fetch_each, commit, rows = log.fetch_each, log.commit, log.rows

        async def fetching(*args: Any, **kwargs: Any) -> Any:
            found = await fetch_each(*args, **kwargs)
            for tp, records in found.records.items():
                self.read[tp.topic] += len(records)
            return found

        async def committing(batch: Any, **kwargs: Any) -> Any:
            written = (*batch.records, *batch.rows)
            self.written |= {each.partition for each in written if each.topic == self.changelog}
            return await commit(batch, **kwargs)

        async def scanning(tp: Any, count: int) -> Any:
            async for found in rows(tp, count):
                self.read[tp.topic] += len(found)
                yield found

        log.fetch_each, log.commit, log.rows = fetching, committing, scanning

    async def committed(self) -> int:
        offsets = await self.app.transport.broker.committed(self.app.conf.id)
        return sum(offset for tp, offset in offsets.items() if tp.topic == self.topic.get_topic_name())

    async def ends(self) -> dict[int, int]:
        ends: dict[int, int] = await self.app.transport.broker.end_offsets(self.changelog)
        return ends

    async def caught_up(self) -> bool:
        """Return whether the member's copies reach the end of the changelog."""
        ends, positions = await self.ends(), self.app.consumer.driver.membership.standbys.positions
        return set(positions) == {TP(self.changelog, p) for p in self.partitions("standby")} and all(
            position == ends[tp.partition] for tp, position in positions.items()
        )


def settled(*members: Member) -> bool:
    """Return whether the members share one generation that has its tables."""
    active = [p for member in members for p in member.partitions("active")]
    return sorted(active) == list(PARTITIONS) and not any(member.app.rebalancing for member in members)


@asynccontextmanager
async def pair(broker: Broker, *names: str) -> AsyncIterator[list[Member]]:
    members = [Member(broker, name) for name in names]
    async with running(*(member.app for member in members)):
        await until(lambda: settled(*members))
        yield members


async def send(member: Member, records: int, keys: int = 40) -> None:
    before = await member.committed()
    await asyncio.gather(*(member.topic.send(key=f"k{i % keys}", value=1) for i in range(records)))
    await until(lambda: _has_committed(member, before + records))


async def _has_committed(member: Member, records: int) -> bool:
    return await member.committed() == records


async def test_two_workers_with_the_same_url_share_actives_and_standbys(broker: Broker) -> None:
    async with pair(broker, "m1", "m2") as members:
        for one, other in permutations(members):
            assert one.partitions("active")
            assert one.partitions("standby") == other.partitions("active")
            assert one.partitions("standby").isdisjoint(one.partitions("active"))
            known = one.app.assignor.changelog_distribution
            shares = [set(topics[one.changelog]) for topics in known.values()]
            assert sorted(map(sorted, shares)) == sorted(sorted(member.partitions("active")) for member in members)


async def test_a_standby_equals_its_active_and_writes_nothing(broker: Broker) -> None:
    async with pair(broker, "m1", "m2") as members:
        for member in members:
            member.observe()
        await send(members[0], 300)
        for one, other in permutations(members):
            await until(one.caught_up)
            for p in one.partitions("standby"):
                assert one.rows(p) == other.rows(p) != {}
            assert set(one.table.keys()).isdisjoint(other.table.keys())
        assert sum(sum(member.table.values()) for member in members) == 300
        for member in members:
            assert member.written == member.partitions("active")


async def test_a_standby_takes_over_with_only_the_tail_to_read(broker: Broker) -> None:
    stays, leaves = Member(broker, "m1"), Member(broker, "m2")
    async with running(stays.app):
        async with running(leaves.app):
            await until(lambda: settled(stays, leaves))
            await send(stays, 1000)
            await until(stays.caught_up)
            copied = stays.partitions("standby")
            # The standby has not read the next records when it takes over.
            await stays.app.consumer.driver.membership.standbys.leave()
            await send(stays, 20, keys=20)
            stays.observe()
        await until(lambda: settled(stays) and len(stays.partitions("active")) == len(PARTITIONS))
        # Recovery reads the tail, and of each partition the last known record, from which it continues.
        assert copied
        assert 0 < stays.read[stays.changelog] <= 20 + len(PARTITIONS)
        assert sum(stays.table.values()) == 1020


async def test_a_copy_stays_right_through_promotions_and_demotions(broker: Broker) -> None:
    total = 0
    async with AsyncExitStack() as stays:
        anchor = Member(broker, "m0")
        await stays.enter_async_context(running(anchor.app))
        for name in ("m1", "m2", "m1"):
            comer = Member(broker, name)
            async with running(comer.app):
                await until(partial(settled, anchor, comer))
                await send(anchor, 100)
                for one, other in ((anchor, comer), (comer, anchor)):
                    await until(one.caught_up)
                    assert all(one.rows(p) == other.rows(p) for p in one.partitions("standby"))
            await until(lambda: settled(anchor))
            await send(anchor, 50)
            total += 150
            assert sum(anchor.table.values()) == total


async def test_a_standby_whose_place_is_trimmed_starts_over(broker: Broker) -> None:
    async with pair(broker, "m1", "m2") as (one, other):
        await send(one, 100)
        await until(one.caught_up)
        log, go_on = one.app.transport.broker, asyncio.Event()
        fetch_each = log.fetch_each

        async def waiting(offsets: Any, **kwargs: Any) -> Any:
            if {tp.topic for tp in offsets} == {one.changelog}:
                await go_on.wait()
            return await fetch_each(offsets, **kwargs)

        log.fetch_each = waiting
        await send(one, 400)
        ends = await one.ends()
        for p in one.partitions("standby"):
            await log.redis.xtrim(log.keys.stream(one.changelog, p), minid=f"0-{ends[p]}", approximate=False)
        go_on.set()
        await until(one.caught_up)
        assert all(one.rows(p) == other.rows(p) != {} for p in one.partitions("standby"))


class HeldBackPartitions(Hooks):
    """Hooks that remember which partitions were held back."""

    def __init__(self) -> None:
        self.seen: list[HeldBack] = []

    def on_held_back(self, held_back: HeldBack, /) -> None:
        self.seen.append(held_back)


async def test_a_damaged_changelog_stops_the_copy_of_its_partition_only(broker: Broker) -> None:
    async with pair(broker, "m1", "m2") as (one, other):
        hooks = HeldBackPartitions()
        add_hooks(one.app, hooks)
        await send(one, 100)
        await until(one.caught_up)
        ends, log = await one.ends(), one.app.transport.broker
        damaged, *whole = sorted(one.partitions("standby"))
        await log.redis.xadd(log.keys.stream(one.changelog, damaged), {"x": "1"})
        await until(lambda: hooks.seen)
        [held_back] = hooks.seen
        assert (held_back.topic, held_back.partition, held_back.offset) == (one.changelog, damaged, ends[damaged])
        assert whole
        for p in whole:
            await one.topic.send(key=f"later-{p}", value=1, partition=p)
        await until(lambda: all(f'"later-{p}"'.encode() in one.rows(p) for p in whole))
        assert all(one.rows(p) == other.rows(p) for p in whole)
        status = one.app.consumer.damaged()
        assert [f"topics repair {one.changelog} {damaged}" in text for text in status] == [True]


async def test_following_ends_with_each_rebalance_however_often_they_come(broker: Broker) -> None:
    """The client takes some cancellations for its own timeouts; a rebalance must not wait for the work that follows."""
    async with pair(broker, "m1", "m2") as members:
        for number in range(30):
            await asyncio.gather(*(members[0].topic.send(key=f"k{i}", value=1) for i in range(20)))
            app = members[number % 2].app
            before = [member.app.consumer_generation_id for member in members]
            app.consumer.driver.fencing.fence("its lease ran out")
            await until(partial(_moved_on, members, before))
        await until(lambda: _has_committed(members[0], 600))
        assert sum(sum(member.table.values()) for member in members) == 600


def _moved_on(members: list[Member], before: list[int]) -> bool:
    now = [member.app.consumer_generation_id for member in members]
    return settled(*members) and all(a > b for a, b in zip(now, before, strict=True))
