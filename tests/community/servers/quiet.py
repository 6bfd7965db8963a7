"""Wait until everything that was appended has taken effect: each group has committed all records of its topics.

Offsets and ends of a broker are read in one moment. A worker commits its offsets together with the events that follow,
so nothing is under way then. Of several brokers all must say so twice, with the same ends: an event may have gone from
one to another between the reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from faust_redis.log import Log, LogError
from faust_redis.log.transit import transit_group, transit_topic

from streams.connect.outbox.position import SOURCE, OutboxPosition
from streams.connect.outbox.source import OutboxSource
from tables.domains import TOPOLOGY

APP_ID = "astratrade"
LOOK_S = 0.004
WRITERS = ("relay", "community")
"""Names of transit topics of processes that are no worker."""
Ends = dict[str, Mapping[bytes, bytes]]
QUIET_WITHIN_S = 300.0


class NotQuietError(Exception):
    """Something is still to be processed after a long time. The message says what."""


class Quiet:
    """Watches the groups of one installation."""

    def __init__(self, log: Log, check: Callable[[], None]) -> None:
        """Create the watch.

        Args:
            log: The log.
            check: Raises when a process has failed. It is called now and then.
        """
        self._log = log
        self._check = check
        self._consumed: dict[str, tuple[str, ...]] = {
            TOPOLOGY.group(APP_ID, domain): tuple(TOPOLOGY.domain(domain).consumes) for domain in TOPOLOGY.names
        }
        shards = range(len(log.shards) if len(log.shards) > 1 else 0)
        for name in (*self._consumed, *(f"{APP_ID}-{writer}" for writer in WRITERS)):
            if shards:
                self._consumed[transit_group(name)] = tuple(transit_topic(name, shard) for shard in shards)
        self._topics = sorted({topic for topics in self._consumed.values() for topic in topics})
        self.waited_s = 0.0

    async def wait(self) -> None:
        """Wait until all is processed.

        Raises:
            NotQuietError: it takes too long.
        """
        loop = asyncio.get_running_loop()
        begun = looked = loop.time()
        while waiting := await self._waiting_anywhere():
            if loop.time() - looked > 1:
                looked = loop.time()
                self._check()
            if loop.time() - begun > QUIET_WITHIN_S:
                raise NotQuietError(f"not processed after {QUIET_WITHIN_S:.0f} s: {waiting}")
            await asyncio.sleep(LOOK_S)
        self.waited_s += loop.time() - begun

    async def relayed(self, source: OutboxSource) -> None:
        """Wait until the relay has published the whole outbox."""
        head, until = (await source.head()).last, asyncio.get_running_loop().time() + QUIET_WITHIN_S
        while OutboxPosition.of(await self._log.source_offsets(SOURCE)).number < head:
            if asyncio.get_running_loop().time() > until:
                raise NotQuietError("the relay has not published the outbox")
            await asyncio.sleep(LOOK_S)

    async def _waiting_anywhere(self) -> dict[str, int] | None:
        """Return how many records each group has still to process, by group and topic; None for nothing."""
        ends: list[Ends] = []
        for _ in range(2 if len(self._log.shards) > 1 else 1):
            for shard in self._log.shards:
                try:
                    waiting, found = await self._waiting(shard)
                except LogError:
                    return {"the broker": 1}
                if waiting:
                    return waiting
                ends.append(found)
        half = len(self._log.shards)
        return None if ends[half:] in ([], ends[:half]) else {"between brokers": 1}

    async def _waiting(self, shard: Log) -> tuple[dict[str, int], Ends]:
        """Return how many records each group has still to process on a broker, and the ends of its topics."""
        replies = await shard.at_once(
            *(("HGETALL", shard.keys.ends(topic)) for topic in self._topics),
            *(("HGETALL", shard.keys.offsets(group)) for group in self._consumed),
        )
        ends: Ends = dict(zip(self._topics, replies, strict=False))
        waiting: dict[str, int] = {}
        for (group, topics), done in zip(self._consumed.items(), replies[len(self._topics) :], strict=True):
            for topic in topics:
                if (behind := _behind(topic, ends[topic], done)) > 0:
                    waiting[f"{group} {topic}"] = behind
        return waiting, ends


def _behind(topic: str, ends: Mapping[bytes, bytes], done: Mapping[bytes, bytes]) -> int:
    return sum(int(end) - int(done.get(topic.encode() + b":" + partition, 0)) for partition, end in ends.items())
