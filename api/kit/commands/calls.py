"""Calls to the log that concurrent requests share: first uses of idempotency keys, and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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


Shards = frozenset[int]
"""The numbers of the shards that some records belong to."""


class Calls:
    """Makes the calls. All raise `LogError`.

    Writes to other shards are other calls, so that a shard that is away or slow keeps back its own writes only.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self.use = RequestCoalescer(self._use, size_max=USES_MAX)
        self._appends: defaultdict[Shards, RequestCoalescer[Sequence[Record], Appended]] = defaultdict(
            lambda: RequestCoalescer(self._append, size=len, size_max=WRITE_RECORDS_MAX)
        )
        self._once: defaultdict[Shards, RequestCoalescer[Write, Appended]] = defaultdict(
            lambda: RequestCoalescer(
                self._append_once, size=lambda write: len(write.records), size_max=WRITE_RECORDS_MAX
            )
        )

    async def append(self, records: Sequence[Record]) -> Appended:
        """Append the records of a request."""
        return await self._appends[self._shards_of(records)](records)

    async def append_once(self, write: Write) -> Appended:
        """Append the records of a request with an idempotency key."""
        return await self._once[self._shards_of(write.records)](write)

    def _shards_of(self, records: Sequence[Record]) -> Shards:
        return frozenset(self._log.shard_of(record.partition) for record in records)

    async def _use(self, uses: Sequence[Use]) -> list[FirstUse]:
        keys = [first_use.Use(use.key.name, int(use.now), use.key.ttl_ms, use.key.digest) for use in uses]
        return [FirstUse(Instant(began), used_with) for began, used_with in await first_uses(self._log, keys)]

    async def _append(self, requests: Sequence[Sequence[Record]]) -> list[Appended]:
        """Append the records of all requests in one write, which has one outcome for all of them."""
        offsets = (await self._log.append([record for records in requests for record in records])).offsets
        ends = accumulate((len(records) for records in requests), initial=0)
        return [Appended(offsets[begin:end], again=False) for begin, end in pairwise(ends)]

    async def _append_once(self, writes: Sequence[Write]) -> list[Appended | LogError]:
        return await append_many(self._log, writes)
