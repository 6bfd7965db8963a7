"""Restore tables that Faust keeps in memory: plain dictionaries and Set tables.

These tables do not separate committed from uncommitted rows, nor the rows of different partitions. So each assignment
rebuilds them from the log, all partitions at once. This drops uncommitted rows and the rows of other members'
partitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from faust.exceptions import ImproperlyConfigured
from faust.tables.objects import ChangeloggedObjectManager
from faust.types import TP, AppT, ConsumerMessage

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.state.stores import CommittedStore
from faust_redis.log import Shard, StoredRecord


class PlainTable:
    """A table in memory, with the partitions of its changelog that this member owns."""

    def __init__(self, table: Any, recovery: Any, partitions: Sequence[TP]) -> None:
        self._table = table
        self._recovery = recovery
        self.partitions = partitions

    def clear(self) -> None:
        """Drop all rows."""
        internals.clear_memory(self._table.data)

    async def apply(self, tp: TP, records: Sequence[StoredRecord]) -> None:
        """Apply rows or records, as Faust's recovery does."""
        events = [await self._table.changelog_topic.decode(_message(tp, record), propagate=True) for record in records]
        for event in events:
            await self._table.on_changelog_event(event)
        self._table.apply_changelog_batch(events)

    def skip_recovery_to(self, tp: TP, offset: int) -> None:
        """Make Faust's recovery skip the records up to an offset."""
        self._recovery.active_offsets[tp] = offset


def plain_tables(app: AppT, tps: set[TP]) -> Iterator[PlainTable]:
    """Iterate over the tables in memory that have some of these changelog partitions; skip standbys.

    Restoring standbys would be useless: Faust's memory store drops their rows at each recovery. Global tables follow
    the changelogs of their standbys after the recovery.
    """
    tables = cast("Any", app.tables)
    for table in tables.values():
        if isinstance(table.data, CommittedStore):
            continue
        topic = table.changelog_topic.get_topic_name()
        active = sorted(tp for tp in tps if tp.topic == topic and cast("Any", app.assignor).is_active(tp))
        if active:
            yield PlainTable(table, tables.recovery, active)


def check_topics(app: Any, topics: Iterable[str], shard: Shard) -> None:
    """Refuse replies to `ask` when the namespace has several shards: the process that asks reads one of them.

    Raises:
        ImproperlyConfigured: one of the topics carries replies.
    """
    replies = [name for name in topics if name == app.conf.reply_to or name.startswith(app.conf.reply_to_prefix)]
    if shard.count > 1 and replies:
        raise ImproperlyConfigured(
            f"`ask` works on one broker, and this namespace has {shard.count}: send an event instead, "
            "and leave `reply_create_topic` off"
        )


def check_stores(app: AppT, shard: Shard) -> None:
    """Refuse tables whose stores would write rows before their commit, and global tables over several shards.

    Raises:
        ImproperlyConfigured: the message names the table, what is wrong, and the alternatives.
    """
    for table in cast("Any", app.tables).values():
        if shard.count > 1 and table.is_global:
            raise ImproperlyConfigured(
                f"global table {table.name!r} works on one broker, and this namespace has {shard.count}; "
                "send what all workers need to every partition of a topic"
            )
        store = table.data.storage if isinstance(table.data, ChangeloggedObjectManager) else table.data
        if not (isinstance(store, CommittedStore) or internals.is_memory(store)):
            name = internals.store_name(table) or app.conf.store
            raise ImproperlyConfigured(
                f"table {table.name!r} is kept in {name}, which writes rows before they are "
                'committed; use store="faust-redis-rocksdb://" or "memory://"'
            )


def _message(tp: TP, record: StoredRecord) -> ConsumerMessage:
    return ConsumerMessage(
        tp.topic, tp.partition, record.offset, record.timestamp_ms / 1000.0, 0, list(record.headers) or None,
        record.key, record.value, None, None, None, tp,
    )  # fmt: skip
