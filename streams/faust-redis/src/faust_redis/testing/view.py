"""Read the records and rows at the brokers, decoded with an app's types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faust

from faust_redis.dead_letters import DeadLetter
from faust_redis.log import StoredRecord
from faust_redis.testing import internals
from faust_redis.testing.brokers import Brokers
from faust_redis.testing.records import TestRecord, decode, topic_object
from faust_redis.testing.worker import dead_letter_topic


class View:
    """Read committed records, rows and dead letters."""

    def __init__(self, apps: Sequence[faust.App], brokers: Brokers) -> None:
        self.apps = apps
        self._brokers = brokers

    def read(self, topic: str | Any) -> list[TestRecord]:
        """Return all records of a topic, partition by partition in the order of their offsets.

        A topic that nothing was written to is empty, whether it exists or not. Pass the topic object when the app's
        code does not refer to it, or its records are decoded as those of a topic without types.
        """
        found = topic_object(self.apps, topic) if isinstance(topic, str) else topic
        return _decoded(found, self._brokers.records(found.get_topic_name()))

    def table(self, table: str | Any, *, partition: int | None = None) -> dict[Any, Any]:
        """Return the committed rows of a table; of one partition when it is given.

        Rows of a windowed table have keys ``(key, (start, end))``. Rows of a Set table are sets.

        Raises:
            KeyError: when no app has a table of that name.
            ValueError: when several apps have such a table, or a key has rows in several partitions.
        """
        found: Any = self._table(table) if isinstance(table, str) else table
        topic = found.changelog_topic
        if internals.is_set_table(found):
            operations = _decoded(topic, self._brokers.records(topic.get_topic_name()))
            return internals.fold_sets(found, [one for one in operations if partition in {None, one.partition}])
        rows: dict[Any, Any] = {}
        for row in _decoded(topic, self._brokers.snapshot(topic.get_topic_name())):
            key = internals.row_key(found, row.key)
            if partition is None and key in rows:
                raise ValueError(
                    f"key {key!r} of table {found.name!r} has rows in several partitions; ask for one of them"
                )
            if partition in {None, row.partition}:
                rows[key] = internals.row_value(found, row.value)
        return rows

    def _table(self, name: str) -> Any:
        tables: list[Any] = [table for app in self.apps for table in app.tables.values()]
        found = [table for table in tables if table.name == name]
        if not found:
            raise KeyError(f"there is no table {name!r}; there are {sorted(table.name for table in tables)}")
        if len(found) > 1:
            raise ValueError(f"several apps have a table {name!r}; pass the table object")
        return found[0]

    def dead_letters(self) -> list[DeadLetter]:
        """Return the unresolved dead letters, in the order of topic, partition and offset."""
        topics = sorted({dead_letter_topic(app) for app in self.apps})
        rows = [row for topic in topics for row in self._brokers.snapshot(topic)]
        letters = [DeadLetter.decode(record.value or b"") for _, record in rows]
        return sorted(letters, key=lambda letter: (letter.topic, letter.partition, letter.offset))


def _decoded(topic: Any, records: list[tuple[int, StoredRecord]]) -> list[TestRecord]:
    return [decode(topic, partition, record) for partition, record in records]
