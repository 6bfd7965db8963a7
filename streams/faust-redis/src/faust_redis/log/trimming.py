"""Trim all topics of a log. A group's leader calls this, or the Kafka bridge when the workers run on Kafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from faust_redis.log.errors import UnknownTopicError
from faust_redis.log.records import TopicInfo

TRIM_INTERVAL_S = 10.0
"""How often the caller trims all topics."""

TRIM_RECORDS_MAX = 2_000
"""About how many entries one call may remove from one partition."""

TRIM_PARTITIONS_MAX = 8
"""Most partitions in one call. This and TRIM_RECORDS_MAX bound how long the call blocks the server."""


class Trimmed(Protocol):
    """A log that can be trimmed."""

    async def topics(self) -> list[str]:
        """Return the names of all topics."""

    async def topic(self, name: str) -> TopicInfo:
        """Return a topic."""

    def partitions_of(self, info: TopicInfo) -> range:
        """Return the partitions of a topic that this log holds."""

    async def trim(
        self, topic: str, partitions: Sequence[int], entries_max: int, *, wait_for_groups: bool = True
    ) -> int:
        """Trim partitions of a topic; return how many entries were removed."""


async def trim_all(log: Trimmed, is_reply_topic: Callable[[str], bool] = lambda _: False) -> int:
    """Trim every partition of every topic in bounded calls; return how many entries were removed.

    Args:
        log: The log.
        is_reply_topic: Whether a topic carries replies. Only the process that asked reads them, and after a crash none
            does. So no group holds back their trimming.
    """
    removed = 0
    for topic in await log.topics():
        try:
            partitions = log.partitions_of(await log.topic(topic))
        except UnknownTopicError:
            continue
        for first in range(0, len(partitions), TRIM_PARTITIONS_MAX):
            some = partitions[first : first + TRIM_PARTITIONS_MAX]
            while gone := await log.trim(topic, some, TRIM_RECORDS_MAX, wait_for_groups=not is_reply_topic(topic)):
                removed += gone
    return removed
