"""Read snapshots of tables on every shard of the log, with the position of the answer. Depends on `streams` only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from faust_redis.log import (
    Log,
    LogUnavailableError,
    Position,
    ResizedError,
    ResizingError,
    TopicInfo,
    UnknownTopicError,
)
from faust_redis.log.codec import is_moving
from faust_redis.log.shards import OTHERS_WITHIN_S, joined

from streams.topology import changelog_topic

Command = Callable[[str, int], Sequence[Any]]
"""Returns a command, given the key of a partition's snapshot and the partition."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of a table: a command for each of some partitions."""

    topic: str
    partitions: Iterable[int]
    command: Command
    counted: int | None = None
    """By how many partitions of the topic these were chosen; None when it does not matter."""

    def held(self, log: Log, shard: int) -> list[int]:
        """Return the partitions that a shard holds."""
        return [p for p in self.partitions if log.shard_of(p) == shard]


class Part(NamedTuple):
    """What one shard says of a topic.

    Attributes:
        state: Incarnation, number of partitions, and whether the topic is closed.
        ends: The ends of its partitions.
        replies: Replies by partition.
    """

    state: Sequence[bytes | None]
    ends: Mapping[bytes, bytes]
    replies: Mapping[int, Any]


P = ParamSpec("P")
R = TypeVar("R")


def looked_up_again(read: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Read again when the table was resized since its number of partitions was looked up."""

    @wraps(read)
    async def twice(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await read(*args, **kwargs)
        except ResizedError:
            return await read(*args, **kwargs)

    return twice


class ShardReads:
    """Runs commands on the snapshots of one application's tables.

    Methods raise `LogUnavailableError`, and `UnknownTopicError` for a table that does not exist yet.
    """

    def __init__(self, log: Log, app_id: str) -> None:
        self.log = log
        self.app_id = app_id

    def topic(self, table: str) -> str:
        """Return the changelog topic of a table."""
        return changelog_topic(self.app_id, table)

    async def _all_of(self, table: str, command: Command) -> Wanted:
        count = (await self.log.topic(self.topic(table))).spec.partitions
        return Wanted(self.topic(table), range(count), command, count)

    async def _read_all(self, table: str, command: Command) -> tuple[Position, dict[int, Any]]:
        """Run a command on the snapshot of each partition; return the replies by partition."""
        [found] = await self._read_many([await self._all_of(table, command)])
        return found

    async def _read(
        self, table: str, partitions: Iterable[int], command: Command, counted: int | None = None
    ) -> tuple[Position, dict[int, Any]]:
        [found] = await self._read_many([Wanted(self.topic(table), partitions, command, counted)])
        return found

    async def _read_many(self, wanted: Iterable[Wanted]) -> list[tuple[Position, dict[int, Any]]]:
        """Run the commands of several tables. All of a shard see the same state.

        A shard without a wanted partition may be away. Then the positions leave its partitions out.

        Raises:
            ResizedError: a topic has another number of partitions than was counted.
            ResizingError: rows move to other partitions just now.
        """
        each = list(wanted)
        parts = await asyncio.gather(*(self._read_shard(number, each) for number in range(len(self.log.shards))))
        found: list[tuple[Position, dict[int, Any]]] = []
        for number, one in enumerate(each):
            of_shards = [None if part is None else part[number] for part in parts]
            replies = {p: reply for part in of_shards if part is not None for p, reply in part.replies.items()}
            position = await self._position(one.topic, of_shards, one.counted)
            found.append((position, {p: replies[p] for p in one.partitions}))
        return found

    async def _read_shard(self, number: int, wanted: Sequence[Wanted]) -> list[Part] | None:
        """Run on one shard what is wanted of its partitions; return None when it is away, and none is wanted.

        Raises:
            LogUnavailableError: the shard is away.
        """
        if any(one.held(self.log, number) for one in wanted) or len(self.log.shards) == 1:
            return await _ask_shard(self.log, number, wanted)
        try:
            async with asyncio.timeout(OTHERS_WITHIN_S):
                return await _ask_shard(self.log, number, wanted)
        except (LogUnavailableError, TimeoutError):
            return None

    async def _position(self, topic: str, parts: Sequence[Part | None], counted: int | None) -> Position:
        there = [part for part in parts if part is not None]
        incarnations = [part.state[0] for part in there]
        if None in incarnations:
            raise UnknownTopicError(f"topic {topic!r} does not exist; start a worker first, it creates the tables")
        await self._check_partitions(topic, there, counted)
        known = {int(p): int(o) for part in there for p, o in part.ends.items()}
        if len(there) < len(parts):
            info = self.log.known_topic(topic)
            if info is None:
                raise LogUnavailableError(f"topic {topic!r} cannot be looked up while a shard of the log is away")
        else:
            info = await self._info(topic, joined([one.decode() for one in incarnations if one is not None]))
        answered = [p for p in range(info.spec.partitions) if parts[self.log.shard_of(p)] is not None]
        return Position(topic, info.incarnation, {p: known.get(p, 0) for p in answered})

    async def _check_partitions(self, topic: str, parts: Sequence[Part], counted: int | None) -> None:
        """Refuse what was read by another number of partitions than the topic had then."""
        counts = {int(count) for part in parts if (count := part.state[1]) is not None}
        if len(counts) > 1 or any(is_moving(part.state[2]) for part in parts):
            raise ResizingError(f"the rows of {topic!r} move to other partitions just now; try again")
        known = await self.log.topic(topic)
        if counts and known.spec.partitions not in counts:
            await self.log.topic(topic, fresh=True)
        if counts and counted is not None and counted not in counts:
            raise ResizedError(f"topic {topic!r} has {counts.pop()} partitions now, and {counted} were counted")

    async def _info(self, topic: str, incarnation: str) -> TopicInfo:
        info = await self.log.topic(topic)
        return info if info.incarnation == incarnation else await self.log.topic(topic, fresh=True)


async def _ask_shard(log: Log, number: int, wanted: Sequence[Wanted]) -> list[Part]:
    """Run on one shard what is wanted of its partitions."""
    shard = log.shards[number]
    commands: list[Sequence[Any]] = []
    for one in wanted:
        state = ("HMGET", shard.keys.topic(one.topic), "incarnation", "partitions", "closed")
        commands += [state, ("HGETALL", shard.keys.ends(one.topic))]
        commands += [one.command(shard.keys.snapshot(one.topic, p), p) for p in one.held(log, number)]
    replies = iter(await shard.at_once(*commands))
    return [Part(next(replies), next(replies), {p: next(replies) for p in one.held(log, number)}) for one in wanted]
