"""Trims the log: the leader of a group goes through all topics now and then. What may go is decided in the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mode import Service, get_logger

from streams.driver.limits import TRIM_INTERVAL_S, TRIM_PARTITIONS_MAX, TRIM_RECORDS_MAX
from streams.log import Log, LogUnavailableError, UnknownTopicError

if TYPE_CHECKING:
    from streams.driver.coordinator import Coordinator

logger = get_logger(__name__)


class Retention(Service):
    """Trims what is past its retention and needed by nobody."""

    logger = logger

    def __init__(self, coordinator: Coordinator, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._coordinator = coordinator

    @Service.timer(TRIM_INTERVAL_S)
    async def _trim(self) -> None:
        if self._coordinator.leads:
            try:
                removed = await trim_all(self._coordinator.transport.broker)
            except LogUnavailableError:
                return  # next time
            if removed:
                self.log.info("trimmed %d records that are past their retention and needed by nobody", removed)


async def trim_all(log: Log) -> int:
    """Trim every partition of every topic in bounded calls; returns how many records were removed."""
    removed = 0
    for topic in await log.topics():
        try:
            partitions = range((await log.topic(topic)).spec.partitions)
        except UnknownTopicError:
            continue
        for first in range(0, len(partitions), TRIM_PARTITIONS_MAX):
            some = partitions[first : first + TRIM_PARTITIONS_MAX]
            while gone := await log.trim(topic, some, TRIM_RECORDS_MAX):
                removed += gone
    return removed
