"""Write the outputs, changelog rows and offsets of finished events to the log in one atomic write."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from faust.exceptions import FaustError
from faust.types import TP

from faust_redis.driver.broker import Commits
from faust_redis.driver.commit.costs import WriteCosts
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.commit.outputs import CommitBatch, coalesce, has_content, in_order, settle_outputs
from faust_redis.driver.commit.pending_writes import PendingWrites
from faust_redis.driver.commit.ports import Changelogs, UncommittedRows
from faust_redis.driver.commit.refusals import RefusedSends, writers_to
from faust_redis.driver.commit.row_writes import RowWrites
from faust_redis.driver.groups.fencing import Fencing
from faust_redis.driver.limits import (
    CAPACITY_PATIENCE_S,
    COMMIT_BYTES_MAX,
    COMMIT_US_MAX,
    PENDING_RECORDS_MAX,
    TRANSACTION_TTL_MS,
)
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.source import Source
from faust_redis.driver.tasks import retrieve_error
from faust_redis.hooks import Committed, HookList, Hooks
from faust_redis.log import (
    Appended,
    DamagedPartitionError,
    Fence,
    FencedError,
    LogError,
    LogUnavailableError,
    ProducerSequence,
    ResizingError,
    TopicPartition,
    WriteBatch,
)

logger = logging.getLogger(__name__)


class OutputDroppedError(FaustError):
    """An output was not written because its event's generation is over; the event will be processed again."""


class TopicsClosedError(LogError):
    """A write of this member, which owns no partition, was refused because topics are closed. Nothing was written."""


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """The bounds of one commit, and of the pending writes.

    Attributes:
        cost_max_us: How long one commit may occupy the server.
        pending_max: Records that may wait before agents pause.
    """

    cost_max_us: int = COMMIT_US_MAX
    pending_max: int = PENDING_RECORDS_MAX


class Committer:
    """Commits events in groups, one write at a time. Events that finish during a write join the next one."""

    def __init__(
        self,
        broker: Commits,
        name: str,
        *,
        costs: WriteCosts,
        rows: RowWrites,
        tables: Changelogs,
        memory: UncommittedRows,
        tracker: OffsetTracker,
        dependencies: Dependencies,
        fencing: Fencing,
        hooks: HookList,
        limits: CommitLimits,
    ) -> None:
        self.cost_max_us, self.pending_max = limits.cost_max_us, limits.pending_max
        self.pending = PendingWrites(costs.of)
        self.tracker = tracker
        self.dependencies = dependencies
        self.fencing = fencing
        self.fence: Fence | None = None
        """The fence of the present generation, which permits writes; None when this member owns no partition."""
        self.stopping = False
        self._broker = broker
        self._name = name
        self._rows = rows
        self._tables, self._memory = tables, memory
        self._hooks = hooks
        self.refused = RefusedSends(hooks)
        self._lock = asyncio.Lock()
        self._sequence = 0
        self._acknowledged: int | None = None
        self._acknowledged_s = 0.0
        self._room: asyncio.Future[None] | None = None
        self._listeners: list[Callable[[Mapping[TP, int]], None]] = []
        self._on_unwritable: Callable[[set[TP], DamagedPartitionError], None] | None = None

    def on_committed(self, listener: Callable[[Mapping[TP, int]], None]) -> None:
        """Call `listener` with the offsets of each commit that has offsets."""
        self._listeners.append(listener)

    def on_unwritable(self, listener: Callable[[set[TP], DamagedPartitionError], None]) -> None:
        """Call `listener` with the partitions whose events write to a partition that cannot be written."""
        self._on_unwritable = listener

    @property
    def is_full(self) -> bool:
        """Return whether too many records wait for their commit while events are in flight."""
        return len(self.pending) > self.pending_max and self.tracker.busy()

    @property
    def is_writing(self) -> bool:
        """Return whether a write is in progress."""
        return self._lock.locked()

    async def wait_for_capacity(self) -> None:
        """Wait while too many records wait for their commit, at most `CAPACITY_PATIENCE_S`.

        The wait is bounded because an event may wait for a reply from another event.
        """
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._room,), timeout=CAPACITY_PATIENCE_S)

    def _release_capacity(self) -> None:
        if self._room is not None and not self.is_full:
            if not self._room.done():
                self._room.set_result(None)
            self._room = None

    async def commit(self, leave: int = 0) -> bool:
        """Write the finished events in one or more bounded writes; return whether anything was written.

        The caller may be cancelled, for example by a rebalance. That does not end a write in progress.

        Args:
            leave: Stop when at most this many records wait. A caller that commits again soon lets a few accumulate.

        Raises:
            LogError: the log refuses the write, and a retry would not help (foreign writer, re-created or unknown
                topic).
        """
        writing = asyncio.ensure_future(self._commit(leave))
        writing.add_done_callback(retrieve_error)
        return await asyncio.shield(writing)

    async def _commit(self, leave: int) -> bool:
        did = False
        async with self._lock:
            while not (did and len(self.pending) <= leave) and (batch := self._next_batch()) is not None:
                try:
                    wrote = await self._write(batch)
                except LogUnavailableError:
                    raise
                except LogError as exc:
                    # The worker stops. If the caller has gone, nobody sees this, and the next commit meets it again.
                    self._rejoin(batch, exc)
                    raise
                if not wrote:
                    return did
                did = True
        return did

    # --- generations --------------------------------------------------------------------------------------------------

    async def begin_generation(self, fence: Fence) -> None:
        """Take a new fence and confirm it with an empty write.

        From now on, the partitions contain only records from before this write and the member's own writes. Each write
        must find the member's previous write. So a broker that lost some of these records refuses the next write.

        Raises:
            FencedError: the generation is already over.
        """
        async with self._lock:
            self.fence = fence
            self._rows.begin()
            self._acknowledged = None
            await self._send(WriteBatch(), fence)

    async def claim(self, offsets: Mapping[TP, int], fence: Fence | None) -> None:
        """Commit a starting offset for partitions without a committed offset. The log trims no record from it on.

        Raises:
            FencedError: this member's fence is no longer valid.
        """
        async with self._lock:
            if fence is None or fence != self.fence:
                raise FencedError("the generation that holds these partitions is over")
            batch = WriteBatch([], {TopicPartition(*tp): offset for tp, offset in sorted(offsets.items())})
            await self._send(batch, fence)

    async def end_generation(self, reason: str) -> None:
        """Give up the fence once the outcome of a write in progress is known; drop all pending writes.

        Without this wait, the rows of that write could reach the store after the rows of the partition's next owner.
        """
        async with self._lock:
            self.fence = None
            self.drop(reason)
            self.fencing.clear()

    def give_up(self) -> None:
        """Give up the fence at once, because the member has left its group."""
        self.fence = None

    def drop(self, reason: str) -> None:
        """Drop all outputs of uncommitted events, because the new owners process these events again.

        Messages sent outside of events stay, because no other worker would send them.
        """
        self.dependencies.clear()
        self._memory.clear()
        outputs = self.pending.drop_claims(self._tables.changelogs())
        self._release_capacity()
        if outputs:
            logger.info("dropped %d uncommitted outputs: %s", len(outputs), reason)
        settle_outputs(outputs, None, OutputDroppedError(reason))

    def drop_event(self, source: Source, reason: str) -> list[Any]:
        """Drop the outputs and table rows of a failed event, and of all events that depend on it.

        Returns:
            The messages of the dependent events, in order. The caller must have them processed again.
        """
        dependents = self.dependencies.dependents(source)
        for event in (source, *dependents):
            self._drop_outputs(event, reason)
        for event in dependents:
            self.dependencies.forget(event)
        self.dependencies.forget(source, dependents)
        return [dependents[event] for event in sorted(dependents)]

    def _drop_outputs(self, source: Source, reason: str) -> None:
        stores = self._tables.stores()
        self._memory.undo(source)
        dropped = self.pending.drop_event(source)
        for place, rows in dropped.rows.items():
            for key in rows:
                stores[place[0]].undo(TP(*place), key, source)
        for output in dropped.outputs:
            store = stores.get(output.topic)
            if store is not None and output.key is not None and output.partition is not None:
                store.undo(TP(output.topic, output.partition), output.key, source)
            settle_outputs([output], None, OutputDroppedError(reason))

    # --- one write ----------------------------------------------------------------------------------------------------

    def _next_batch(self) -> CommitBatch | None:
        ready = self.tracker.committable() if self.fence is not None else {}
        if not ready and not len(self.pending):
            return None
        batch = self.pending.next_batch(ready, self.cost_max_us, COMMIT_BYTES_MAX, self.dependencies)
        batch.offsets = {tp: offset for tp, offset in batch.offsets.items() if offset > self.tracker.committed(tp)}
        return batch if has_content(batch) else None

    async def _write(self, batch: CommitBatch) -> bool:
        fence = self.fence
        if fence is None:
            self._refuse_changelogs(batch)
        await self._rows.complete(batch.outputs)
        await self._rows.ensure_topics(batch.columns)
        outputs, columns = in_order(batch.outputs, batch.columns)
        outputs, settled = coalesce(outputs)
        rows = await self._rows.rows(batch.rows)
        write = WriteBatch(
            outputs,
            {TopicPartition(*tp): offset for tp, offset in batch.offsets.items()} if fence else {},
            {TopicPartition(*tp): self.tracker.preconditions(tp, offset) for tp, offset in batch.offsets.items()},
            rows=rows,
            columns=columns,
        )
        began_s = asyncio.get_running_loop().time()
        try:
            appended = await self._send(write, fence)
        except FencedError as exc:
            self._rejoin(batch, exc)
            return False
        except DamagedPartitionError as exc:
            return await self._write_the_rest(batch, exc)
        except TopicsClosedError:
            self.pending.put_back(batch.outputs)  # this member has to take its partitions first, to empty the topics
            return False
        except LogUnavailableError as exc:
            # The worker stops, and the outcome is unknown. Sending the records under another number could double them.
            self.fence = None
            settle_outputs(batch.outputs, None, exc)
            raise
        self._note_committed(batch.offsets)
        self.refused.note_written([*outputs, *columns])
        self._rows.apply_records(outputs, appended.offsets)
        self._rows.apply_rows(rows, appended.rows)
        for position, (output, offset) in enumerate(zip(outputs, appended.offsets, strict=True)):
            settle_outputs((output, *settled.get(position, ())), offset, None)
        if self._hooks:
            duration_s = asyncio.get_running_loop().time() - began_s
            self._hooks.call(Hooks.on_commit, Committed(_size(write), batch.offsets, duration_s))
        return True

    async def _write_the_rest(self, batch: CommitBatch, damage: DamagedPartitionError) -> bool:
        """Go on after the log refused a whole write because of one partition; return whether the rest was written.

        Sends outside of events to that partition fail. Partitions whose events write to it are held back.

        Raises:
            DamagedPartitionError: nothing in the write explains the damage.
        """
        refused = self.refused.take(batch, damage)
        if writers := writers_to(batch, TP(damage.topic, damage.partition)):
            if self.fence is None or self._on_unwritable is None:
                raise damage
            self._on_unwritable(writers, damage)
            self._rejoin(batch, damage)
            return False
        if not refused:
            raise damage
        return await self._write(batch) if has_content(batch) else True

    def _rejoin(self, batch: CommitBatch, why: LogError) -> None:
        """Drop all uncommitted work and make this member rejoin its group, to begin at its committed offsets."""
        self.pending.put_back(batch.outputs)
        self.fence = None
        self.drop(str(why))
        self.fencing.fence(str(why))

    def _note_committed(self, offsets: Mapping[TP, int]) -> None:
        for tp, offset in offsets.items():
            self.tracker.commit(tp, offset)
        self.dependencies.commit(offsets)
        self._memory.settle()
        if offsets:
            for listener in self._listeners:
                listener(offsets)
        self._release_capacity()

    async def _send(self, batch: WriteBatch, fence: Fence | None) -> Appended:
        """Repeat one write until its outcome is known. Its sequence number makes a late attempt have no effect.

        Raises:
            TopicsClosedError: the first attempt met closed topics, and this member owns no partition.
        """
        self._sequence += 1
        sequence = ProducerSequence(self._name, self._sequence, TRANSACTION_TTL_MS, self._last())
        attempts = count(1)

        async def attempt() -> Appended:
            number = next(attempts)
            try:
                return await self._broker.commit(batch, fence=fence, write_id=sequence)
            except ResizingError as exc:
                if fence is None and number == 1:
                    raise TopicsClosedError(str(exc)) from exc
                raise

        appended = await retry_while_unavailable(attempt, "commit", stop=lambda: self.stopping)
        self._acknowledged, self._acknowledged_s = sequence.number, asyncio.get_running_loop().time()
        return appended

    async def is_forgotten(self) -> bool:
        """Return whether the broker has lost this member's last write."""
        async with self._lock:  # with the lock, no write is in progress
            last = self._last()
            return last is not None and await self._broker.last_sequence(self._name) != last

    def _last(self) -> int | None:
        """Return the number of the last acknowledged write; None when the log may have forgotten it by now."""
        age_s = asyncio.get_running_loop().time() - self._acknowledged_s
        return self._acknowledged if age_s < TRANSACTION_TTL_MS / 2_000 else None

    def _refuse_changelogs(self, batch: CommitBatch) -> None:
        """Drop rows changed outside of events (expired windows) while this member owns no partition."""
        changelogs = self._tables.changelogs()
        refused = [output for output in batch.outputs if output.topic in changelogs]
        settle_outputs(refused, None, OutputDroppedError("no partition is owned just now"))
        batch.outputs = [output for output in batch.outputs if output.topic not in changelogs]


def _size(write: WriteBatch) -> int:
    """Return how many records and rows a write has."""
    columns = sum(len(each.keys) for each in write.columns)
    return len(write.records) + columns + sum(len(each.items) for each in write.rows)
