"""Notice that the broker lost events that this process has acknowledged, as an asynchronous fail-over may.

A replica that is promoted, and a server that restarts, has another replication id. The process then looks whether its
last acknowledged events are still in the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from faust_redis.log import Log, LogError, TopicPartition
from prometheus_client import Counter

REMEMBERED: Final = 2_000
"""Events that are remembered for each partition: those of some seconds."""
FETCH_RECORDS: Final = 500
WATCH_EVERY_S: Final = 1.0
WATCH_AFTER_S: Final = 60.0
"""How long the process looks after a change. A primary that was cut off acknowledges events until it is told."""
NAMED_MAX: Final = 20

logger = logging.getLogger(__name__)


class Acknowledged(NamedTuple):
    """An event that a client has an answer for."""

    offset: int
    event_id: str


class Acknowledgements:
    """The last acknowledged events of one process."""

    def __init__(self, log: Log, lost: Counter) -> None:
        """Create the memory.

        Args:
            log: The log.
            lost: Counts the events that are lost.
        """
        self._log = log
        self._lost = lost
        self._events: dict[TopicPartition, deque[Acknowledged]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._replication_id: str | None = None
        self._watch_until_s = 0.0

    def note(self, topic: str, events: Iterable[tuple[str, int, int]]) -> None:
        """Remember events: id, partition and offset of each."""
        for event_id, partition, offset in events:
            self._events[TopicPartition(topic, partition)].append(Acknowledged(offset, event_id))

    async def run(self) -> None:
        """Watch the broker until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                await self.look()
            except LogError:  # the broker watch logs it
                continue

    async def look(self) -> None:
        """Look whether the broker is another one, or is its own restart, and whether it lacks events."""
        [found] = await self._log.at_once(("INFO", "replication"))
        replication_id = str(found["master_replid"])
        now_s = asyncio.get_running_loop().time()
        if self._replication_id not in {None, replication_id}:
            logger.warning("the broker restarted, or a replica took its place; looking whether it lacks events")
            self._watch_until_s = now_s + WATCH_AFTER_S
        self._replication_id = replication_id
        if now_s < self._watch_until_s:
            for tp in list(self._events):
                self._report(tp, await self._missing(tp))

    async def _missing(self, tp: TopicPartition) -> list[Acknowledged]:
        """Return the events of a partition that the log lacks. Older ones than it keeps do not count."""
        begin = (await self._log.beginning_offsets(tp.topic))[tp.partition]
        noted = [one for one in self._events[tp] if one.offset >= begin]
        if not noted:
            return []
        offset, last, kept = min(noted).offset, max(noted).offset, dict[int, bytes]()
        while offset <= last:
            records = (await self._log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp, [])
            if not records:
                break
            kept.update((record.offset, record.value or b"") for record in records)
            offset = records[-1].offset + 1
        return [one for one in noted if one.event_id.encode() not in kept.get(one.offset, b"")]

    def _report(self, tp: TopicPartition, missing: list[Acknowledged]) -> None:
        if not missing:
            return
        self._lost.inc(len(missing))
        gone = set(missing)
        self._events[tp] = deque((one for one in self._events[tp] if one not in gone), maxlen=REMEMBERED)
        names = ", ".join(one.event_id for one in missing[:NAMED_MAX])
        logger.error(
            "the broker lost %d acknowledged events of %s:%d, from offset %d on: %s%s. "
            "Their senders may send them again with the same Idempotency-Key",
            len(missing),
            *tp,
            min(missing).offset,
            names,
            " ..." if len(missing) > NAMED_MAX else "",
        )
