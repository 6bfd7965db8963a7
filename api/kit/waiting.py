"""Waits until a table shows what a command did: `?after=<position>`. One poller for all who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from faust_redis.log import Log, LogError, Position, TopicPartition, UnknownTopicError
from faust_redis.log.codec import topic_partition

from api.kit.problems import NOT_YET_VISIBLE, POSITION_GONE, VALIDATION, Fault, Problem
from tables.domains import TOPOLOGY
from tables.reader import TableReader

LOOK_S = 0.05  # what a wait of 0 may take, so that it looks at least once
POLL_S = 0.01  # one round trip for all who wait, and none while nobody does


@dataclass(slots=True, eq=False)
class _Goal:
    """Somebody waits until the group has processed these offsets of the first topic, then of the next, to the last."""

    way: list[str]
    targets: Mapping[int, int]
    reached: asyncio.Future[None]

    def advance(self, committed: Mapping[TopicPartition, int], ends: Mapping[str, Mapping[int, int]]) -> None:
        """Take the steps that are done as of one moment."""
        while self.way and not self.behind(committed):
            self.way.pop(0)
            if self.way:
                here = ends[self.way[0]]
                named = here.keys() if self.way[0] in TOPOLOGY.broadcasts else self.targets.keys()
                self.targets = {p: here.get(p, 0) for p in named}
        if not self.way and not self.reached.done():
            self.reached.set_result(None)

    def behind(self, committed: Mapping[TopicPartition, int]) -> int:
        """Records of the present topic still to be processed."""
        return sum(max(0, o - committed.get(TopicPartition(self.way[0], p), 0)) for p, o in self.targets.items())


@dataclass(slots=True)
class Waiter:
    """Answers when positions have become visible in tables."""

    log: Log
    tables: TableReader
    group: str
    _goals: set[_Goal] = field(default_factory=set)
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _committed: Mapping[TopicPartition, int] = field(default_factory=dict)

    async def wait(self, after: str, table: str, wait_ms: int) -> None:
        """Wait until the table shows everything below the position, at most `wait_ms`.

        Raises:
            Problem: 410 for a position of another epoch, 422 for one that is none, 504 when the time was too short.
        """
        position = _parse(after)
        if position.topic == self.tables.topic(table):
            await self._check(position)
            return
        way = [hop.topic for hop in TOPOLOGY.path(position.topic, table)]
        if not way:
            raise _invalid(f"events of {position.topic!r} do not change what is shown here")
        await self._check(position)
        goal = _Goal(way, position.offsets, asyncio.get_running_loop().create_future())
        self._goals.add(goal)
        self._wanted.set()
        try:
            async with asyncio.timeout(max(wait_ms / 1_000, LOOK_S)):
                await goal.reached
        except TimeoutError:
            if goal.way:
                raise self._late(goal, wait_ms) from None
        finally:
            self._goals.discard(goal)

    def _late(self, goal: _Goal, wait_ms: int) -> Problem:
        behind = goal.behind(self._committed)
        detail = f"not visible within {wait_ms} ms: {behind} records of {goal.way[0]} are still to be processed"
        return Problem(NOT_YET_VISIBLE, detail, topic=goal.way[0], behind=behind)

    async def _check(self, position: Position) -> None:
        """Refuse a position that the topic never gave, or gave in another epoch."""
        try:
            info = await self.log.topic(position.topic, fresh=True)
        except UnknownTopicError as exc:
            raise Problem(POSITION_GONE, f"topic {position.topic!r} does not exist any more") from exc
        ends = await self.log.end_offsets(position.topic)
        if info.incarnation != position.epoch:
            raise Problem(POSITION_GONE, f"epoch {position.epoch!r} of {position.topic!r} is over")
        if any(offset > ends.get(p, -1) for p, offset in position.offsets.items()):
            raise Problem(POSITION_GONE, f"{position.topic!r} ends before this position; the broker was rolled back")

    async def run(self) -> None:
        """Poll while anybody waits, until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                await self._poll()
            except LogError as exc:
                for goal in self._goals:
                    with suppress(asyncio.InvalidStateError):
                        goal.reached.set_exception(exc)
            if self._goals:
                await asyncio.sleep(POLL_S)
            else:
                self._wanted.clear()

    async def _poll(self) -> None:
        goals = tuple(self._goals)  # who comes while the answer is on its way is not in it
        topics = sorted({topic for goal in goals for topic in goal.way})
        offsets, *ends = await self.log.at_once(
            ("HGETALL", self.log.keys.offsets(self.group)), *(("HGETALL", self.log.keys.ends(t)) for t in topics)
        )
        self._committed = {topic_partition(name): int(offset) for name, offset in offsets.items()}
        tops = {topic: {int(p): int(o) for p, o in end.items()} for topic, end in zip(topics, ends, strict=True)}
        for goal in goals:
            goal.advance(self._committed, tops)


def _parse(after: str) -> Position:
    try:
        return Position.parse(after)
    except ValueError as exc:
        raise _invalid(str(exc)) from exc


def _invalid(detail: str) -> Problem:
    return Problem(VALIDATION, detail, errors=[Fault(parameter="after", detail=detail)])
