"""Reads what the sink follows: the events of users, mints and levels, and the facts of the chain."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from faust_redis.log import Log, TopicPartition, TopicSpec

from contracts.sink.errors import SinkError
from streams import topics
from streams.events import AnyEvent, UndecodableEventError, decode

TOPICS: Final = (
    topics.USER_EVENTS,
    topics.USER_COMMANDS,
    topics.NFT_EVENTS,
    topics.GAMIFICATION_EVENTS,
    topics.CHAIN_EVENTS,
)
PORTION: Final = 500
"""About how many records of a partition are read at once."""

Places = Mapping[TopicPartition, int]
"""The next offset of each partition."""

logger = logging.getLogger(__name__)


class EventReader:
    """Reads some topics of one log. Methods raise LogError while the log is away.

    Attributes:
        lost: Records that were no longer in the log when they should have been read.
    """

    def __init__(self, log: Log, specs: Sequence[TopicSpec]) -> None:
        self.lost = 0
        self._log, self._specs = log, specs

    async def create(self) -> None:
        """Create the topics if they do not exist yet."""
        for spec in self._specs:
            await self._log.declare_topic(spec)

    async def with_new_partitions(self, places: Places) -> dict[TopicPartition, int]:
        """Return the places with the beginnings of partitions that the topics have got since."""
        return dict.fromkeys(await self.beginning(), 0) | dict(places)

    async def beginning(self) -> dict[TopicPartition, int]:
        """Return where the log begins."""
        return {
            TopicPartition(spec.name, partition): offset
            for spec in self._specs
            for partition, offset in (await self._log.beginning_offsets(spec.name)).items()
        }

    async def after(self, places: Places) -> tuple[list[AnyEvent], dict[TopicPartition, int]]:
        """Return the next events, those of a partition in order, and the places after them.

        Raises:
            SinkError: a record is no event.
        """
        events: list[AnyEvent] = []
        reached: dict[TopicPartition, int] = {}
        for tp, records in (await self._log.fetch(places, count=PORTION)).items():
            if records and records[0].offset > places[tp]:
                self.lost += records[0].offset - places[tp]
                logger.error("%s continues at offset %d, and %d was expected", tp, records[0].offset, places[tp])
            for record in records:
                try:
                    events.append(decode(record.value))
                except UndecodableEventError as exc:
                    raise SinkError(f"the record of {tp} at offset {record.offset} is no event: {exc}") from exc
                reached[tp] = record.offset + 1
        return events, reached
