"""Wait for the first of several brokers that has a record.

A read that blocks cannot be cancelled without cutting its connection. So the reads of the other brokers go on until
they are over, and a later call with the same offsets takes them over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from faust_redis.log.records import Fetched, TopicPartition

Offsets = Mapping[TopicPartition, int]


class Reader(Protocol):
    """A shard that can be read."""

    async def fetch_each(self, offsets: Offsets, *, count: int = 500, block_ms: int | None = None) -> Fetched:
        """Return records from some offsets on; wait up to `block_ms` when there are none."""


class Waiting:
    """The blocking reads of one client that are not over."""

    def __init__(self) -> None:
        self._reads: dict[tuple[int, frozenset[tuple[TopicPartition, int]]], asyncio.Future[Fetched]] = {}

    async def first(self, parts: Sequence[tuple[Reader, Offsets]], count: int, block_ms: int) -> list[Fetched]:
        """Return what the first shards with records have, or what all have after `block_ms`."""
        self._forget()
        reads: set[asyncio.Future[Fetched]] = set()
        for reader, offsets in parts:
            key = id(reader), frozenset(offsets.items())
            if key not in self._reads:
                read = reader.fetch_each(offsets, count=count, block_ms=block_ms)
                self._reads[key] = asyncio.ensure_future(read)
            reads.add(self._reads[key])
        found: list[Fetched] = []
        while reads and not any(each.records or each.damaged for each in found):
            done, reads = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
            self._forget()
            found += [each.result() for each in done]
        return found

    def _forget(self) -> None:
        """Drop reads that are over. When nobody waited for one, a later call reads the same records again."""
        for key, task in list(self._reads.items()):
            if task.done():
                del self._reads[key]
                if not task.cancelled():
                    task.exception()  # asyncio would report it as lost

    async def end(self) -> None:
        """End all reads."""
        for task in self._reads.values():
            task.cancel()
        await asyncio.gather(*self._reads.values(), return_exceptions=True)
        self._reads.clear()
