"""Keep table rows: committed rows in RocksDB, uncommitted rows in an overlay.

Select this store by `store="faust-redis-rocksdb://"`. A write goes to the overlay, from which agents read it back.
After the commit of the write, the driver calls `on_committed`. Only then the store writes the row to RocksDB, in one
batch with the checkpoint. So RocksDB is never ahead of the log. The Kafka transport does not call `on_committed`;
there, `set_persisted_offset` writes the overlay.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from faust.stores.base import SerializedStore
from faust.streams import current_event
from faust.types import TP, AppT, CollectionT, EventT, Message
from yarl import URL

from faust_redis.driver.source import Source
from faust_redis.driver.state.stores import Checkpoint, Items
from faust_redis.rocksdb.database import Database, Sizes, after_prefix

logger = logging.getLogger(__name__)

Rows = dict[bytes, bytes | None]
Write = tuple[Source | None, bytes | None]
"""The event that wrote an uncommitted value, and the value.

A write outside of events has None as its event. A deleted row has None as its value."""


class RocksStore(SerializedStore[Any, Any]):
    """A Faust table store on the worker's RocksDB, which is in `<datadir>/tables`."""

    _noted: tuple[Message | None, Source | None] = None, None
    """The last event that was found to build on another one, and the other. A batch reads many rows of one."""

    def __init__(self, url: str | URL, app: AppT, table: CollectionT, **kwargs: Any) -> None:
        options = dict(kwargs.pop("options", None) or {})
        super().__init__(url, app, table, options=options, **kwargs)
        self._database: Database | None = None
        self._overlay: dict[int, dict[bytes, list[Write]]] = {}
        """Uncommitted writes by partition and key, oldest first. Agents read the last one."""
        self._partitions: set[int] = set()

    # --- life ---------------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Database:
        """Return the worker's database; open it on first use."""
        if self._database is None:
            self._database = Database.acquire(Path(self.app.conf.tabledir) / "rocksdb")
        return self._database

    async def on_stop(self) -> None:
        """Release the database. The worker's last table closes it."""
        if self._database is not None:
            self._database.release()
            self._database = None

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Take over the new partitions; drop all uncommitted writes."""
        self._overlay.clear()
        owned = {tp for tp in assigned if tp.topic == self._changelog}
        if not self.table.is_global:
            owned = {tp for tp in owned if not self.app.assignor.is_standby(tp)}  # agents must not read a standby copy
        self._partitions = {tp.partition for tp in owned}

    # --- offsets ------------------------------------------------------------------------------------------------------

    @property
    def _changelog(self) -> str:
        return self.table.changelog_topic.get_topic_name()

    def _incarnation(self) -> str:
        ask = getattr(self.app.consumer, "incarnation", None)
        return ask(self._changelog) if ask is not None else ""

    def checkpoint(self, tp: TP) -> Checkpoint | None:
        """Return the checkpoint of a partition's local rows; None when there is none."""
        return self.database.checkpoint(self.table_name, tp.partition)

    def persisted_offset(self, tp: TP) -> int | None:
        """Return the checkpoint's changelog offset. Rows of another incarnation of the changelog are dropped first.

        The restorer asks the log whether the checkpoint is part of its history. The consumer's high watermark does not
        show that: it may be older than the rows when the member was paused.
        """
        kept = self.checkpoint(tp)
        if kept is None:
            return None
        incarnation, offset, _ = kept
        if incarnation != self._incarnation():
            logger.warning(
                "the local rows of %s reach offset %d of log %r, not of %r: dropped, rebuilt from the log",
                tp, offset, incarnation, self._incarnation(),
            )  # fmt: skip
            self.wipe(tp)
            return None
        return offset

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Write the overlay to RocksDB on a transport without `on_committed`.

        Faust calls this after it has sent a changelog record.
        """
        if getattr(self.app.consumer, "incarnation", None) is None:
            rows = [(key, writes[-1][1]) for key, writes in self._overlay.pop(tp.partition, {}).items()]
            self.database.write(self.table_name, tp.partition, rows, Checkpoint("", offset, b""))

    def restore(self, tp: TP, items: Items, checkpoint: Checkpoint | None) -> None:
        """Write rows that were read from the log; None as checkpoint means that the rows are incomplete."""
        self.database.write(self.table_name, tp.partition, items, checkpoint)

    def wipe(self, tp: TP) -> None:
        """Drop the local rows of a partition and their checkpoint."""
        self.database.wipe(self.table_name, tp.partition)

    def on_committed(self, tp: TP, items: Sequence[tuple[bytes, bytes | None]], checkpoint: Checkpoint) -> None:
        """Write committed changes and their checkpoint to RocksDB in one batch."""
        self.database.write(self.table_name, tp.partition, items, checkpoint)
        rows = self._overlay.get(tp.partition, {})
        is_committed = cast("Any", self.app.consumer).is_committed
        source, is_gone = None, True  # the rows of one event have the same source
        for key, _ in items:
            writes = rows.get(key)
            # Each write depends on the write before it, so the commits follow the same order.
            while writes:
                if writes[0][0] is not source:
                    source = writes[0][0]
                    is_gone = is_committed(source)
                if not is_gone:
                    break
                del writes[0]
            if writes is not None and not writes:
                del rows[key]

    def undo(self, tp: TP, key: bytes, source: Source) -> None:
        """Take back a failed event's uncommitted write. The row falls back to the previous write or committed value."""
        rows = self._overlay.get(tp.partition, {})
        self._keep(rows, key, [write for write in rows.get(key, ()) if write[0] != source])

    @staticmethod
    def _keep(rows: dict[bytes, list[Write]], key: bytes, writes: list[Write]) -> None:
        if writes:
            rows[key] = writes
        else:
            rows.pop(key, None)

    def apply_changelog_batch(
        self, batch: Iterable[EventT[Any]], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply changelog records during recovery and advance the checkpoint.

        A gap in the offsets means that trimmed records are missing, so the rows then get no checkpoint. Kafka is an
        exception: its compaction leaves gaps, but the rows are complete.

        Raises:
            TypeError: a record has no key, so the topic is not a changelog.
        """
        changes: dict[TP, list[Message]] = {}
        for event in batch:
            message = event.message
            if message.key is None:
                raise TypeError(f"a changelog record without key at {message.tp}, offset {message.offset}")
            changes.setdefault(message.tp, []).append(message)
        for tp, messages in changes.items():
            rows = {message.key: message.value for message in messages if message.key is not None}
            self.restore(tp, rows.items(), self._checkpoint_after(tp, messages))

    def _checkpoint_after(self, tp: TP, messages: list[Message]) -> Checkpoint | None:
        incarnation, kept = self._incarnation(), self.checkpoint(tp)
        expected = 0 if kept is None else kept.offset + 1
        for message in messages:
            if incarnation and message.offset > expected:
                return None
            expected = message.offset + 1
        return Checkpoint(incarnation, messages[-1].offset, messages[-1].checksum or b"")

    # --- expiry of windows --------------------------------------------------------------------------------------------

    def keys_of(self, partition: int) -> Iterator[Any]:
        """Return all keys of a partition."""
        return (self._decode_key(key) for key, _ in self._scan(partition))

    def peek(self, partition: int, key: Any) -> Any:
        """Return a row's committed value; None when there is none, or when the row has an uncommitted write."""
        encoded = self._encode_key(key)
        if encoded in self._overlay.get(partition, {}):
            return None
        value = self.database.get(self.table_name, partition, encoded)
        return None if value is None else self._decode_value(value)

    def committed(self, key: bytes) -> dict[int, bytes]:
        """Return a row's value in each partition that agents read, as of the last commit.

        Another thread may call this. It returns nothing while the database is closed.
        """
        database = self._database
        if database is None:
            return {}
        found = {partition: database.get(self.table_name, partition, key) for partition in sorted(self._partitions)}
        return {partition: value for partition, value in found.items() if value is not None}

    def sizes(self) -> Sizes | None:
        """Return what the worker's database occupies; None while it is closed. Another thread may call this."""
        database = self._database
        return None if database is None else database.sizes()

    def expire(self, partition: int, key: Any) -> None:
        """Make a row read as deleted, before the commit of its tombstone."""
        self._overlay.setdefault(partition, {}).setdefault(self._encode_key(key), []).append((None, None))

    # --- rows ---------------------------------------------------------------------------------------------------------

    def _partition_of(self, key: bytes) -> int | None:
        """Return the partition of a key: the current event's, or by key when the table uses the partitioner."""
        if self.table.use_partitioner:
            return self.app.producer.key_partition(self._changelog, key).partition
        event = current_event()
        return None if event is None or self.table.is_global else event.message.partition

    def _read(self, partition: int, key: bytes) -> bytes | None:
        rows = self._overlay.get(partition)
        if rows and key in rows:
            writer, value = rows[key][-1]
            self._builds_on(writer)
            return value
        return self.database.get(self.table_name, partition, key)

    def _get(self, key: bytes) -> bytes | None:
        partition = self._partition_of(key)
        if partition is not None:
            return self._read(partition, key)
        found = (self._read(partition, key) for partition in sorted(self._partitions))
        return next((value for value in found if value is not None), None)

    def _set(self, key: bytes, value: bytes | None) -> None:
        partition = self._partition_of(key)
        if partition is None:
            raise RuntimeError(f"table {self.table_name!r} is written outside of an event; no partition is known")
        event = current_event()
        source = None if event is None else (event.message.tp, event.message.offset)
        writes = self._overlay.setdefault(partition, {}).setdefault(key, [])
        if writes:
            self._builds_on(writes[-1][0])
            if writes[-1][0] == source:
                writes.pop()
        writes.append((source, value))

    def look_up(self, key: bytes, message: Message | None) -> bytes | None:
        """Return a row's value as a message's event sees it; None when there is none.

        Outside of events, `message` is None.
        """
        if message is None:
            return self._get(key)
        rows = self._overlay.get(message.partition)
        writes = rows.get(key) if rows else None
        if writes:
            writer, value = writes[-1]
            self._message_builds_on(message, writer)
            return value
        return self.database.get(self.table_name, message.partition, key)

    def change(self, rows: Items, message: Message) -> None:
        """Add uncommitted writes of a message's event."""
        overlay = self._overlay.get(message.partition)
        if overlay is None:
            overlay = self._overlay[message.partition] = {}
        source = (message.tp, message.offset)
        noted: Source | None = None  # the rows of one event have the same source
        for key, value in rows:
            writes = overlay.get(key)
            if writes is None:
                overlay[key] = [(source, value)]
                continue
            writer = writes[-1][0]
            if writer == source:
                writes[-1] = (source, value)
                continue
            if writer is not noted:
                self._message_builds_on(message, writer)
                noted = writer
            writes.append((source, value))

    def _builds_on(self, writer: Source | None) -> None:
        """Report to the driver that the current event read or overwrote another event's uncommitted write."""
        event = current_event()
        if event is not None:
            self._message_builds_on(event.message, writer)

    def _message_builds_on(self, message: Message, writer: Source | None) -> None:
        known, base = self._noted
        if message is known and writer == base:
            return
        self._noted = message, writer
        if writer is not None and writer != (message.tp, message.offset):
            note = getattr(self.app.consumer, "builds_on", None)
            if note is not None:
                note(message, writer)

    def _del(self, key: bytes) -> None:
        self._set(key, None)

    def prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over rows of the current event's partition whose key begins with `prefix`, in byte order."""
        return self.range(prefix, after_prefix(prefix) if prefix.strip(b"\xff") else None)

    def range(self, begin: bytes, end: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over rows of the current event's partition with keys from `begin` up to, but not including, `end`.

        The keys come in byte order.
        """
        event = current_event()
        partitions = sorted(self._partitions) if event is None else [event.message.partition]
        for partition in partitions:
            yield from self._scan(partition, begin, end)

    def _scan(self, partition: int, begin: bytes = b"", end: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        overlay: Rows = {}
        for key, writes in self._overlay.get(partition, {}).items():
            if key >= begin and (end is None or key < end):
                self._builds_on(writes[-1][0])
                overlay[key] = writes[-1][1]
        fresh = iter(sorted(overlay.items()))
        pending = next(fresh, None)
        for key, value in self.database.scan(self.table_name, partition, begin, end):
            while pending is not None and pending[0] < key:
                if pending[1] is not None:
                    yield pending[0], pending[1]
                pending = next(fresh, None)
            if pending is not None and pending[0] == key:
                if pending[1] is not None:
                    yield key, pending[1]
                pending = next(fresh, None)
            else:
                yield key, value
        while pending is not None:
            if pending[1] is not None:
                yield pending[0], pending[1]
            pending = next(fresh, None)

    def _iteritems(self) -> Iterator[tuple[bytes, bytes]]:
        for partition in sorted(self._partitions):
            yield from self._scan(partition)

    def _iterkeys(self) -> Iterator[bytes]:
        return (key for key, _ in self._iteritems())

    def _itervalues(self) -> Iterator[bytes | None]:
        return (value for _, value in self._iteritems())

    def _size(self) -> int:
        return sum(1 for _ in self._iteritems())

    def _contains(self, key: bytes) -> bool:
        return self._get(key) is not None

    def _clear(self) -> None:
        for partition in self._partitions:
            self._overlay.pop(partition, None)
            self.database.wipe(self.table_name, partition)

    def reset_state(self) -> None:
        """Drop the local rows of all assigned partitions. The log holds these rows."""
        self._clear()

    async def backup_partition(self, tp: Any, flush: bool = True, purge: bool = False, keep: int = 1) -> None:
        """Refuse to back up a partition: the log is the backup.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("the log is the backup of every table; drop the data directory to rebuild from it")

    def restore_backup(self, tp: Any, latest: bool = True, backup_id: int = 0) -> None:
        """Refuse to restore a backup; see `backup_partition`.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("the log is the backup of every table; drop the data directory to rebuild from it")
