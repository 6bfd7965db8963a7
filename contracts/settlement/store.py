"""Keeps settlement's state in the log: in the same write as the batch that follows from it.

The state is a compacted topic of one partition: a row for each batch, and one row for the rest. The digest of this row
is a source offset, which each write compares and sets. So of two processes that write the same step one is refused, and
reads the state again. So is one that knew a state which a restored broker no longer has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from faust_redis.log import Log, SourceOffsets, TopicPartition, TopicSpec, WriteBatch
from faust_redis.log.records import Rows
from msgspec.structs import replace

from contracts.settlement.batches import Batch, State
from contracts.settlement.errors import SettlementError
from streams.times import Instant
from streams.wire import decoder

SOURCE: Final = "settlement"
STATE_KEY: Final = b"state"
DIGEST_BYTES: Final = 6  # the log's script is exact up to 53 bits
_DIGEST: Final = TopicPartition("digest", 0)


class _Row(msgspec.Struct, frozen=True):
    """The state without its batches, what it belongs to, and the number of the write that made it."""

    chain_id: str
    collector: str
    write: int
    state: State


_rows = decoder(_Row)
_batches = decoder(Batch)
_encoder = msgspec.json.Encoder()


class SettlementStore:
    """The state of settlement in one log. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, topic: TopicSpec, chain_id: str, collector: str) -> None:
        """Create the store.

        Args:
            log: The log.
            topic: The declaration of the topic that holds the state.
            chain_id: The id of the chain, such as SN_MAIN.
            collector: The address of the collector.
        """
        self._log, self._topic = log, topic
        self._chain_id, self._collector = chain_id, collector
        self._write = 0
        self._digest = 0

    async def load(self) -> State:
        """Return the state; an empty one when the log has none.

        Raises:
            SettlementError: the state is of another chain or another collector.
        """
        await self._log.create_topic(self._topic)
        while True:
            before = await self._last_digest()
            found = [row async for page in self._log.rows(TopicPartition(self._topic.name, 0)) for row in page]
            if before == await self._last_digest():  # no write came in between
                break
        self._digest, self._write = before, 0
        rows = dict(found)
        if STATE_KEY not in rows:
            return State()
        row = _rows.decode(rows.pop(STATE_KEY))
        if (row.chain_id, row.collector) != (self._chain_id, self._collector):
            raise SettlementError(
                f"the log settles with the collector {row.collector} of {row.chain_id}, and the settings name "
                f"{self._collector} of {self._chain_id}: use another namespace for another contract"
            )
        self._write = row.write
        batches = sorted((_batches.decode(value) for value in rows.values()), key=lambda batch: batch.number)
        return replace(row.state, batches=tuple(batch for batch in batches if batch.number > row.state.confirmed[0]))

    async def write(self, before: State, after: State, now: Instant, opened: Sequence[int] = ()) -> None:
        """Write a state and its changed batches, together; delete the batches that were opened again.

        Raises:
            SourceMovedError: another process wrote meanwhile; load the state again.
        """
        write = self._write + 1
        row = _encoder.encode(_Row(self._chain_id, self._collector, write, replace(after, batches=())))
        digest = int.from_bytes(hashlib.sha256(row).digest()[:DIGEST_BYTES], "big")
        rows = Rows(self._topic.name, 0, [*_changed(before, after, opened), (STATE_KEY, row)], now // 1_000)
        moved = SourceOffsets(SOURCE, {_DIGEST: (self._digest, digest)})
        await self._log.commit(WriteBatch([], rows=[rows], source_offsets=moved))
        self._write, self._digest = write, digest

    async def is_current(self) -> bool:
        """Return whether the state that was last read or written is the one in the log."""
        return self._digest == await self._last_digest()

    async def _last_digest(self) -> int:
        return (await self._log.source_offsets(SOURCE)).get(_DIGEST, 0)


def _changed(before: State, after: State, opened: Sequence[int]) -> list[tuple[bytes, bytes | None]]:
    """Return the rows of batches that a write adds or changes. A confirmed batch keeps its row."""
    old = {batch.number: batch for batch in before.batches}
    new = {batch.number: batch for batch in after.batches}
    confirmed = {number: replace(batch, status="confirmed") for number, batch in old.items() if number not in new}
    changed: list[tuple[bytes, bytes | None]] = [
        (b"batch-%d" % number, _encoder.encode(batch))
        for number, batch in (new | confirmed).items()
        if batch != old.get(number) and number not in opened
    ]
    return changed + [(b"batch-%d" % number, None) for number in opened]
