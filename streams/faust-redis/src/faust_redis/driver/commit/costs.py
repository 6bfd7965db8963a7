"""Estimate how long a write to each topic occupies the server."""

from __future__ import annotations

from collections.abc import Callable

from faust_redis.driver.limits import RANKED_BYTES_A_US, RECORD_US, ROW_US
from faust_redis.log import TopicInfo

BYTES_WITHOUT_COST = 1 << 62


class WriteCosts:
    """The cost of the records of each topic, cached once the topic is known."""

    def __init__(self, known_topic: Callable[[str], TopicInfo | None]) -> None:
        self._known_topic = known_topic
        self._costs: dict[str, tuple[int, int]] = {}

    def of(self, topic: str, records: int, size: int) -> int:
        """Return the microseconds that the server spends on records of a topic with `size` bytes in all."""
        record_us, bytes_a_us = self._costs.get(topic) or self._find(topic)
        return records * record_us + size // bytes_a_us

    def _find(self, topic: str) -> tuple[int, int]:
        info = self._known_topic(topic)
        if info is None:
            return ROW_US, RANKED_BYTES_A_US  # assume the highest cost
        ranked, compacted = info.spec.view == "rank", info.spec.compacted
        costs = self._costs[topic] = (
            ROW_US if compacted else RECORD_US,
            RANKED_BYTES_A_US if ranked else BYTES_WITHOUT_COST,
        )
        return costs
