"""A recovery that rebalances interrupt begins again, and no event sees a half-full table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from tests.contract.harness import DEADLINE_S, Broker, running, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.only_on_redis("the test interferes with our driver's recovery"),
]

INT: Any = int  # Faust accepts any type here, but its annotation names only some.
KEYS = 40
ROUNDS = 10


class Member:
    """A worker that counts each key, and notes every event that finds a wrong count."""

    def __init__(self, broker: Broker, name: str, store: str) -> None:
        self.app: Any = broker.app(member=name, store=store)
        self.topic = self.app.topic(broker.name("in"), key_type=str, value_type=INT)
        self.table = table = self.app.Table("counts", default=int)
        self.wrong: list[tuple[str, int, int]] = []
        self.handled = 0

        @self.app.agent(self.topic)
        async def count(stream: Any) -> None:
            async for key, before in stream.items():
                if table[key] != before:
                    self.wrong.append((key, table[key], before))
                table[key] = before + 1
                self.handled += 1

    async def send(self, before: int) -> None:
        await asyncio.gather(*(self.topic.send(key=f"k{i}", value=before) for i in range(KEYS)))

    async def committed(self) -> int:
        offsets = await self.app.transport.broker.committed(self.app.conf.id)
        return sum(offset for tp, offset in offsets.items() if tp.topic == self.topic.get_topic_name())

    def overtake(self) -> None:
        """Begin a rebalance, as a refused write does."""
        self.app.consumer.driver.fencing.fence("its lease ran out")


class SlowSnapshot:
    """A snapshot reader that gives a member only a few rows of each partition until a test releases it."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.free = asyncio.Event()
        self.begun: set[int] = set()
        self._rows = member.app.transport.broker.rows
        member.app.transport.broker.rows = self._slowly

    def entered(self, times: int) -> bool:
        """Return whether the member reads in its n-th recovery."""
        return len(self.begun) == times

    async def _slowly(self, tp: Any, count: int) -> Any:
        async for rows in self._rows(tp, count):
            yield rows[:3]
            self.begun.add(self.member.app.consumer_generation_id)
            await self.free.wait()
            yield rows[3:]


@asynccontextmanager
async def begun(app: Any) -> AsyncIterator[None]:
    """Start an app without waiting for its recovery."""
    starting = asyncio.create_task(app.start())
    try:
        yield
        await asyncio.wait_for(starting, DEADLINE_S)
    finally:
        await asyncio.wait_for(app.stop(), DEADLINE_S)


@pytest.mark.parametrize("store", ["memory://", "faust-redis-rocksdb://"])
async def test_a_recovery_overtaken_twice_serves_no_half_full_table(broker: Broker, store: str) -> None:
    first, second = Member(broker, "m1", store), Member(broker, "m2", store)
    async with running(first.app):
        for before in range(ROUNDS):
            await first.send(before)
        await until(lambda: first.handled == ROUNDS * KEYS)
        second.app.finalize()
        snapshot = SlowSnapshot(second)
        async with begun(second.app):
            for overtaken in (1, 2, 3):
                await until(partial(snapshot.entered, overtaken))
                if overtaken < 3:
                    second.overtake()
            await first.send(ROUNDS)
            assert second.handled == 0
            snapshot.free.set()
            await until(lambda: first.handled + second.handled == (ROUNDS + 1) * KEYS)
            assert second.handled > 0
    assert not first.wrong
    assert not second.wrong
