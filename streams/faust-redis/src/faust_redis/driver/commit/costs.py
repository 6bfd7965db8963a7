"""Estimate how long a write to each topic occupies the server."""

from __future__ import annotations

from collections.abc import Callable

from faust_redis.driver.limits import RANKED_ROW_US, RECORD_US, ROW_US
from faust_redis.log import TopicInfo


class WriteCosts:
    """The cost of one record or row of each topic, cached once the topic is known."""

    def __init__(self, known_topic: Callable[[str], TopicInfo | None]) -> None:
        self._known_topic = known_topic
        self._costs: dict[str, int] = {}

    def of(self, topic: str) -> int:
        """Return the microseconds that the server spends on one record of a topic."""
        cost = self._costs.get(topic)
        if cost is None:
            info = self._known_topic(topic)
            if info is None:
                return RANKED_ROW_US  # assume the highest cost
            ranked, compacted = info.spec.view == "rank", info.spec.compacted
            cost = self._costs[topic] = RANKED_ROW_US if ranked else ROW_US if compacted else RECORD_US
        return cost
