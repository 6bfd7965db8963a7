"""Read tables from the log's snapshots: rows, whole tables and rankings. Each answer has its position.

Answers are committed and current, and need no request to a worker. Depends on `streams` only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from faust_redis.log import Log, Position, TopicInfo, UnknownTopicError
from faust_redis.log.partitioner import partition_for
from faust_redis.log.rankings import ranked_member
from faust_redis.log.scripts import RANK, run_all

from streams.topology import changelog_topic
from tables.boards import Standing, names_of
from tables.rank_score import rank_score
from tables.typed import standings

SCAN_COUNT = 500  # rows that a scan step asks the server for
COPY_SHOWN = 0
"""The partition whose copy clients see of a table that every partition fills from a broadcast topic.

The copies differ only while some partitions are behind. To show always the same one keeps its order.
"""


class Row(NamedTuple):
    """One row of a table, as stored."""

    partition: int
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that were all current at one `position`."""

    position: Position
    rows: list[Row]


class Ranked(NamedTuple):
    """One member of a ranking; ranks count from 1."""

    rank: int
    standing: Standing
    member: str

    @property
    def entry(self) -> str:
        """Return the member's entry in the ranking. The next page continues after it."""
        return f"{self.standing.score}/{self.standing.reached_at}|{self.member}"


@dataclass(frozen=True, slots=True)
class RankingPage:
    """A page of a ranking at `position`. `total` is the number of all ranked members."""

    position: Position
    total: int
    members: list[Ranked]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one member (None when it is not ranked) and the rows around it."""

    position: Position
    total: int
    member: Ranked | None
    around: list[Ranked]


class TableReader:
    """Reads the tables of one application.

    Methods raise `LogUnavailableError`, and `UnknownTopicError` for a table that does not exist yet.
    """

    def __init__(self, log: Log, app_id: str) -> None:
        self.log = log
        self.app_id = app_id

    def topic(self, table: str) -> str:
        """Return the changelog topic of a table."""
        return changelog_topic(self.app_id, table)

    async def position(self, table: str) -> Position:
        """Return the table's current position."""
        position, _ = await self._read(table)
        return position

    async def get(self, table: str, key: str, *, owner: str) -> tuple[Position, bytes | None]:
        """Return one row. `owner` is the partition key of the table's records."""
        position, values = await self.get_many(table, [(key, owner)])
        return position, values[0]

    async def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> tuple[Position, list[bytes | None]]:
        """Return the rows of several (key, owner), in their order, with None for a missing row."""
        count = (await self.log.topic(self.topic(table))).spec.partitions
        partitions = [partition_for(owner.encode(), count) for _, owner in keys]
        wanted: dict[int, list[bytes]] = {}
        for partition, (key, _) in zip(partitions, keys, strict=True):
            wanted.setdefault(partition, []).append(key.encode())
        position, replies = await self._read(
            table, *(("HMGET", self._snapshot(table, partition), *named) for partition, named in wanted.items())
        )
        values = {partition: iter(reply) for partition, reply in zip(wanted, replies, strict=True)}
        return position, [next(values[partition]) for partition in partitions]

    async def rows(self, table: str) -> Rows:
        """Return all rows at one moment. Use `scan` for large tables, because this read blocks the server."""
        return (await self.rows_of([table]))[table]

    async def rows_of(self, tables: Sequence[str]) -> dict[str, Rows]:
        """Return all rows of several tables, all at one moment. This read blocks the server."""
        commands: dict[str, list[Sequence[Any]]] = {}
        for table in tables:
            topic = self.topic(table)
            partitions = range((await self.log.topic(topic)).spec.partitions)
            commands[table] = [
                ("HGET", self.log.keys.topic(topic), "incarnation"),
                ("HGETALL", self.log.keys.ends(topic)),
                *(("HGETALL", self._snapshot(table, p)) for p in partitions),
            ]
        replies = iter(await self.log.at_once(*(one for some in commands.values() for one in some)))
        return {table: await self._rows(table, [next(replies) for _ in some]) for table, some in commands.items()}

    async def _rows(self, table: str, replies: Sequence[Any]) -> Rows:
        incarnation, ends, *snapshots = replies
        position = await self._position(self.topic(table), incarnation, ends)
        found = [(p, key, value) for p, rows in enumerate(snapshots) for key, value in rows.items()]
        return Rows(position, [Row(p, key.decode(), value) for p, key, value in found])

    async def copy(self, table: str) -> Rows:
        """Return the rows of a table of which every partition has a copy, as partition `COPY_SHOWN` has them."""
        position, [rows] = await self._read(table, ("HGETALL", self._snapshot(table, COPY_SHOWN)))
        return Rows(position, [Row(COPY_SHOWN, key.decode(), value) for key, value in rows.items()])

    async def in_each(self, table: str, key: str) -> dict[int, bytes | None]:
        """Return the row that each partition has under a key, by partition."""
        partitions = range((await self.log.topic(self.topic(table))).spec.partitions)
        _, rows = await self._read(table, *(("HGET", self._snapshot(table, p), key.encode()) for p in partitions))
        return dict(zip(partitions, rows, strict=True))

    async def parts(self, table: str, keys: Sequence[str]) -> tuple[Position, list[list[bytes]]]:
        """Return for each key the rows that the partitions have under it, all at one moment."""
        partitions = range((await self.log.topic(self.topic(table))).spec.partitions)
        named = [key.encode() for key in keys]
        if not named:
            return await self.position(table), []
        position, replies = await self._read(table, *(("HMGET", self._snapshot(table, p), *named) for p in partitions))
        return position, [[part for part in parts if part is not None] for parts in zip(*replies, strict=True)]

    async def scan(self, table: str) -> AsyncIterator[list[Row]]:
        """Yield all rows in steps, not of one moment. A row that changes meanwhile appears in its old or new state."""
        for p in range((await self.log.topic(self.topic(table))).spec.partitions):
            cursor = 0
            while True:
                [(cursor, found)] = await self.log.at_once(
                    ("HSCAN", self._snapshot(table, p), cursor, "COUNT", SCAN_COUNT)
                )
                yield [Row(p, key.decode(), value) for key, value in found.items()]
                if cursor == 0:
                    break

    async def size(self, table: str) -> int:
        """Return the number of rows of the table."""
        partitions = range((await self.log.topic(self.topic(table))).spec.partitions)
        _, sizes = await self._read(table, *(("HLEN", self._snapshot(table, p)) for p in partitions))
        return sum(sizes)

    async def page(self, table: str, group: str, *, after: str | None = None, limit: int) -> RankingPage:
        """Return the first `limit` members of a ranking, or the next ones after an `entry`, which may have moved.

        Raises:
            ValueError: when `after` is no entry.
        """
        if after is None:
            position, total, members = await self._ranking(table, group, "first", "", limit)
            return RankingPage(position, total, members[:limit])
        standing, member = entry_of(after)
        score = repr(rank_score(*standing))
        position, total, members = await self._ranking(table, group, "after", score, limit)
        last = standing.order(member)
        following = [one for one in members if one.standing.order(one.member) > last]
        return RankingPage(position, total, following[:limit])

    async def place(self, table: str, group: str, member: str, *, owner: str, neighbours: int = 0) -> Place:
        """Return the place of a member in a ranking, with up to `neighbours` members on each side.

        Args:
            table: A ranked table.
            group: The ranking.
            member: The member.
            owner: The partition key of the member's rows.
            neighbours: The number of rows on each side.
        """
        info = await self.log.topic(self.topic(table))
        ranked = ranked_member(partition_for(owner.encode(), info.spec.partitions), member)
        position, total, members = await self._ranking(table, group, "around", ranked, neighbours)
        at = next((i for i, one in enumerate(members) if one.member == member), None)
        if at is None:
            return Place(position, total, None, [])
        return Place(position, total, members[at], members[max(0, at - neighbours) : at + neighbours + 1])

    async def places(self, table: str, group: str, members: Sequence[str]) -> RankingPage:
        """Return the places of several members in a ranking, in its order, all of one moment.

        Each is the partition key of its own rows. Members that are not ranked are left out.
        """
        topic = self.topic(table)
        count = (await self.log.topic(topic)).spec.partitions
        named = [ranked_member(partition_for(one.encode(), count), one) for one in members]
        replies = await run_all(self.log, RANK, [self._rank(topic, group, "around", one, 0) for one in named])
        found = [await self._ranked(topic, group, reply) for reply in replies]
        position, total, _ = found[0]
        wanted = frozenset(members)
        return RankingPage(position, total, sorted({one for *_, tied in found for one in tied if one.member in wanted}))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _snapshot(self, table: str, partition: int) -> str:
        return self.log.keys.snapshot(self.topic(table), partition)

    async def _read(self, table: str, *commands: Sequence[Any]) -> tuple[Position, list[Any]]:
        topic = self.topic(table)
        incarnation, ends, *replies = await self.log.at_once(
            ("HGET", self.log.keys.topic(topic), "incarnation"), ("HGETALL", self.log.keys.ends(topic)), *commands
        )
        return await self._position(topic, incarnation, ends), replies

    async def _ranking(
        self, table: str, group: str, mode: str, value: str, count: int
    ) -> tuple[Position, int, list[Ranked]]:
        """Return members of a ranking in exact order, with all members that tie with the first and the last of them."""
        topic = self.topic(table)
        await self.log.topic(topic)
        return await self._ranked(topic, group, await self.log.run(RANK, *self._rank(topic, group, mode, value, count)))

    def _rank(self, topic: str, group: str, mode: str, value: str, count: int) -> tuple[list[str], list[Any]]:
        """Return the keys and arguments of the script that reads a ranking."""
        keys = [self.log.keys.topic(topic), self.log.keys.ends(topic), self.log.keys.ranking(topic, group)]
        return keys, [self.log.keys.snapshots(topic), mode, value, count, *names_of(group)]

    async def _ranked(self, topic: str, group: str, reply: Sequence[Any]) -> tuple[Position, int, list[Ranked]]:
        names = names_of(group)
        incarnation, ends, total, *found = reply
        position = await self._position(topic, incarnation, dict(zip(ends[::2], ends[1::2], strict=True)))
        if not found:
            return position, total, []
        first, members, rows = found
        of_each = zip(*[iter(rows)] * len(names), strict=True)
        held = [
            (standing, entry.decode().partition("|")[2])
            for entry, own in zip(members, of_each, strict=True)
            if (standing := standing_in(names.values(), own)) is not None
        ]
        held.sort(key=lambda one: one[0].order(one[1]))
        return position, total, [Ranked(rank, *one) for rank, one in enumerate(held, start=first + 1)]

    async def _position(self, topic: str, incarnation: bytes | None, ends: Mapping[bytes, bytes]) -> Position:
        if incarnation is None:
            raise UnknownTopicError(f"topic {topic!r} does not exist; start a worker first, it creates the tables")
        info = await self._info(topic, incarnation.decode())
        known = {int(p): int(o) for p, o in ends.items()}
        return Position(topic, info.incarnation, {p: known.get(p, 0) for p in range(info.spec.partitions)})

    async def _info(self, topic: str, incarnation: str) -> TopicInfo:
        info = await self.log.topic(topic)
        return info if info.incarnation == incarnation else await self.log.topic(topic, fresh=True)


def entry_of(text: str) -> tuple[Standing, str]:
    """Return the standing and the member that an entry names.

    Raises:
        ValueError: when the text is no entry.
    """
    place, _, member = text.partition("|")
    score, _, reached_at = place.partition("/")
    return Standing(int(score), int(reached_at)), member


def standing_in(names: Collection[str], rows: Iterable[bytes | None]) -> Standing | None:
    """Return a member's standing: the first that one of its rows holds. A damaged row holds none."""
    for name, raw in zip(names, rows, strict=True):
        try:
            held = None if raw is None else standings(raw).get(name)
            if held is not None:
                return Standing.of(held)
        except (msgspec.MsgspecError, ValueError):
            continue
    return None
