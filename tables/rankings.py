"""Read rankings: pages, places of members, and what is around them. Each shard ranks its own members."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from faust_redis.log import Log, Position
from faust_redis.log.partitioner import partition_for
from faust_redis.log.rankings import ranked_member
from faust_redis.log.scripts import RANK, run_all

from tables.boards import Standing, names_of
from tables.rank_score import rank_score
from tables.shard_reads import Part, ShardReads, looked_up_again
from tables.typed import standings

RANK_AT = 3
"""Where in a reply of the script the rank of the first member is; shorter replies have none."""


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


class Members(NamedTuple):
    """Some members of a ranking, in its order, and how many there are in all."""

    position: Position
    total: int
    members: list[Ranked]


class RankingReader(ShardReads):
    """Reads the rankings of one application's tables."""

    async def page(self, table: str, group: str, *, after: str | None = None, limit: int) -> RankingPage:
        """Return the first `limit` members of a ranking, or the next ones after an `entry`, which may have moved.

        Raises:
            ValueError: when `after` is no entry.
        """
        if after is None:
            found = await self._ranking(table, group, _Asked("first", "", limit))
            return RankingPage(found.position, found.total, found.members[:limit])
        standing, member = entry_of(after)
        found = await self._ranking(table, group, _Asked("after", repr(rank_score(*standing)), limit))
        last = standing.order(member)
        following = [one for one in found.members if one.standing.order(one.member) > last]
        return RankingPage(found.position, found.total, following[:limit])

    async def place(self, table: str, group: str, member: str, *, owner: str, neighbours: int = 0) -> Place:
        """Return the place of a member in a ranking, with up to `neighbours` members on each side.

        Args:
            table: A ranked table.
            group: The ranking.
            member: The member.
            owner: The partition key of the member's rows.
            neighbours: The number of rows on each side.
        """
        [found] = await self._around(table, group, [(member, owner)], neighbours)
        members = found.members
        at = next((i for i, one in enumerate(members) if one.member == member), None)
        if at is None:
            return Place(found.position, found.total, None, [])
        return Place(found.position, found.total, members[at], members[max(0, at - neighbours) : at + neighbours + 1])

    async def places(self, table: str, group: str, members: Sequence[str]) -> RankingPage:
        """Return the places of several members in a ranking, in its order; on a shard, all of one moment.

        Each is the partition key of its own rows. Members that are not ranked are left out.
        """
        found = await self._around(table, group, [(one, one) for one in members], 0)
        places = dict(zip(members, found, strict=True))  # one may tie with another, and be in the answer for both
        ranked = [one for member, each in places.items() for one in each.members if one.member == member]
        ranked.sort(key=lambda one: one.standing.order(one.member))
        return RankingPage(found[0].position, found[0].total, ranked)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _ranking(self, table: str, group: str, asked: _Asked) -> Members:
        """Return members of a ranking in exact order, with all members that tie with the first and the last of them."""
        topic = self.topic(table)
        await self.log.topic(topic)
        found = await self._ask_shards(topic, group, [(number, asked) for number in range(len(self.log.shards))])
        return await self._members(topic, group, found, None)

    @looked_up_again
    async def _around(
        self, table: str, group: str, members: Sequence[tuple[str, str]], neighbours: int
    ) -> list[Members]:
        """Return for each member, given with its owner, the members around it.

        A member's own shard has its score. The other shards are asked what they have near that score.
        """
        topic, shards = self.topic(table), len(self.log.shards)
        count = (await self.log.topic(topic)).spec.partitions
        partitions = [partition_for(owner.encode(), count) for _, owner in members]
        asked = [
            (self.log.shard_of(p), _Asked("around", ranked_member(p, member), neighbours))
            for p, (member, _) in zip(partitions, members, strict=True)
        ]
        own = await self._ask_shards(topic, group, asked)
        near = [
            (number, _near(group, member, reply, neighbours))
            for p, (member, _), reply in zip(partitions, members, own, strict=True)
            for number in range(shards)
            if number != self.log.shard_of(p)
        ]
        others = iter(await self._ask_shards(topic, group, near))
        found: list[Members] = []
        for p, reply in zip(partitions, own, strict=True):
            replies = [next(others) for _ in range(shards - 1)]
            replies.insert(self.log.shard_of(p), reply)
            found.append(await self._members(topic, group, replies, count))
        return found

    async def _ask_shards(self, topic: str, group: str, asked: Sequence[tuple[int, _Asked]]) -> list[Sequence[Any]]:
        """Read a ranking on some shards, in one round trip to each; return the replies in the order asked."""
        by_shard: dict[int, list[int]] = {}
        for place, (number, _) in enumerate(asked):
            by_shard.setdefault(number, []).append(place)

        async def ask(number: int, places: Sequence[int]) -> Iterable[tuple[int, Sequence[Any]]]:
            shard = self.log.shards[number]
            calls = [_rank(shard, topic, group, asked[place][1]) for place in places]
            return zip(places, await run_all(shard, RANK, calls), strict=True)

        found = await asyncio.gather(*(ask(*each) for each in by_shard.items()))
        replies = dict(pair for pairs in found for pair in pairs)
        return [replies[place] for place in range(len(asked))]

    async def _members(self, topic: str, group: str, replies: Sequence[Sequence[Any]], counted: int | None) -> Members:
        """Return the members that the shards found, in the exact order of the whole ranking."""
        parts = [Part(reply[0], dict(zip(reply[1][::2], reply[1][1::2], strict=True)), {}) for reply in replies]
        first = sum(reply[3] for reply in replies if len(reply) > RANK_AT)
        held = sorted(one for reply in replies for one in _held(group, reply))
        members = [Ranked(rank, standing, member) for rank, (_, standing, member) in enumerate(held, start=first + 1)]
        return Members(await self._position(topic, parts, counted), sum(reply[2] for reply in replies), members)


class _Asked(NamedTuple):
    """What to read of a ranking: the script's mode and its value, and how many members."""

    mode: str
    value: str
    size: int


def _rank(shard: Log, topic: str, group: str, asked: _Asked) -> tuple[list[str], list[Any]]:
    """Return the keys and arguments of the script that reads a ranking."""
    keys = [shard.keys.topic(topic), shard.keys.ends(topic), shard.keys.ranking(topic, group)]
    return keys, [shard.keys.snapshots(topic), *asked, *names_of(group)]


def _held(group: str, reply: Sequence[Any]) -> list[tuple[Any, Standing, str]]:
    """Return the standings and members of one shard's reply, each with what orders it."""
    if len(reply) <= RANK_AT:
        return []
    names = names_of(group)
    members, rows = reply[RANK_AT + 1 :]
    of_each = zip(*[iter(rows)] * len(names), strict=True)
    found = [
        (standing, entry.decode().partition("|")[2])
        for entry, own in zip(members, of_each, strict=True)
        if (standing := standing_in(names.values(), own)) is not None
    ]
    return [(standing.order(member), standing, member) for standing, member in found]


def _near(group: str, member: str, reply: Sequence[Any], neighbours: int) -> _Asked:
    """Return what to ask the other shards, given what a member's own shard found: nothing when it is not ranked."""
    standing = next((standing for _, standing, one in _held(group, reply) if one == member), None)
    return _Asked("first", "", 0) if standing is None else _Asked("near", repr(rank_score(*standing)), neighbours)


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
