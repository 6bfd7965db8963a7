"""Keeps the state of a process in the log, so that it changes in one write with the events that follow from it.

The state is a compacted topic of one partition: one row for the whole, and rows for its parts. A digest of all writes
is a source offset, which each write compares and sets. So of two processes that write the same step one is refused, and
reads the state again. So is one that knew a state which a restored broker no longer has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from faust_redis.log import Log, Record, SourceOffsets, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Rows

from streams.events import AnyEvent, encode
from streams.times import Instant

DIGEST_BYTES: Final = 6  # the log's script is exact up to 53 bits
_DIGEST: Final = TopicPartition("digest", 0)
Row = tuple[bytes, bytes | None]


class LogState:
    """The rows of one process. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, topic: TopicSpec, source: str) -> None:
        """Create the state.

        Args:
            log: The log.
            topic: The declaration of the topic of the rows.
            source: The name of the source offset, unique in the log's namespace.
        """
        self._log, self._topic, self._source = log, topic, source
        self._digest = 0

    async def load(self) -> dict[bytes, bytes]:
        """Return all rows as they were at one moment."""
        await self._log.create_topic(self._topic)
        while True:
            before = await self._last_digest()
            rows = [row async for page in self._log.rows(TopicPartition(self._topic.name, 0)) for row in page]
            if before == await self._last_digest():  # no write came in between
                self._digest = before
                return dict(rows)

    async def write(self, rows: Sequence[Row], records: Sequence[Record], now: Instant) -> None:
        """Change rows and append records, together.

        Raises:
            SourceMovedError: another process wrote meanwhile; load the state again.
        """
        hashed = hashlib.sha256(b"%d" % self._digest)
        for key, value in rows:
            hashed.update(b"%d %d " % (len(key), -1 if value is None else len(value)) + key + (value or b""))
        digest = int.from_bytes(hashed.digest()[:DIGEST_BYTES], "big")
        changed = Rows(self._topic.name, 0, rows, now.milliseconds())
        moved = SourceOffsets(self._source, {_DIGEST: (self._digest, digest)})
        await self._log.commit(WriteBatch([*records], rows=[changed], source_offsets=moved))
        self._digest = digest

    async def is_current(self) -> bool:
        """Return whether the state that was last read or written is the one in the log."""
        return self._digest == await self._last_digest()

    async def _last_digest(self) -> int:
        return (await self._log.source_offsets(self._source)).get(_DIGEST, 0)


def record_of(event: AnyEvent, topic: TopicSpec) -> Record:
    """Return an event as a record of its topic, in the partition of its key."""
    key = event.partitionkey.encode()
    place = partition_for(key, topic.partitions)
    return Record(topic.name, place, key, encode(event), event.time.milliseconds())
