"""What stands at the broker, decoded with an app's types."""

from __future__ import annotations

from typing import Any

import faust

from faust_redis.dead_letters import DeadLetter
from faust_redis.log import StoredRecord
from faust_redis.testing import internals
from faust_redis.testing.broker import Broker
from faust_redis.testing.records import TestRecord, decode, topic_object


class View:
    """Read committed records, rows and dead letters."""

    def __init__(self, app: faust.App, broker: Broker) -> None:
        self.app = app
        self._broker = broker

    def read(self, topic: str | Any) -> list[TestRecord]:
        """Return all records of a topic, partition by partition in the order of their offsets.

        A topic that nothing was written to is empty, whether it exists or not. Pass the topic object when the app's
        code does not refer to it, or its records are decoded as those of a topic without types.
        """
        found = topic_object(self.app, topic) if isinstance(topic, str) else topic
        return _decoded(found, self._broker.records(found.get_topic_name()))

    def table(self, table: str | Any) -> dict[Any, Any]:
        """Return the committed rows of a table.

        Rows of a windowed table have keys ``(key, (start, end))``. Rows of a Set table are sets.
        """
        found: Any = self.app.tables[table] if isinstance(table, str) else table
        topic = found.changelog_topic
        if internals.is_set_table(found):
            return internals.fold_sets(found, _decoded(topic, self._broker.records(topic.get_topic_name())))
        rows = _decoded(topic, self._broker.snapshot(topic.get_topic_name()))
        return {internals.row_key(found, row.key): internals.row_value(found, row.value) for row in rows}

    def dead_letters(self) -> list[DeadLetter]:
        """Return the dead letters that stand, in the order of topic, partition and offset."""
        rows = self._broker.snapshot(f"{self.app.conf.id}-dead-letters")
        letters = [DeadLetter.decode(record.value or b"") for _, record in rows]
        return sorted(letters, key=lambda letter: (letter.topic, letter.partition, letter.offset))


def _decoded(topic: Any, records: list[tuple[int, StoredRecord]]) -> list[TestRecord]:
    return [decode(topic, partition, record) for partition, record in records]
