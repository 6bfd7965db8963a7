"""Table recovery as Faust does it (`faust.tables.recovery`): read each changelog up to its high watermark, then start.

As in Faust, a revocation does not interrupt recovery; only the next assignment does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.errors import IllegalStateError
from faust.types import TP

from tests.simulation.topology import CHANGELOG

if TYPE_CHECKING:
    from tests.simulation.process import Process


class RebalanceAgainError(Exception):
    """The next assignment arrived before recovery of this one ended."""


class Recovery:
    """One worker's recovery of one table."""

    def __init__(self, process: Process, queue: Any) -> None:
        self.process, self.queue = process, queue
        self.signal = asyncio.Event()
        self.done = asyncio.Event()
        self.generation = 0
        self.active: set[TP] = set()
        self.active_offsets: dict[TP, int | None] = {}
        self.standby_offsets: dict[TP, int | None] = {}
        self.highwaters: dict[TP, int] = {}
        self.buffer: list[Any] = []

    def on_rebalance(self, assigned: set[TP], generation: int) -> None:
        """Restart recovery for a new assignment."""
        if generation != self.process.consumer_generation_id:
            return
        self.active = {tp for tp in assigned if tp.topic == CHANGELOG}
        kept = {tp: offset for tp, offset in self.active_offsets.items() if tp in self.active}
        self.active_offsets = kept
        for tp in sorted(self.active):
            persisted = self.process.store.persisted_offset(tp)
            if persisted is not None:
                self.active_offsets[tp] = persisted
            self.active_offsets.setdefault(tp, None)
        self.generation = generation
        self.signal.set()

    async def run(self) -> None:
        """Recover after every assignment."""
        while True:
            await self.signal.wait()
            self.signal.clear()
            try:
                await self._recover(self.generation)
            except (RebalanceAgainError, IllegalStateError):
                continue

    async def _recover(self, generation: int) -> None:
        process, consumer = self.process, self.process.consumer
        active = self.active
        process.in_recovery = True
        self.flush()
        await self._wait(process.producer.flush())
        highwaters = await self._wait(consumer.highwaters(*active))
        self.highwaters = {tp: end - 1 for tp, end in highwaters.items()}
        earliest = await self._wait(consumer.earliest_offsets(*active))
        for tp in active:
            self.active_offsets[tp] = max(self._applied_offset(tp), earliest[tp] - 1 if earliest[tp] else -1)
        await self._wait(consumer.seek_wait({tp: max(0, self._applied_offset(tp)) for tp in active}))
        if self.needed():
            self.done.clear()
            consumer.resume_partitions(active)
            process.resume()
            await self._wait(self.done.wait())
            consumer.pause_partitions(active)
        else:
            process.resume()
            process.in_recovery = False
        await self._wait(self._completed(generation))

    async def _completed(self, generation: int) -> None:
        process, consumer = self.process, self.process.consumer
        await asyncio.sleep(0)
        process.in_recovery = False
        if process.consumer_generation_id != generation:
            return
        consumer.resume_partitions({tp for tp in consumer.assignment() if tp.topic != CHANGELOG})
        if consumer.assignment():
            await self._wait(consumer.perform_seek())
        process.resume()
        process.rebalancing = False
        process.recovered_generation = generation

    async def _wait(self, coro: Any) -> Any:
        task = asyncio.ensure_future(coro)
        signal = asyncio.ensure_future(self.signal.wait())
        try:
            await asyncio.wait([task, signal], return_when=asyncio.FIRST_COMPLETED)
            if signal.done():
                raise RebalanceAgainError
            return task.result()
        finally:
            for each in (task, signal):
                if not each.done():
                    each.cancel()

    def needed(self) -> bool:
        """Return whether the tables are behind their changelogs."""
        return any(end > self._applied_offset(tp) for tp, end in self.highwaters.items())

    def _applied_offset(self, tp: TP) -> int:
        offset = self.active_offsets.get(tp)
        return -1 if offset is None else offset

    async def slurp(self) -> None:
        """Apply changelog records as they arrive."""
        while True:
            event = await self.queue.get()
            tp, offset = event.message.tp, event.message.offset
            seen = self.active_offsets.get(tp)
            if seen is None or offset > seen:
                self.active_offsets[tp] = offset
                self.buffer.append(event)
                if len(self.buffer) >= self.process.world.plan.recovery_records_max:
                    self.flush()
            if self.process.in_recovery and not self.needed():
                self.flush()
                self.process.in_recovery = False
                self.done.set()

    def flush(self) -> None:
        """Write the buffered records to the store."""
        buffer, self.buffer = self.buffer, []
        self.process.store.apply_changelog_batch(buffer, bytes, bytes)
