"""Calls to the log that concurrent requests share: first uses of idempotency keys, and writes."""

from __future__ import annotations

import asyncio
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


class Calls:
    """Makes the calls. All raise `LogError`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.use = RequestCoalescer(self._use, size_max=USES_MAX)
        self.append = RequestCoalescer(self._append, size=len, size_max=WRITE_RECORDS_MAX)
        self.append_once = RequestCoalescer(
            self._append_once, size=lambda write: len(write.records), size_max=WRITE_RECORDS_MAX
        )

    async def _use(self, uses: Sequence[Use]) -> list[FirstUse]:
        keys = [first_use.Use(use.key.name, int(use.now), use.key.ttl_ms, use.key.digest) for use in uses]
        return [FirstUse(Instant(began), used_with) for began, used_with in await first_uses(self._log, keys)]

    async def _append(self, requests: Sequence[Sequence[Record]]) -> list[Appended | LogError]:
        """Append the records of all requests in one write, which has one outcome for all of them.

        On a log of several shards there is a write for each shard.
        """
        shards: dict[frozenset[int], list[int]] = {}
        for number, records in enumerate(requests):
            held = frozenset(record.partition % len(self._log.shards) for record in records)
            shards.setdefault(held, []).append(number)
        found: list[Appended | LogError] = [LogError("not written")] * len(requests)

        async def write(numbers: Sequence[int]) -> None:
            try:
                results: Sequence[Appended | LogError] = await self._append_together([requests[n] for n in numbers])
            except LogError as exc:
                results = [exc] * len(numbers)
            for number, result in zip(numbers, results, strict=True):
                found[number] = result

        await asyncio.gather(*(write(numbers) for numbers in shards.values()))
        return found

    async def _append_together(self, requests: Sequence[Sequence[Record]]) -> list[Appended]:
        offsets = (await self._log.append([record for records in requests for record in records])).offsets
        ends = accumulate((len(records) for records in requests), initial=0)
        return [Appended(offsets[begin:end], again=False) for begin, end in pairwise(ends)]

    async def _append_once(self, writes: Sequence[Write]) -> list[Appended | LogError]:
        return await append_many(self._log, writes)
