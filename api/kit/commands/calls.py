"""Calls to the log that concurrent requests share: first uses of idempotency keys, and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

from faust_redis.log import Appended, IdempotencyKey, Log, LogError, Record, first_use
from faust_redis.log.append_many import Write, append_many
from faust_redis.log.first_use import first_uses

from api.kit.coalescer import RequestCoalescer
from streams.times import Instant

USES_MAX = 200
WRITE_RECORDS_MAX = 200  # for requests that share a write, because it blocks the server; see docs/benchmarks.md


class Use(NamedTuple):
    """A request that uses an idempotency key."""

    key: IdempotencyKey
    now: Instant


class FirstUse(NamedTuple):
    """When a key was used first, and the digest of the body that was written under it; None before the write."""

    began: Instant
    used_with: str | None


Places = tuple[frozenset[int], int]
"""The numbers of the shards that some records belong to, and how many partitions their topic has."""


class Calls:
    """Makes the calls. All raise `LogError`.

    Writes to other shards are other calls, so that a shard that is away or slow keeps back its own writes only. So are
    those that chose their partitions when the topic had another number of them.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.use = RequestCoalescer(self._use, size_max=USES_MAX)
        self._appends: dict[Places, RequestCoalescer[Sequence[Record], Appended]] = {}
        self._once: defaultdict[Places, RequestCoalescer[Write, Appended]] = defaultdict(
            lambda: RequestCoalescer(
                self._append_once, size=lambda write: len(write.records), size_max=WRITE_RECORDS_MAX
            )
        )

    async def append(self, records: Sequence[Record], partitions: int) -> Appended:
        """Append the records of a request to a topic that has so many partitions."""
        places = self._places(records, partitions)
        if places not in self._appends:
            append = partial(self._append, partitions)
            self._appends[places] = RequestCoalescer(append, size=len, size_max=WRITE_RECORDS_MAX)
        return await self._appends[places](records)

    async def append_once(self, records: Sequence[Record], key: IdempotencyKey, partitions: int) -> Appended:
        """Append the records of a request with an idempotency key to a topic that has so many partitions."""
        return await self._once[self._places(records, partitions)](Write(records, key, partitions))

    def _places(self, records: Sequence[Record], partitions: int) -> Places:
        return frozenset(self._log.shard_of(record.partition) for record in records), partitions

    async def _use(self, uses: Sequence[Use]) -> list[FirstUse]:
        keys = [first_use.Use(use.key.name, int(use.now), use.key.ttl_ms, use.key.digest) for use in uses]
        return [FirstUse(Instant(began), used_with) for began, used_with in await first_uses(self._log, keys)]

    async def _append(self, partitions: int, requests: Sequence[Sequence[Record]]) -> list[Appended]:
        """Append the records of all requests in one write, which has one outcome for all of them."""
        records = [record for each in requests for record in each]
        offsets = (await self._log.append(records, counted=partitions)).offsets
        ends = accumulate((len(each) for each in requests), initial=0)
        return [Appended(offsets[begin:end], again=False) for begin, end in pairwise(ends)]

    async def _append_once(self, writes: Sequence[Write]) -> list[Appended | LogError]:
        return await append_many(self._log, writes)
