"""Restore a member's tables from the log before Faust's own recovery, which then finds nothing to read.

A compacted changelog has a snapshot and a tail. When the log contains the checkpoint of local rows, the restorer reads
the tail from there. Otherwise it drops the local rows and reads the snapshot. The snapshot is as recent as the log's
end, because each write updates both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Protocol, cast

from faust.types import TP

from faust_redis.driver.broker import Offsets, Reads, Snapshots, TopicCatalogue
from faust_redis.driver.limits import RESTORE_RECORDS_MAX
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.state.plain import PlainTable
from faust_redis.driver.state.restore_progress import RestoreProgress
from faust_redis.driver.state.stores import Checkpoint, CommittedStore
from faust_redis.log import (
    DamagedPartitionError,
    StoredRecord,
    TopicInfo,
    TopicPartition,
    TrimmedError,
)

logger = logging.getLogger(__name__)


OnDamaged = Callable[[TP, DamagedPartitionError], None]


class Source(TopicCatalogue, Offsets, Reads, Snapshots, Protocol):
    """The broker operations that the restorer uses."""


class Restorer:
    """Restores the tables of one member."""

    def __init__(
        self,
        broker: Source,
        stores: Callable[[], Mapping[str, CommittedStore]],
        plain_tables: Callable[[set[TP]], Iterable[PlainTable]],
        should_stop: Callable[[], bool],
        on_damaged: OnDamaged | None = None,
    ) -> None:
        """Create a restorer.

        Args:
            broker: The broker with the changelogs.
            stores: Returns the table stores by changelog topic.
            plain_tables: Returns the tables in memory that have some of these partitions.
            should_stop: Whether the worker is to stop.
            on_damaged: Called for each changelog partition that cannot be read; the restorer continues with the
                others. With None, the restorer raises the error.
        """
        self.broker = broker
        self.stores = stores
        self._plain_tables = plain_tables
        self._should_stop = should_stop
        self._on_damaged = on_damaged
        self._progress = RestoreProgress("restoring tables")

    @property
    def restored(self) -> int:
        """Return how many rows and records the present or the last recovery has read."""
        return self._progress.done

    @property
    def total(self) -> int | None:
        """Return how many rows and records this recovery has to read in all; None while that is not known."""
        return self._progress.total

    async def restore(self, tps: set[TP]) -> None:
        """Restore the tables of these partitions from the log. Callers may cancel this at any point and start again.

        No other member writes to a partition that this member owns, so its rows are complete when this returns. The
        changelog of a standby keeps growing; `Standbys` follows the later records.

        Raises:
            LogError: the log cannot be read, and a retry would not help.
        """
        self._progress = RestoreProgress("restoring tables")
        stores = self.stores()
        restored = {tp: stores[tp.topic] for tp in sorted(tps) if tp.topic in stores}
        positions = await self._readable_positions(restored)
        tables = list(self._plain_tables(tps))
        read = (*restored, *(tp for each in tables for tp in each.partitions))
        self._progress.expect(await self._expected({tp: positions.get(tp) for tp in read}))
        for tp, store in restored.items():
            with self._damage_of(tp):
                position = positions.get(tp)
                if position is None or not await self._follow(tp, store, position):
                    await self._copy(tp, store)
            self._progress.finish(tp)
        for table in tables:
            await self._replay(table)
        self._progress.end()

    async def _expected(self, positions: Mapping[TP, int | None]) -> dict[TP, int]:
        """Return how many records each changelog partition has to be read.

        Args:
            positions: The position to read on from; None reads the partition from its snapshot or its beginning.
        """
        expected: dict[TP, int] = {}
        for topic in sorted({tp.topic for tp in positions}):
            of_topic = {tp: position for tp, position in positions.items() if tp.topic == topic}
            ends = await self._patiently(partial(self.broker.end_offsets, topic))
            whole = None in of_topic.values()
            beginnings = await self._patiently(partial(self.broker.beginning_offsets, topic)) if whole else {}
            for tp, position in of_topic.items():
                first = beginnings[tp.partition] if position is None else position
                expected[tp] = max(0, ends[tp.partition] - first)
        return expected

    async def _readable_positions(self, stores: Mapping[TP, CommittedStore]) -> dict[TP, int]:
        """Call `_positions`, but leave out partitions whose changelog is damaged at the checkpoint."""
        try:
            return await self._positions(stores)
        except DamagedPartitionError:
            positions: dict[TP, int] = {}
            for tp, store in stores.items():
                with suppress(DamagedPartitionError):
                    positions |= await self._positions({tp: store})
            return positions

    async def _positions(self, stores: Mapping[TP, CommittedStore]) -> dict[TP, int]:
        """Return the next offset to read for local rows whose checkpoint the log contains.

        The log contains a checkpoint when the incarnation and the writer of the record at its offset are the same.
        """
        checkpoints = {tp: found for tp, store in stores.items() if (found := store.checkpoint(tp)) is not None}
        infos = {topic: await self._topic(topic) for topic in sorted({tp.topic for tp in checkpoints})}
        known = {tp: at for tp, at in checkpoints.items() if at.incarnation == infos[tp.topic].incarnation}
        requested = {TopicPartition(*tp): at.offset for tp, at in known.items()}
        records = await self._patiently(lambda: self.broker.at(requested))
        positions: dict[TP, int] = {}
        for tp, at in checkpoints.items():
            record = records.get(TopicPartition(*tp))
            if record is not None and record.writer == at.writer:
                positions[tp] = at.offset + 1
            else:
                logger.warning(
                    "the log does not contain the checkpoint of the local rows of %s (%s); rebuilding them", tp, at
                )
        return positions

    async def _follow(self, tp: TP, store: CommittedStore, position: int, trusted_from: int = 0) -> bool:
        """Write the tail from a position on into a store; return False when the tail was trimmed meanwhile.

        The rows get a checkpoint only once the position has reached `trusted_from`.
        """
        incarnation, end = (await self._topic(tp.topic)).incarnation, await self._end(tp)
        while position < end:
            records = await self._fetch(tp, position)
            if not records or records[0].offset != position:
                return False
            last = records[-1]
            position = last.offset + 1
            rows = {record.key: record.value for record in records if record.key is not None}
            checkpoint = Checkpoint(incarnation, last.offset, last.writer) if position >= trusted_from else None
            store.restore(tp, rows.items(), checkpoint)
            self._progress.add(tp, len(records))
        return True

    async def _copy(self, tp: TP, store: CommittedStore) -> None:
        """Drop the local rows of a partition; read its snapshot, or all records when it has no snapshot.

        Raises:
            TrimmedError: the partition has no snapshot, and its first records were trimmed.
        """
        compacted = (await self._topic(tp.topic)).spec.compacted
        while True:
            store.wipe(tp)
            if not compacted:
                if not await self._follow(tp, store, 0):
                    raise TrimmedError(f"the first records of changelog {tp} are gone, and it keeps no snapshot")
                return
            end = await self._end(tp)
            if end == 0 or (await self._copy_rows(tp, store) and await self._trust(tp, store, end)):
                return

    async def _copy_rows(self, tp: TP, store: CommittedStore) -> bool:
        async def copy() -> bool:
            async for rows in self.broker.rows(TopicPartition(*tp), RESTORE_RECORDS_MAX):
                store.restore(tp, rows, None)
                self._progress.add(tp, len(rows))
            return True

        return bool(await self._patiently(copy))

    async def _trust(self, tp: TP, store: CommittedStore, end: int) -> bool:
        """Write the checkpoint of rows that were read while the log grew from `end`.

        The rows may already hold records up to the present end, so only that end is a valid checkpoint.
        """
        return await self._follow(tp, store, end - 1, trusted_from=await self._end(tp))

    async def _replay(self, table: PlainTable) -> None:
        """Rebuild all partitions of a table in memory, because the table does not separate their rows."""
        table.clear()
        for tp in table.partitions:
            with self._damage_of(tp):
                await self._replay_partition(table, tp)
            self._progress.finish(tp)

    async def _replay_partition(self, table: PlainTable, tp: TP) -> None:
        end = await self._end(tp)
        if end == 0:
            return
        if (await self._topic(tp.topic)).spec.compacted:
            async for rows in self.broker.rows(TopicPartition(*tp), RESTORE_RECORDS_MAX):
                await table.apply(tp, [StoredRecord(end - 1, 0, key, value) for key, value in rows])
                self._progress.add(tp, len(rows))
        else:
            await self._replay_all(table, tp, end)
        table.skip_recovery_to(tp, end - 1)

    async def _replay_all(self, table: PlainTable, tp: TP, end: int) -> None:
        position = 0
        while position < end:
            records = await self._fetch(tp, position)
            if not records or records[0].offset != position:
                raise TrimmedError(f"records from {position} of changelog {tp} are gone, and it keeps no snapshot")
            await table.apply(tp, records)
            self._progress.add(tp, len(records))
            position = records[-1].offset + 1

    @contextmanager
    def _damage_of(self, tp: TP) -> Iterator[None]:
        """Report a changelog partition that cannot be read, so that the restorer continues with the others."""
        try:
            yield
        except DamagedPartitionError as exc:
            if self._on_damaged is None:
                raise
            self._on_damaged(tp, exc)

    # --- the log ------------------------------------------------------------------------------------------------------

    async def _topic(self, topic: str) -> TopicInfo:
        return cast("TopicInfo", await self._patiently(lambda: self.broker.topic(topic)))

    async def _end(self, tp: TP) -> int:
        ends = await self._patiently(lambda: self.broker.end_offsets(tp.topic))
        return int(ends[tp.partition])

    async def _fetch(self, tp: TP, position: int) -> list[StoredRecord]:
        place = TopicPartition(*tp)
        found = await self._patiently(lambda: self.broker.fetch({place: position}, count=RESTORE_RECORDS_MAX))
        return cast("list[StoredRecord]", found.get(place, []))

    async def _patiently(self, call: Any) -> Any:
        return await retry_while_unavailable(call, "table recovery", stop=self._should_stop)
