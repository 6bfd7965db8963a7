"""Wait until a table shows the effect of a command: `?after=<position>`. One poller serves all waiting requests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from faust_redis.admin import Admin
from faust_redis.log import Log, LogError, Position, TopicPartition, UnknownTopicError
from faust_redis.log.transit import transit_group, transit_topic

from api.kit.problems import NOT_YET_VISIBLE, POSITION_GONE, Problem, invalid
from streams.topology import Hop, Topology
from tables.reader import TableReader

LOOK_S = 0.05  # what a wait of 0 may take, so that it looks at least once
POLL_S = 0.01  # one round trip for all waiting requests, and none while there are none

Committed = Mapping[str, Mapping[TopicPartition, int]]
"""By group, the next offset to process of each partition."""
Ends = Mapping[str, Mapping[int, int]]
"""By topic, the end of each partition."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that must happen: a domain processes topics, or forwarders copy its parcels to other shards.

    Attributes:
        domain: The domain that processes the topics, or that sent the parcels.
        group: The consumer group whose offsets tell how far the step is.
        topics: What the group reads.
        forwards: Whether forwarders do the step.
    """

    domain: str
    group: str
    topics: tuple[str, ...]
    forwards: bool = False


@dataclass(slots=True, eq=False)
class _Goal:
    """A waiting request. It passes the steps of its path in order and is answered after the last.

    A step is done when its group has committed its target offsets. The first step may be given its targets. Any other
    step takes the ends of its topics when it begins, because an effect may have another key than its cause.
    """

    path: list[_Step]
    targets: Mapping[TopicPartition, int] | None
    visible: asyncio.Future[None]

    def advance(self, committed: Committed, ends: Ends) -> None:
        """Take the steps that are done as of one moment."""
        while self.path:
            if self.targets is None:
                topics = self.path[0].topics
                self.targets = {TopicPartition(topic, p): end for topic in topics for p, end in ends[topic].items()}
            if self.behind(committed):
                return
            done = self.path.pop(0)
            self.targets = None
            if done.forwards and self.path:
                return  # `ends` was read before the records were forwarded, so the next step needs newer ends
        if not self.visible.done():
            self.visible.set_result(None)

    def behind(self, committed: Committed) -> int:
        """Return how many records of the present step are still to be processed."""
        done = committed.get(self.path[0].group, {})
        return sum(max(0, offset - done.get(tp, 0)) for tp, offset in (self.targets or {}).items())


@dataclass(slots=True)
class Waiter:
    """Answers when positions have become visible in tables."""

    log: Log
    tables: TableReader
    topology: Topology
    app_id: str
    _goals: set[_Goal] = field(default_factory=set)
    _has_goals: asyncio.Event = field(default_factory=asyncio.Event)
    _committed: Committed = field(default_factory=dict)

    async def wait(self, after: str, table: str, wait_ms: int) -> None:
        """Wait until the table shows everything below the position, at most `wait_ms`.

        Raises:
            Problem: 410 for a position of another epoch, 422 for one that is none, 504 when the time was too short.
        """
        position = _parse(after)
        if position.topic == self.tables.topic(table):
            await self._check(position)
            return
        path = self._steps(self.topology.path(position.topic, table))
        if not path:
            raise invalid("after", f"events of {position.topic!r} do not change what is shown here")
        await self._check(position)
        targets = {TopicPartition(position.topic, p): offset for p, offset in position.offsets.items()}
        goal = _Goal(path, targets, asyncio.get_running_loop().create_future())
        self._goals.add(goal)
        self._has_goals.set()
        try:
            async with asyncio.timeout(max(wait_ms / 1_000, LOOK_S)):
                await goal.visible
        except TimeoutError:
            if goal.path:
                raise self._late(goal, wait_ms) from None
        finally:
            self._goals.discard(goal)

    def _steps(self, path: Iterable[Hop]) -> list[_Step]:
        """Return the steps of a path. On a log of several shards, what a domain sends to others is forwarded."""
        shards = len(self.log.shards)
        steps: list[_Step] = []
        for domain, topic in path:
            group = self.topology.group(self.app_id, domain)
            steps.append(_Step(domain, group, (topic,)))
            if shards > 1:
                topics = tuple(transit_topic(group, number) for number in range(shards))
                steps.append(_Step(domain, transit_group(group), topics, forwards=True))
        return steps[:-1] if shards > 1 else steps

    def _late(self, goal: _Goal, wait_ms: int) -> Problem:
        behind = goal.behind(self._committed)
        domain, topic = goal.path[0].domain, goal.path[0].topics[0]
        detail = f"not visible within {wait_ms} ms: {domain} has {behind} records of {topic} still to process"
        return Problem(NOT_YET_VISIBLE, detail, domain=domain, topic=topic, behind=behind)

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
        """Poll while any request waits, until cancelled."""
        while True:
            await self._has_goals.wait()
            try:
                await self._poll()
            except LogError as exc:
                for goal in self._goals:
                    with suppress(asyncio.InvalidStateError):
                        goal.visible.set_exception(exc)
            if self._goals:
                await asyncio.sleep(POLL_S)
            else:
                self._has_goals.clear()

    async def _poll(self) -> None:
        goals = tuple(self._goals)  # a request that comes while the answer is on its way is not in it
        groups = {step.group for goal in goals for step in goal.path}
        topics = {topic for goal in goals for step in goal.path for topic in step.topics}
        self._committed, ends = await Admin(self.log).committed_and_ends(groups, topics)
        for goal in goals:
            goal.advance(self._committed, ends)


def _parse(after: str) -> Position:
    try:
        return Position.parse(after)
    except ValueError as exc:
        raise invalid("after", str(exc)) from exc
