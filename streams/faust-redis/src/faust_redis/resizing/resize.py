"""Change the number of partitions, in steps that go on after a kill at any of them.

1. The topics are closed to all but members of groups and forwarders, until these have processed everything.
2. The topics are closed to everyone. The plan follows from the rows as they are now, and is kept on the broker.
3. The plan is written, and rows move one by one to the partitions of their owners. All this can be repeated.
4. One script gives the topics their new number, makes all members join again, and opens the topics.

Until step 2 a resize can be cancelled. Afterwards it can only be finished. `Resize.run` continues the one in progress.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgpack
import orjson

from faust_redis.log.client import Log
from faust_redis.log.errors import LogError, LogUnavailableError
from faust_redis.log.records import ProducerSequence, Rows, TopicPartition, WriteBatch
from faust_redis.log.resizes import InProgress, in_progress, plan_of
from faust_redis.log.scripts import LEASE, RESIZE
from faust_redis.resizing.draining import Places, drained
from faust_redis.resizing.layout import Layout, NotReadyError, RowWrite, Split

LEASE_MS: Final = 3_000
MILLISECONDS: Final = 1_000
DRAIN_S: Final = 60.0
"""How long members may take to process what was appended before the topics closed."""
READY_S: Final = 600.0
"""How long to try again while rows cannot be divided."""
PAUSE_S: Final = 2.0
"""How long the topics stay open before the next try, so that the application goes on."""
LOOK_S: Final = 0.05
WRITER_BYTES: Final = 8
"""The size of the name that tells rows of one write from those of another, on a broker that was restored in between."""
ROWS_A_PAGE: Final = 1_000
ROWS_A_WRITE: Final = 400
"""Bounds how long a write blocks the server. A row that moves counts twice."""
CHAIN_TTL_MS: Final = 24 * 3_600_000
"""How long a shard remembers the last write of a process that moves rows."""
AT_ONCE: Final = 4
"""How many tables of a shard are moved at the same time."""

Doing = Literal["closing", "draining", "planning", "moving", "finishing"]


class CannotResizeError(LogError):
    """The resize is not possible, or not now. Nothing was changed; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done: rows that have moved so far, and of how many."""

    doing: Doing
    rows: int = 0
    of: int = 0


@dataclass(frozen=True, slots=True)
class Resized:
    """A finished resize.

    Attributes:
        split: The numbers of partitions.
        rows: Rows that this process moved.
        paused_s: For how long the topics took no records; None when an earlier process had closed them.
    """

    split: Split
    rows: int
    paused_s: float | None


class _Chain:
    """The writes of one process to a shard whose rows move.

    Each write must find the one before, and the end of the resize the last one. Otherwise the shard was restored to an
    earlier state meanwhile, and rows that were moved may be gone.
    """

    def __init__(self, shard: Log, name: str, holder: str) -> None:
        self.shard = shard
        self.name = name
        self.producer = f"resize:{name}:{holder}"
        self.number = 0
        self._lock = asyncio.Lock()

    async def write(self, rows: Sequence[Rows]) -> None:
        """Write rows, or none.

        Raises:
            RolledBackError: the write before is gone.
        """
        async with self._lock:
            sequence = ProducerSequence(self.producer, self.number + 1, CHAIN_TTL_MS, self.number or None)
            await self.shard.commit(WriteBatch(rows=rows, resize=self.name), write_id=sequence)
            self.number += 1


class Resize:
    """Gives the topics of an application more partitions.

    Args:
        log: A client of the log.
        topics: All topics and changelogs of the application. They have the same number of partitions.
        groups: The topics that each of its groups processes.
        layout: Where rows belong.
        report: Called at each step.
    """

    def __init__(
        self,
        log: Log,
        topics: Sequence[str],
        groups: Mapping[str, Sequence[str]],
        layout: Layout,
        report: Callable[[Step], None] = lambda _step: None,
    ) -> None:
        self._log, self._topics, self._groups, self._layout, self._report = log, list(topics), groups, layout, report
        self._holder = secrets.token_hex(8)
        self._moved = self._total = 0

    async def run(self, new: int, *, drain_s: float = DRAIN_S, ready_s: float = READY_S) -> Resized:
        """Give the topics `new` partitions, or finish the resize in progress. Return when workers can go on.

        Args:
            new: A multiple of the present number.
            drain_s: How long to wait until all events are processed, in seconds.
            ready_s: How long to try again while rows cannot be divided, in seconds.

        Raises:
            CannotResizeError: not possible, or not now.
            LogError: the broker cannot be reached, or refuses. The same call goes on where this one ended.
        """
        async with self._lease():
            begun = [one for one in await self._begun() if one is not None]
            known = next((one for one in begun if one.phase == "moving"), begun[0] if begun else None)
            split = await self._split(new, known)
            began_s = await self._drain(split, known, drain_s, time.monotonic() + ready_s)
            moved = await self._finish(split)
            return Resized(split, moved, None if known is not None else time.monotonic() - began_s)

    async def cancel(self) -> InProgress | None:
        """Open the topics again and forget the resize in progress, which has moved no rows. Return it, if any.

        Raises:
            CannotResizeError: rows have been moved, so that it can only be finished.
        """
        async with self._lease():
            begun = await self._begun()
            if any(one is not None and one.phase == "moving" for one in begun):
                raise CannotResizeError("rows have been moved; run the same resize again, which finishes it")
            for shard, one in zip(self._log.shards, begun, strict=True):
                if one is not None:
                    await self._step(shard, "cancel", one.id)
            return next((one for one in begun if one is not None), None)

    async def _begun(self) -> list[InProgress | None]:
        """Return the resize in progress on each shard."""
        return [await in_progress(shard) for shard in self._log.shards]

    async def _split(self, new: int, known: InProgress | None) -> Split:
        if known is not None:
            if known.new != new:
                raise CannotResizeError(f"a resize {known} has begun; finish it first, or cancel it")
            return Split(known.old, known.new)
        counts = {(await self._log.topic(topic, fresh=True)).spec.partitions for topic in self._topics}
        if len(counts) > 1:
            raise CannotResizeError(f"the topics have different numbers of partitions: {sorted(counts)}")
        old, shards = counts.pop(), len(self._log.shards)
        if new == old:
            raise CannotResizeError(f"the topics have {old} partitions already")
        if old % shards:
            raise CannotResizeError(f"{old} partitions on {shards} shards: keys would move to other shards")
        try:
            return Split(old, new)
        except ValueError as exc:
            raise CannotResizeError(f"{exc}, so that the keys of a partition stay together") from exc

    # --- closing and draining -----------------------------------------------------------------------------------------

    async def _drain(self, split: Split, known: InProgress | None, drain_s: float, ready_until_s: float) -> float:
        """Close the topics when everything is processed, and keep the plan. Return since when they take no records."""
        name = known.id if known is not None else secrets.token_hex(8)
        while True:
            self._report(Step("closing"))
            began_s = time.monotonic()
            try:
                await self._close(split, name)
                await self._seal(split, began_s + drain_s)
            except NotReadyError as exc:
                await self._open()
                if time.monotonic() + PAUSE_S >= ready_until_s:
                    raise CannotResizeError(f"the rows cannot be divided now: {exc}") from exc
            except BaseException:
                await asyncio.shield(self._open())  # so that the application goes on
                raise
            else:
                return began_s
            await asyncio.sleep(PAUSE_S)
            name = secrets.token_hex(8)

    async def _close(self, split: Split, name: str) -> None:
        """Begin on each shard that is yet to be resized.

        A shard that was restored may be in the middle of another resize.
        """
        wanted = orjson.dumps({"from": split.old, "to": split.new, "topics": self._topics})
        for shard, one in zip(self._log.shards, await self._begun(), strict=True):
            is_other = one is not None and (one.old, one.new) != (split.old, split.new)
            if one is not None and is_other:
                await self._step(shard, "cancel", one.id)
            if (one is None or is_other) and await self._count(shard) == split.old:
                await self._step(shard, "begin", name, wanted)

    async def _count(self, shard: Log) -> int:
        return (await shard.topic(self._topics[0], fresh=True)).spec.partitions

    async def _open(self) -> None:
        """Open the topics again, unless a shard has moved rows."""
        begun = await self._begun()
        if any(one is not None and one.phase == "moving" for one in begun):
            return
        for shard, one in zip(self._log.shards, begun, strict=True):
            if one is not None:
                await self._step(shard, "cancel", one.id)

    async def _seal(self, split: Split, until_s: float) -> None:
        """Wait until everything is processed, make the plan, and close the topics to everyone.

        A shard that moves rows already has its plan, and so has one that is finished.

        Raises:
            NotReadyError: rows cannot be divided now.
            CannotResizeError: members do not process everything in time.
        """
        while True:
            begun = {number: one for number, one in enumerate(await self._begun()) if one is not None}
            draining = {number: one.id for number, one in begun.items() if one.phase == "draining"}
            if not draining:
                return
            sealed = begun.keys() - draining
            ends = await self._drained(until_s, sealed)
            self._report(Step("planning"))
            plans = {number: await self._plan(self._log.shards[number], split) for number in draining}
            if await self._drained(until_s, sealed) == ends:
                for number, plan in plans.items():
                    expected = orjson.dumps(ends[number], option=orjson.OPT_NON_STR_KEYS)
                    await self._step(self._log.shards[number], "seal", draining[number], expected, plan)

    async def _drained(self, until_s: float, sealed: Collection[int]) -> list[Places]:
        """Return the ends of each shard's partitions once all records below them are processed, and none came since."""
        before: list[Places] | None = None
        while True:
            ends, waits = await drained(self._log, self._topics, self._groups, sealed)
            if waits is None and ends == before:
                return ends
            before = None if waits is not None else ends
            if time.monotonic() > until_s:
                raise CannotResizeError(f"not everything is processed in time: {waits}. The topics are open again")
            self._report(Step("draining"))
            await asyncio.sleep(LOOK_S)

    async def _plan(self, shard: Log, split: Split) -> bytes:
        writes: list[RowWrite] = []
        for parent in shard.shard.partitions(split.old):
            plan = self._layout.plan(split, parent)
            for topic in self._layout.planned:
                seen: dict[bytes, bytes] = {}
                async for rows in shard.rows(TopicPartition(topic, parent), ROWS_A_PAGE):
                    seen.update(rows)  # one may come twice
                for key, value in seen.items():
                    plan.see(topic, key, value)
            writes += plan.writes()
        packed: bytes = msgpack.packb([list(one) for one in writes])
        return packed

    # --- moving -------------------------------------------------------------------------------------------------------

    async def _finish(self, split: Split) -> int:
        """Move the rows on all shards, and then open them. Return how many were moved."""
        begun = zip(self._log.shards, await self._begun(), strict=True)
        shards = [(shard, one) for shard, one in begun if one is not None]
        compacted = [topic for topic in self._topics if (await self._log.topic(topic)).spec.compacted]
        self._total = sum([await _size(shard, compacted, split) for shard, _ in shards])
        chains = [_Chain(shard, one.id, self._holder) for shard, one in shards]
        await asyncio.gather(*(self._move(chain, compacted, split) for chain in chains))
        self._report(Step("finishing", self._moved, self._total))
        for chain in chains:
            await self._step(chain.shard, "finish", chain.name, chain.producer, chain.number)
        return self._moved

    async def _move(self, chain: _Chain, topics: Sequence[str], split: Split) -> None:
        shard, name = chain.shard, chain.name
        await chain.write([])  # what is read from now on is of a state that has this write
        plan = await plan_of(shard, name)
        if plan is None:
            raise CannotResizeError("another process has finished this resize, or a shard was restored; look again")
        planned = [RowWrite(*one) for one in msgpack.unpackb(plan)]
        for some in _portions(planned, ROWS_A_WRITE):
            await self._write(chain, some)
        limit = asyncio.Semaphore(AT_ONCE)

        async def move(topic: str) -> None:
            async with limit:
                for parent in shard.shard.partitions(split.old):
                    await self._move_partition(chain, TopicPartition(topic, parent), split)

        await asyncio.gather(*(move(topic) for topic in topics))
        await chain.write([])

    async def _move_partition(self, chain: _Chain, tp: TopicPartition, split: Split) -> None:
        waiting: list[RowWrite] = []
        async for rows in chain.shard.rows(tp, ROWS_A_PAGE):
            for key, value in rows:
                waiting += self._layout.moved(split, tp.partition, tp.topic, key, value)
                if len(waiting) >= ROWS_A_WRITE:
                    await self._write(chain, waiting)
                    waiting = []
        await self._write(chain, waiting)

    async def _write(self, chain: _Chain, writes: Sequence[RowWrite]) -> None:
        """Write rows, all of them at once. A later write of a row replaces an earlier one."""
        if not writes:
            return
        places: dict[TopicPartition, dict[bytes, bytes | None]] = {}
        for topic, partition, key, value in writes:
            places.setdefault(TopicPartition(topic, partition), {})[key] = value
        now_ms, writer = time.time_ns() // 1_000_000, secrets.token_bytes(WRITER_BYTES)
        rows = [Rows(*tp, list(items.items()), now_ms, writer) for tp, items in places.items()]
        await chain.write(rows)
        self._moved += sum(value is None for one in places.values() for value in one.values())
        self._report(Step("moving", self._moved, self._total))

    # --- the broker ---------------------------------------------------------------------------------------------------

    async def _step(self, shard: Log, step: str, name: str, *args: Any) -> None:
        keys = shard.keys
        status, *why = await shard.run(RESIZE, [keys.resize], [keys.prefix, step, name, *args])
        if status != b"OK":
            raise CannotResizeError(why[0].decode())

    @asynccontextmanager
    async def _lease(self) -> AsyncIterator[None]:
        """Be the only process that resizes, which saves work. The lease of one that was killed runs out."""
        await self._renew(LEASE_MS)
        renewing = asyncio.create_task(self._renewing())
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            with suppress(LogUnavailableError):
                await asyncio.shield(self._renew(0))

    async def _renewing(self) -> None:
        while True:
            await asyncio.sleep(LEASE_MS / 4 / MILLISECONDS)
            with suppress(LogError):  # two processes that move the same rows do no harm
                await self._renew(LEASE_MS)

    async def _renew(self, lease_ms: int) -> None:
        shard = self._log.shards[0]
        holder = (await shard.run(LEASE, [shard.keys.resizer], [self._holder, lease_ms])).decode()
        if lease_ms and holder != self._holder:
            raise CannotResizeError(
                f"another process resizes this log; if it was killed, wait {LEASE_MS // MILLISECONDS} s and try again"
            )


async def _size(shard: Log, topics: Iterable[str], split: Split) -> int:
    """Return how many rows the partitions of a shard have that are split."""
    names = [shard.keys.snapshot(topic, p) for topic in topics for p in shard.shard.partitions(split.old)]
    return sum(await shard.at_once(*(("HLEN", name) for name in names))) if names else 0


def _portions(writes: Sequence[RowWrite], size: int) -> Iterable[Sequence[RowWrite]]:
    return (writes[first : first + size] for first in range(0, len(writes), size))
