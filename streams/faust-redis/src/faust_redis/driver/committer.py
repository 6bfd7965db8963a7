"""The one place where outputs, changelog and offsets meet: what finished events produced goes to the log together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from faust.exceptions import FaustError
from faust.types import TP

from faust_redis.driver.dependencies import Dependencies, Source
from faust_redis.driver.fencing import Fencing
from faust_redis.driver.limits import (
    CAPACITY_PATIENCE_S,
    COMMIT_BYTES_MAX,
    COMMIT_US_MAX,
    PENDING_RECORDS_MAX,
    RANKED_ROW_US,
    RECORD_US,
    ROW_US,
    TRANSACTION_TTL_MS,
)
from faust_redis.driver.offset_tracker import OffsetTracker
from faust_redis.driver.pending_writes import Changed, CommitBatch, Output, PendingWrites, Place, coalesce
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.stores import Checkpoint
from faust_redis.log import (
    Appended,
    Fence,
    FencedError,
    LogUnavailableError,
    ProducerSequence,
    Rows,
    TopicPartition,
    WriteBatch,
)

if TYPE_CHECKING:
    from faust_redis.driver.transport import Transport

logger = logging.getLogger(__name__)


class OutputDroppedError(FaustError):
    """An output was not written because its event's generation is over; the event will be processed again."""


class Committer:
    """Group commit: one write at a time; what finishes meanwhile goes with the next."""

    def __init__(
        self, transport: Transport, cost_max_us: int = COMMIT_US_MAX, pending_max: int = PENDING_RECORDS_MAX
    ) -> None:
        self.transport = transport
        self.cost_max_us = cost_max_us
        self.pending_max = pending_max
        self._costs: dict[str, int] = {}
        self.pending = PendingWrites(self._cost_us)
        self.tracker = OffsetTracker()
        self.dependencies = Dependencies()
        self.fence: Fence | None = None
        self.writer = b""
        """Names this hold on partitions in their changelogs; see `Checkpoint`."""
        self.fencing = Fencing()
        self.stopping = False
        self._lock = asyncio.Lock()
        self._sequence = 0
        self._acknowledged: int | None = None
        self._acknowledged_s = 0.0
        self._room: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether more waits for its commit than should, and events are under way that will let it go."""
        return len(self.pending) > self.pending_max and self.tracker.busy()

    async def wait_for_room(self) -> None:
        """Wait while too much waits for its commit; not for long: one of its events may wait for a reply."""
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._room,), timeout=CAPACITY_PATIENCE_S)

    def _give_room(self) -> None:
        if self._room is not None and not self.is_full:
            if not self._room.done():
                self._room.set_result(None)
            self._room = None

    async def commit(self, leave: int = 0) -> bool:
        """Write what is finished, in as many bounded writes as it takes. Returns whether anything was written.

        It is done when no more than `leave` outputs wait: a caller that comes again may let a few gather.

        A caller may be cancelled (a delivery interrupted, a recovery overtaken); a write under way goes on.

        Raises:
            LogError: when the log refuses for good (foreign writer, re-created topic, unknown topic).
        """
        writing = asyncio.ensure_future(self._commit(leave))
        writing.add_done_callback(_look_at_error)
        return await asyncio.shield(writing)

    async def _commit(self, leave: int) -> bool:
        did = False
        async with self._lock:
            while not (did and len(self.pending) <= leave) and (cut := self._next_batch()) is not None:
                if not await self._write(cut):
                    return did
                did = True
        return did

    async def begin_generation(self, fence: Fence) -> None:
        """From here on this member may write.

        Its first write carries nothing. What the member reads from now on of what is its own was there before, or is of
        its own writing; and each write must find the one before it. So none is accepted by a broker that has lost any
        of it.

        Raises:
            FencedError: it may not, already.
        """
        async with self._lock:
            self.fence = fence
            self.writer = self.transport.new_writer()
            self._acknowledged = None
            await self._send(WriteBatch(), fence)

    async def claim(self, offsets: Mapping[TP, int], fence: Fence | None) -> None:
        """Commit where to begin in partitions that the group never committed: from there on nothing is trimmed.

        Raises:
            FencedError: this member's right to write is over.
        """
        async with self._lock:
            if fence is None or fence != self.fence:
                raise FencedError("the generation that holds these partitions is over")
            batch = WriteBatch([], {TopicPartition(*tp): offset for tp, offset in sorted(offsets.items())})
            await self._send(batch, fence)

    async def end_generation(self, reason: str) -> None:
        """Give up the right to write, once the outcome of a write under way is known, and forget what was not written.

        Were it not waited for, its rows could reach the store after those of a later owner of the partition.
        """
        async with self._lock:
            self.fence = None
            self.drop(reason)
            self.fencing.clear()

    def drop(self, reason: str) -> None:
        """Forget all outputs of events that were not committed: they will be processed again elsewhere.

        Messages sent outside of any event stay: nobody would send them again.
        """
        self.dependencies.clear()
        self.transport.memory.clear()
        outputs = self.pending.drop_claims(self.transport.changelogs())
        self._give_room()
        if outputs:
            logger.info("dropped %d uncommitted outputs: %s", len(outputs), reason)
        _settle(outputs, None, OutputDroppedError(reason))

    def drop_event(self, source: Source, reason: str) -> list[Any]:
        """Forget what a failed event produced, and take its table rows back; likewise of all events that build on it.

        Returns:
            The messages of those other events, in order: they must be processed again.
        """
        dependents = self.dependencies.dependents(source)
        for event in (source, *dependents):
            self._drop_outputs(event, reason)
        for event in dependents:
            self.dependencies.forget(event)
        self.dependencies.forget(source, dependents)
        return [dependents[event] for event in sorted(dependents)]

    def _drop_outputs(self, source: Source, reason: str) -> None:
        stores = self.transport.changelog_stores()
        self.transport.memory.undo(source)
        dropped = self.pending.drop_event(source)
        for place, rows in dropped.rows.items():
            for key in rows:
                stores[place[0]].undo(TP(*place), key, source)
        for output in dropped.outputs:
            store = stores.get(output.topic)
            if store is not None and output.key is not None and output.partition is not None:
                store.undo(TP(output.topic, output.partition), output.key, source)
            _settle([output], None, OutputDroppedError(reason))

    def _cost_us(self, topic: str) -> int:
        """What the server spends on a record of a topic."""
        cost = self._costs.get(topic)
        if cost is None:
            info = self.transport.broker.known_topic(topic)
            if info is None:
                return RANKED_ROW_US  # nothing is known of it yet
            ranked, compacted = info.spec.view == "rank", info.spec.compacted
            cost = self._costs[topic] = RANKED_ROW_US if ranked else ROW_US if compacted else RECORD_US
        return cost

    def _next_batch(self) -> CommitBatch | None:
        marks = self.tracker.committable() if self.fence is not None else {}
        if not marks and not len(self.pending):
            return None
        cut = self.pending.next_batch(marks, self.cost_max_us, COMMIT_BYTES_MAX, self.dependencies)
        cut.offsets = {tp: offset for tp, offset in cut.offsets.items() if offset > self.tracker.committed(tp)}
        return cut if cut.outputs or cut.rows or cut.offsets else None

    async def _write(self, cut: CommitBatch) -> bool:
        fence = self.fence
        if fence is None:
            self._refuse_changelogs(cut)
        await self._complete(cut.outputs)
        outputs, settled = coalesce(cut.outputs)
        rows = await self._rows(cut.rows)
        batch = WriteBatch(
            outputs,
            {TopicPartition(*tp): offset for tp, offset in cut.offsets.items()} if fence else {},
            {TopicPartition(*tp): self.tracker.preconditions(tp, offset) for tp, offset in cut.offsets.items()},
            rows=rows,
        )
        try:
            appended = await self._send(batch, fence)
        except FencedError as exc:
            self.pending.put_back(cut.outputs)
            self.fence = None
            self.drop(str(exc))
            self.fencing.fence(str(exc))
            return False
        except LogUnavailableError as exc:
            # The worker stops, and whether this was written is not known: it must not be sent under another number.
            self.fence = None
            _settle(cut.outputs, None, exc)
            raise
        for tp, offset in cut.offsets.items():
            self.tracker.commit(tp, offset)
        self.dependencies.commit(cut.offsets)
        self.transport.memory.settle()
        self.transport.on_committed(cut.offsets)
        self._give_room()
        self._apply(outputs, appended.offsets)
        self._apply_rows(rows, appended.rows)
        for place, (output, offset) in enumerate(zip(outputs, appended.offsets, strict=True)):
            if output.settle is not None:
                output.settle(offset, None)
            if place in settled:
                _settle(settled[place], offset, None)
        return True

    async def _send(self, batch: WriteBatch, fence: Fence | None) -> Appended:
        """One write, repeated until its outcome is known. Numbered: an attempt that arrives late does not count."""
        self._sequence += 1
        sequence = ProducerSequence(self._name, self._sequence, TRANSACTION_TTL_MS, self._last())
        log = self.transport.broker
        appended = await retry_while_unavailable(
            lambda: log.commit(batch, fence=fence, write_id=sequence), "commit", stop=lambda: self.stopping
        )
        self._acknowledged, self._acknowledged_s = sequence.number, asyncio.get_running_loop().time()
        return appended

    async def is_forgotten(self) -> bool:
        """Whether the broker has lost this member's last write; seen so by a member that writes nothing."""
        async with self._lock:  # no write is under way
            last = self._last()
            return last is not None and await self.transport.broker.last_sequence(self._name) != last

    @property
    def _name(self) -> str:
        return f"{self.transport.group}:{self.transport.member}"

    def _last(self) -> int | None:
        """Return the number of the write that must stand; None when the log may have forgotten it by now."""
        age_s = asyncio.get_running_loop().time() - self._acknowledged_s
        return self._acknowledged if age_s < TRANSACTION_TTL_MS / 2_000 else None

    def _refuse_changelogs(self, cut: CommitBatch) -> None:
        """Table rows changed outside of events (expired windows) while this member owns nothing: not its to write."""
        changelogs = self.transport.changelogs()
        refused = [output for output in cut.outputs if output.topic in changelogs]
        _settle(refused, None, OutputDroppedError("no partition is owned just now"))
        cut.outputs = [output for output in cut.outputs if output.topic not in changelogs]

    async def _complete(self, outputs: list[Output]) -> None:
        """Give each record what its topic says; rows are written by who holds their partition, and by nobody else."""
        infos = {topic: await self.transport.ensure_topic(topic) for topic in {output.topic for output in outputs}}
        changelogs = self.transport.changelogs()
        writers = {topic: self.writer if topic in changelogs else b"" for topic in infos}
        compacted = {topic for topic, info in infos.items() if info.spec.compacted}
        held: set[tuple[str, int]] = set()
        for output in outputs:
            topic = output.topic
            output.compacted = topic in compacted
            if output.partition is None:
                output.partition = self.transport.partition(topic, output.key)
            output.writer = writers[topic]
            if output.writer and (topic, output.partition) not in held:
                self._check_held(topic, output.partition)
                held.add((topic, output.partition))

    async def _rows(self, changed: dict[Place, Changed]) -> list[Rows]:
        """Rows as they are written."""
        if not changed:
            return []
        now_ms = self.transport.now_ms()
        rows = []
        for (topic, partition), changes in changed.items():
            await self.transport.ensure_topic(topic)
            self._check_held(topic, partition)
            items = [(key, value) for key, (_, value) in changes.items()]
            rows.append(Rows(topic, partition, items, now_ms, self.writer))
        return rows

    def _check_held(self, topic: str, partition: int) -> None:
        if not self.transport.holds(TP(topic, partition)):
            raise AssertionError(f"a row of {topic!r}:{partition} is not held by this member")

    def _apply(self, outputs: list[Output], offsets: tuple[int, ...]) -> None:
        changes: dict[tuple[str, int], list[tuple[bytes, bytes | None]]] = {}
        last: dict[tuple[str, int], int] = {}
        stores = self.transport.changelog_stores()
        for output, offset in zip(outputs, offsets, strict=True):
            if output.topic in stores and output.key is not None and output.partition is not None:
                place = output.topic, output.partition
                changes.setdefault(place, []).append((output.key, output.value))
                last[place] = offset
        for (topic, partition), items in changes.items():
            reached = Checkpoint(self.transport.incarnation(topic), last[topic, partition], self.writer)
            stores[topic].on_committed(TP(topic, partition), items, reached)

    def _apply_rows(self, written: list[Rows], last: tuple[int, ...]) -> None:
        stores = self.transport.changelog_stores()
        for rows, offset in zip(written, last, strict=True):
            reached = Checkpoint(self.transport.incarnation(rows.topic), offset, self.writer)
            stores[rows.topic].on_committed(TP(rows.topic, rows.partition), rows.items, reached)


def _settle(outputs: Iterable[Output], offset: int | None, error: BaseException | None) -> None:
    for output in outputs:
        if output.settle is not None:
            output.settle(offset, error)


def _look_at_error(writing: asyncio.Future[bool]) -> None:
    """Whoever asked for the write has it too, unless it was cancelled; then asyncio would call it never retrieved."""
    if not writing.cancelled():
        writing.exception()
