"""Publish the events of an outbox in the log, each once, in the order of their transactions' commits.

Each write carries the position that it must find in the log and the one that it leaves there. A killed relay therefore
resumes after its last write, two relays never publish an event twice, and a log that lost events gets them again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from faust_redis.log import (
    IncarnationError,
    Log,
    Record,
    ResizedError,
    SourceMovedError,
    TopicSpec,
    UnknownTopicError,
    WriteBatch,
)
from faust_redis.log.errors import NamespaceTakenError
from faust_redis.log.partitioner import partition_for

from streams.connect.outbox.errors import (
    DatabaseRolledBackError,
    OtherDatabaseError,
    OutboxDamagedError,
    OutboxError,
)
from streams.connect.outbox.position import SOURCE, OutboxPosition, OutboxRow
from streams.connect.outbox.source import Head, OutboxSource
from streams.connect.outbox.tracing import record_sent
from streams.connect.outbox.wake import waiting
from streams.spans import Spans
from streams.times import MILLISECOND_US

WRITE_ROWS_MAX: Final = 200  # bounds how long one call blocks the server, as a worker's commit does
WRITE_BYTES_MAX: Final = 512 * 1024
LOOK_S: Final = 0.5
"""How often an idle relay reads its position in the log, to notice a flushed or restored broker."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class RelayCounts:
    """Counts since the relay's start, and the position that it knows.

    Attributes:
        position: The number of the last event in the log, as the relay last saw it.
        published: Events that this relay published.
        lost: Events that the log lacks and the outbox no longer has.
        refused: Writes that the log refused because another relay was first, or the log had moved.
        worked_s: When the relay last reached both sides, by the monotonic clock, in seconds; -inf for never.
    """

    position: int = 0
    published: int = 0
    lost: int = 0
    refused: int = 0
    worked_s: float = -math.inf


class Relay:
    """A source connector from an outbox to the log. `run` may be called again after it raised."""

    def __init__(
        self, log: Log, source: OutboxSource, spec_of: Callable[[str], TopicSpec], spans: Spans | None = None
    ) -> None:
        """Create a relay.

        Args:
            log: The log.
            source: The outbox.
            spec_of: Returns the declaration of a topic, so that the relay can create it. Raises an OutboxError for a
                topic that the relay may not write.
            spans: Where the process records its spans; None without traces.
        """
        self.counts = RelayCounts()
        self._log = log
        self._source = source
        self._spec_of = spec_of
        self._spans = spans
        self._position = OutboxPosition()
        self._incarnation = ""  # of the database's outbox, as last seen
        self._highest = 0  # the highest number that this relay has seen in the log

    async def run(self) -> None:
        """Publish until cancelled.

        Raises:
            OutboxError: database and log do not belong together, or the log belongs to another application.
            LogError, SQLAlchemyError, asyncpg's errors, OSError: one of the two cannot be reached, or refuses.
        """
        try:
            await self._log.check()
        except NamespaceTakenError as exc:
            raise OutboxError(str(exc)) from exc
        clock = asyncio.get_running_loop().time
        async with waiting(self._source.engine) as wait:
            await self.look()
            logger.info("publishing the outbox after event %d", self._position.number)
            looked = clock()
            while True:
                if clock() - looked >= LOOK_S:
                    await self.look()
                    looked = clock()
                if not await self._publish_some():
                    await wait()

    async def publish_all(self) -> None:
        """Publish everything that is in the outbox now. See `run` for the errors."""
        await self.look()
        while await self._publish_some():
            pass

    async def look(self) -> None:
        """Read the position in the log, and check that the database's outbox continues it.

        Raises:
            OutboxError: it does not.
        """
        position = OutboxPosition.of(await self._log.source_offsets(SOURCE))
        head = await self._source.head()
        _check(position, head)
        if position.number < self._highest:
            logger.warning(
                "the log has events up to number %d of the outbox and had them up to %d: it was flushed or restored to "
                "an earlier state. The relay publishes what is missing.",
                position.number, self._highest,
            )  # fmt: skip
            self._highest = position.number
        self._incarnation = head.incarnation
        self._reach(position)

    async def _publish_some(self) -> bool:
        """Publish the next events, at most one write of them. Return whether there were any."""
        before = self._position
        rows = await self._source.rows(max(1, before.number), WRITE_ROWS_MAX + 1)
        if rows and rows[0].number == before.number:
            _check_history(before, rows.pop(0))
        elif before.number and not rows:
            await self.look()  # a database without the event at the position may have been restored
        if not rows:
            return False
        portion = _portion(rows)
        after = before.after(self._incarnation, portion[-1])
        began_ns = 0 if self._spans is None else self._spans.now_ns()
        try:
            records = [await self._record(row) for row in portion]
            await self._log.commit(WriteBatch(records, source_offsets=before.step_to(after)))
        except (SourceMovedError, IncarnationError, ResizedError, UnknownTopicError) as exc:
            logger.debug("a write was refused, and the relay reads its position again: %s", exc)
            self.counts.refused += 1
            await self.look()
            return True
        if self._spans is not None:
            record_sent(self._spans, records, began_ns)
        self._note_lost(before, portion[0])
        self.counts.published += len(portion)
        self._reach(after)
        return True

    async def _record(self, row: OutboxRow) -> Record:
        spec = self._spec_of(row.topic)
        topic = self._log.known_topic(row.topic) or await self._log.declare_topic(spec)
        key = row.key.encode()
        return Record(
            row.topic, partition_for(key, topic.spec.partitions), key, row.value, row.time_us // MILLISECOND_US
        )

    def _reach(self, position: OutboxPosition) -> None:
        self._position = position
        self.counts.worked_s = time.monotonic()
        self._highest = max(self._highest, position.number)
        self.counts.position = position.number

    def _note_lost(self, before: OutboxPosition, first: OutboxRow) -> None:
        """Report the events between the position and the first kept event: they were removed by their age."""
        lost = first.number - before.number - 1
        if lost:
            self.counts.lost += lost
            logger.error(
                "%d events of the outbox are lost: numbers %d to %d. The log lacks them, because it was flushed or "
                "restored to an earlier state, and the outbox removed them by their age. The database's rows still "
                "hold what these events reported. The relay continues at number %d.",
                lost, before.number + 1, first.number - 1, first.number,
            )  # fmt: skip


def _check(position: OutboxPosition, head: Head) -> None:
    if position.incarnation and position.incarnation != head.incarnation:
        raise OtherDatabaseError(
            f"the log holds {position.number} events of the outbox {position.incarnation}, and the outbox of this "
            f"database is {head.incarnation}: ASTRA_DATABASE_URL names another database than before, or the broker is "
            "another installation's. Set the URL of the database that belongs to this broker."
        )
    if position.number > head.last:
        raise _rolled_back(f"the database's last event is number {head.last}", position)


def _check_history(position: OutboxPosition, row: OutboxRow) -> None:
    if row.digest != position.digest:
        raise _rolled_back(f"event {row.number} of the database is another one", position)


def _rolled_back(found: str, position: OutboxPosition) -> DatabaseRolledBackError:
    return DatabaseRolledBackError(
        f"the log holds the outbox's events up to number {position.number}, and {found}: the database was restored to "
        "an earlier state. The relay publishes nothing, so that no number stands for two events. Restore the newest "
        "state of the database, or a state of the broker that is not newer than the database (docs/outbox.md)."
    )


def _portion(rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
    """Return the first rows, up to the limits of one write.

    Raises:
        OutboxDamagedError: a number is missing between two rows.
    """
    size = 0
    for i, row in enumerate(rows):
        if row.number != rows[0].number + i:
            raise OutboxDamagedError(
                f"the outbox lacks event {rows[0].number + i} before event {row.number}, although numbers are dense: "
                "something deleted it. Restore the database."
            )
        if i and (i >= WRITE_ROWS_MAX or size + len(row.value) > WRITE_BYTES_MAX):
            return rows[:i]
        size += len(row.value)
    return rows
