"""Bring a member's tables up to the log before Faust's own recovery looks at them, which then finds nothing to read.

A compacted changelog is a snapshot and a tail. Local rows whose checkpoint stands in the log need the tail from there.
All other rows are dropped and read from the snapshot, which is as new as the log's end, since one write makes both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol, cast

from faust.types import TP

from faust_redis.driver.broker import Offsets, Reads, Snapshots, TopicCatalogue
from faust_redis.driver.limits import RESTORE_RECORDS_MAX
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.state.plain import PlainTable
from faust_redis.driver.state.restore_progress import RestoreProgress
from faust_redis.driver.state.stores import Checkpoint, CommittedStore
from faust_redis.log import DamagedPartitionError, StoredRecord, TopicInfo, TopicPartition, TrimmedError

logger = logging.getLogger(__name__)


OnDamaged = Callable[[TP, DamagedPartitionError], None]


class Source(TopicCatalogue, Offsets, Reads, Snapshots, Protocol):
    """The broker, as restoring needs it."""


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
        """Prepare restoring.

        Args:
            broker: Where changelogs are read.
            stores: Returns the table stores by changelog topic.
            plain_tables: Returns the tables in memory that have some of these partitions.
            should_stop: Whether the worker is to stop.
            on_damaged: Called for a changelog partition that cannot be read; the others are restored. None raises.
        """
        self.broker = broker
        self.stores = stores
        self._plain_tables = plain_tables
        self._should_stop = should_stop
        self._on_damaged = on_damaged
        self._progress = RestoreProgress("restoring tables")

    @property
    def restored(self) -> int:
        """Rows and records that were read the last time, or so far."""
        return self._progress.done

    async def restore(self, tps: set[TP]) -> None:
        """Bring the tables of these partitions up to the log. May be cancelled at any point and begun anew.

        No other member writes to a partition that this member owns, so its rows are complete when this returns. A
        standby copies a log that moves on; `Standbys` follows the later records.

        Raises:
            LogError: when the log cannot be read for good.
        """
        self._progress = RestoreProgress("restoring tables")
        stores = self.stores()
        restored = {tp: stores[tp.topic] for tp in sorted(tps) if tp.topic in stores}
        standing = await self._standing_where_readable(restored)
        for tp, store in restored.items():
            with self._damage_of(tp):
                position = standing.get(tp)
                if position is None or not await self._follow(tp, store, position):
                    await self._copy(tp, store)
        for table in self._plain_tables(tps):
            await self._replay(table)
        self._progress.end()

    async def _standing_where_readable(self, stores: Mapping[TP, CommittedStore]) -> dict[TP, int]:
        """Return the same as `_standing`, without the partitions whose changelog cannot be read there."""
        try:
            return await self._standing(stores)
        except DamagedPartitionError:
            standing: dict[TP, int] = {}
            for tp, store in stores.items():
                with suppress(DamagedPartitionError):
                    standing |= await self._standing({tp: store})
            return standing

    async def _standing(self, stores: Mapping[TP, CommittedStore]) -> dict[TP, int]:
        """Return where to go on with local rows whose checkpoint stands in this log: same incarnation, same writer."""
        checkpoints = {tp: found for tp, store in stores.items() if (found := store.reached(tp)) is not None}
        infos = {topic: await self._topic(topic) for topic in sorted({tp.topic for tp in checkpoints})}
        of_this_log = {tp: at for tp, at in checkpoints.items() if at.incarnation == infos[tp.topic].incarnation}
        wanted = {TopicPartition(*tp): at.offset for tp, at in of_this_log.items()}
        there = await self._patiently(lambda: self.broker.at(wanted))
        standing: dict[TP, int] = {}
        for tp, at in checkpoints.items():
            record = there.get(TopicPartition(*tp))
            if record is not None and record.writer == at.writer:
                standing[tp] = at.offset + 1
            else:
                logger.warning("the local rows of %s do not stand in the log that is kept (%s): read anew", tp, at)
        return standing

    async def _follow(self, tp: TP, store: CommittedStore, position: int, trusted_from: int = 0) -> bool:
        """Write the tail from a position on into a store; return False when it was trimmed meanwhile.

        The rows can be trusted once they reach `trusted_from`.
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
            self._progress.add(len(records))
        return True

    async def _copy(self, tp: TP, store: CommittedStore) -> None:
        """Drop what a store has of a partition and read it anew: its snapshot, or all records when there is none.

        Raises:
            TrimmedError: there is no snapshot, and records are gone.
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
                self._progress.add(len(rows))
            return True

        return bool(await self._patiently(copy))

    async def _trust(self, tp: TP, store: CommittedStore, end: int) -> bool:
        """Write the checkpoint of rows that were read after the log ended at `end`; they may be as new as it is now."""
        return await self._follow(tp, store, end - 1, trusted_from=await self._end(tp))

    async def _replay(self, table: PlainTable) -> None:
        """Make a table anew that Faust keeps in memory; it cannot tell one partition's rows from another's."""
        table.clear()
        for tp in table.partitions:
            with self._damage_of(tp):
                await self._replay_partition(table, tp)

    async def _replay_partition(self, table: PlainTable, tp: TP) -> None:
        end = await self._end(tp)
        if end == 0:
            return
        if (await self._topic(tp.topic)).spec.compacted:
            async for rows in self.broker.rows(TopicPartition(*tp), RESTORE_RECORDS_MAX):
                await table.apply(tp, [StoredRecord(end - 1, 0, key, value) for key, value in rows])
                self._progress.add(len(rows))
        else:
            await self._replay_all(table, tp, end)
        table.reached(tp, end - 1)

    async def _replay_all(self, table: PlainTable, tp: TP, end: int) -> None:
        position = 0
        while position < end:
            records = await self._fetch(tp, position)
            if not records or records[0].offset != position:
                raise TrimmedError(f"records from {position} of changelog {tp} are gone, and it keeps no snapshot")
            await table.apply(tp, records)
            self._progress.add(len(records))
            position = records[-1].offset + 1

    @contextmanager
    def _damage_of(self, tp: TP) -> Iterator[None]:
        """Report a changelog partition that cannot be read, and go on with the others."""
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
