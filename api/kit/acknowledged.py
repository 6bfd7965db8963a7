"""Notice that the broker lost events that this process has acknowledged, as an asynchronous fail-over may.

A replica that is promoted, and a server that restarts, has another replication id. The process then looks whether its
last acknowledged events are still in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from faust_redis.log import Log, LogError, LogUnavailableError, TopicPartition, UnknownTopicError
from prometheus_client import Counter

REMEMBERED: Final = 2_000
"""Most events that are remembered for each partition."""
REMEMBER_S: Final = 60.0
"""How long an event is remembered while the broker stays the same. A replica is seldom further behind."""
FETCH_RECORDS: Final = 500
GAP_RECORDS: Final = 16
"""Offsets that are at most this far apart are read together, with the records between them."""
WATCH_EVERY_S: Final = 1.0
LOOK_AFTER_S: Final = (0, 1, *range(5, 61, 5))
"""How many seconds after a change of primary the process looks for lost events. The old primary may acknowledge events
for some seconds after the change, until it learns that it is a replica."""
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
        self._noted_s: dict[TopicPartition, dict[Acknowledged, float]] = defaultdict(dict)
        self._replication_id: str | None = None
        self._due_s: list[float] = []

    def note(self, topic: str, events: Iterable[tuple[str, int, int]]) -> None:
        """Remember events: id, partition and offset of each. An answer that is repeated changes nothing."""
        now_s = time.monotonic()
        for event_id, partition, offset in events:
            noted_s = self._noted_s[TopicPartition(topic, partition)]
            noted_s.setdefault(Acknowledged(offset, event_id), now_s)
            if len(noted_s) > REMEMBERED:
                del noted_s[next(iter(noted_s))]

    async def run(self) -> None:
        """Watch the broker until cancelled."""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                await self.look()
            except LogError:  # the broker cannot be asked; the broker watch logs it
                continue

    async def look(self) -> None:
        """Look whether the broker was replaced or restarted since the last look. After that, look for lost events."""
        [found] = await self._log.at_once(("INFO", "replication"))
        replication_id, now_s = str(found["master_replid"]), time.monotonic()
        if self._replication_id not in {None, replication_id}:
            logger.warning("the broker restarted, or a replica took its place; looking whether it lacks events")
            self._due_s = [now_s + after_s for after_s in LOOK_AFTER_S]
        self._replication_id = replication_id
        if not self._due_s:
            self._forget(now_s - REMEMBER_S)
        elif self._due_s[0] <= now_s:
            await self._look_for_events()
            self._due_s = [due_s for due_s in self._due_s if due_s > now_s]

    def _forget(self, before_s: float) -> None:
        """Forget events that were noted before a time. This broker has answered since, so it still had them."""
        for tp, noted_s in list(self._noted_s.items()):
            if not (kept := {one: at_s for one, at_s in noted_s.items() if at_s >= before_s}):
                del self._noted_s[tp]
            elif len(kept) < len(noted_s):
                self._noted_s[tp] = kept

    async def _look_for_events(self) -> None:
        """Report the events that the log lacks. A partition that cannot be read does not hold up the others."""
        for tp in list(self._noted_s):
            try:
                missing = await self._missing(tp)
            except LogUnavailableError:
                raise
            except UnknownTopicError:
                missing = sorted(self._noted_s[tp])
            except LogError as error:
                logger.warning("cannot look for acknowledged events of %s:%d: %s", *tp, error)
                continue
            self._report(tp, missing)

    async def _missing(self, tp: TopicPartition) -> list[Acknowledged]:
        """Return the events of a partition that the log lacks. Older ones than it keeps do not count."""
        begin = (await self._log.beginning_offsets(tp.topic)).get(tp.partition, 0)
        noted = sorted(one for one in self._noted_s[tp] if one.offset >= begin)
        kept = await self._values(tp, [one.offset for one in noted])
        return [one for one in noted if one.event_id.encode() not in kept.get(one.offset, b"")]

    async def _values(self, tp: TopicPartition, offsets: Sequence[int]) -> dict[int, bytes]:
        """Return the values at ascending offsets, of those that the log has."""
        found, wanted = dict[int, bytes](), set(offsets)
        for begin, last in _runs(offsets):
            offset = begin
            while offset <= last:
                count = min(last - offset + 1, FETCH_RECORDS)
                records = (await self._log.fetch({tp: offset}, count=count)).get(tp, [])
                if not records:
                    break
                found.update((each.offset, each.value or b"") for each in records if each.offset in wanted)
                offset = records[-1].offset + 1
        return found

    def _report(self, tp: TopicPartition, missing: list[Acknowledged]) -> None:
        if not missing:
            return
        self._lost.inc(len(missing))
        for one in missing:
            self._noted_s[tp].pop(one, None)
        names = ", ".join(one.event_id for one in missing[:NAMED_MAX])
        logger.error(
            "the broker lost %d acknowledged events of %s:%d, from offset %d on: %s%s. "
            "Their senders may send them again with the same Idempotency-Key",
            len(missing),
            *tp,
            missing[0].offset,
            names,
            " ..." if len(missing) > NAMED_MAX else "",
        )


def _runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of ascending offsets that lie close together."""
    begin = 0
    for index, offset in enumerate(offsets):
        if index + 1 == len(offsets) or offsets[index + 1] - offset > GAP_RECORDS:
            yield offsets[begin], offset
            begin = index + 1
