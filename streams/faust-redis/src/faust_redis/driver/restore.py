"""Brings a member's tables up to the log before Faust's own recovery looks at them, which then finds nothing to read.

A compacted changelog is a snapshot and a tail. Local rows that stand in the past of the log need the tail from there.
All others are dropped and read from the snapshot, which is as new as the log's end, since one write makes both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from faust.types import TP

from faust_redis.driver.limits import RESTORE_RECORDS_MAX
from faust_redis.driver.plain import PlainTable, plain_tables
from faust_redis.driver.progress import Progress
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.driver.stores import Checkpoint, CommittedStore
from faust_redis.log import StoredRecord, TopicInfo, TopicPartition, TrimmedError

if TYPE_CHECKING:
    from faust_redis.driver.consumer import Consumer
    from faust_redis.driver.transport import Transport

logger = logging.getLogger(__name__)


class Restorer:
    """Restores the tables of one member."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._progress = Progress("restoring tables")

    @property
    def restored(self) -> int:
        """Rows and records that were read the last time, or so far."""
        return self._progress.done

    async def restore(self, tps: set[TP]) -> None:
        """Bring the tables of these partitions up to the log. May be cancelled at any point and begun anew.

        Nobody else writes to a partition that this member owns, so its rows are complete when this returns. A standby
        copies a log that moves on: the records after this are Faust's to follow.

        Raises:
            LogError: when the log cannot be read for good.
        """
        self._progress = Progress("restoring tables")
        stores = self.transport.changelog_stores()
        kept = {tp: stores[tp.topic] for tp in sorted(tps) if tp.topic in stores}
        standing = await self._standing(kept)
        for tp, store in kept.items():
            position = standing.get(tp)
            if position is None or not await self._follow(tp, store, position):
                await self._copy(tp, store)
        for table in plain_tables(self.transport.app, tps):
            await self._replay(table)
        self._progress.end()

    async def _standing(self, stores: Mapping[TP, CommittedStore]) -> dict[TP, int]:
        """Where to go on with local rows that stand in this log's past: same incarnation, same writer there."""
        reached = {tp: found for tp, store in stores.items() if (found := store.reached(tp)) is not None}
        infos = {topic: await self._topic(topic) for topic in sorted({tp.topic for tp in reached})}
        of_this_log = {tp: at for tp, at in reached.items() if at.incarnation == infos[tp.topic].incarnation}
        wanted = {TopicPartition(*tp): at.offset for tp, at in of_this_log.items()}
        there = await self._patiently(lambda: self.transport.broker.at(wanted))
        standing: dict[TP, int] = {}
        for tp, at in reached.items():
            record = there.get(TopicPartition(*tp))
            if record is not None and record.writer == at.writer:
                standing[tp] = at.offset + 1
            else:
                logger.warning("the local rows of %s do not stand in the log that is kept (%s): read anew", tp, at)
        return standing

    async def _follow(self, tp: TP, store: CommittedStore, position: int, trusted_from: int = 0) -> bool:
        """Write the tail from a position on into a store; false when it was trimmed meanwhile.

        The rows are to be trusted once they reach `trusted_from`.
        """
        incarnation, end = (await self._topic(tp.topic)).incarnation, await self._end(tp)
        while position < end:
            records = await self._fetch(tp, position)
            if not records or records[0].offset != position:
                return False
            last = records[-1]
            position = last.offset + 1
            rows = {record.key: record.value for record in records if record.key is not None}
            reached = Checkpoint(incarnation, last.offset, last.writer) if position >= trusted_from else None
            store.restore(tp, rows.items(), reached)
            self._progress.add(len(records))
        return True

    async def _copy(self, tp: TP, store: CommittedStore) -> None:
        """Drop what a store has of a partition and read it anew: its snapshot, or all records of one that has none.

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
            async for rows in self.transport.broker.rows(TopicPartition(*tp), RESTORE_RECORDS_MAX):
                store.restore(tp, rows, None)
                self._progress.add(len(rows))
            return True

        return bool(await self._patiently(copy))

    async def _trust(self, tp: TP, store: CommittedStore, end: int) -> bool:
        """Note what rows reach that were read after the log ended at `end`: they may be as new as it is now."""
        return await self._follow(tp, store, end - 1, trusted_from=await self._end(tp))

    async def _replay(self, table: PlainTable) -> None:
        """Make a table anew that Faust keeps in memory; it cannot say what it holds of which partition."""
        table.clear()
        for tp in table.partitions:
            end = await self._end(tp)
            if end == 0:
                continue
            if (await self._topic(tp.topic)).spec.compacted:
                async for rows in self.transport.broker.rows(TopicPartition(*tp), RESTORE_RECORDS_MAX):
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

    # --- the log ------------------------------------------------------------------------------------------------------

    async def _topic(self, topic: str) -> TopicInfo:
        return cast("TopicInfo", await self._patiently(lambda: self.transport.broker.topic(topic)))

    async def _end(self, tp: TP) -> int:
        ends = await self._patiently(lambda: self.transport.broker.end_offsets(tp.topic))
        return int(ends[tp.partition])

    async def _fetch(self, tp: TP, position: int) -> list[StoredRecord]:
        place = TopicPartition(*tp)
        found = await self._patiently(lambda: self.transport.broker.fetch({place: position}, count=RESTORE_RECORDS_MAX))
        return cast("list[StoredRecord]", found.get(place, []))

    async def _patiently(self, call: Any) -> Any:
        consumer = cast("Consumer", self.transport.app.consumer)
        return await retry_while_unavailable(call, "table recovery", stop=lambda: consumer.should_stop)
