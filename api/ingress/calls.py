"""The two calls of a request to the log, each made for many requests at once: first uses of keys, and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from api.ingress.together import Together
from streams.log import Appended, Log, Record, Transaction
from streams.times import Instant

USES_MAX = 200
WRITE_RECORDS_MAX = 200  # of several requests in one write; how long it blocks the server: see docs/benchmarks.md
WRITES_MAX = 16  # with a key; each needs a connection of its own meanwhile


class Use(NamedTuple):
    """A request's use of its key."""

    transaction: Transaction
    now: Instant


class FirstUse(NamedTuple):
    """When a key was used first, and the digest of the body that was written under it, if one was."""

    began: Instant
    used_with: str | None


@dataclass(frozen=True, slots=True)
class Write:
    """A request's records, and how the log recognises a repetition."""

    records: Sequence[Record]
    transaction: Transaction


class Calls:
    """Makes them. All raise `LogError`."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.use = Together(self._use, size_max=USES_MAX)
        self.append = Together(self._append, size=len, size_max=WRITE_RECORDS_MAX)
        self.append_once = Together(self._append_once, size_max=WRITES_MAX)

    async def _use(self, uses: Sequence[Use]) -> list[FirstUse]:
        commands: list[Sequence[str | int]] = []
        for use in uses:
            name = self._log.keys.transaction(use.transaction.name)
            commands += (
                ("HSETNX", name, "began", int(use.now)),
                ("HMGET", name, "began", "value"),
                ("PEXPIRE", name, use.transaction.ttl_ms, "NX"),
            )
        replies = await self._log.at_once(*commands)
        return [
            FirstUse(Instant(int(began)), None if used_with is None else used_with.decode())
            for began, used_with in replies[1::3]
        ]

    async def _append(self, requests: Sequence[Sequence[Record]]) -> list[Appended]:
        """The records of all requests as one write: they have one outcome."""
        offsets = (await self._log.append([record for records in requests for record in records])).offsets
        ends = accumulate((len(records) for records in requests), initial=0)
        return [Appended(offsets[begin:end], again=False) for begin, end in pairwise(ends)]

    async def _append_once(self, writes: Sequence[Write]) -> list[Appended | BaseException]:
        """A write for each, since the log recognises a repetition by the whole write; on their way at the same time."""
        calls = (self._log.append(write.records, transaction=write.transaction) for write in writes)
        return await asyncio.gather(*calls, return_exceptions=True)
