"""Which topics a fetch leaves out, because their records may wait."""

from __future__ import annotations

from faust_redis.driver.delivery.fetch_waits import Due, FetchWaits
from faust_redis.log import TopicPartition

FACTS, MORE_FACTS, COMMANDS = TopicPartition("facts", 0), TopicPartition("facts", 1), TopicPartition("commands", 0)
ALL = {FACTS: 5, MORE_FACTS: 6, COMMANDS: 7}
NOTHING: tuple[TopicPartition, ...] = ()


def waits() -> FetchWaits:
    return FetchWaits(lambda: {"facts": 0.5})


def test_a_topic_waits_after_a_read_that_found_some_of_it_and_no_longer_than_its_wait() -> None:
    found = waits()
    assert found.due(ALL, 10.0) == Due(ALL, None)
    found.note([FACTS, COMMANDS], NOTHING, 10.0)
    assert found.due(ALL, 10.2) == Due({COMMANDS: 7}, 10.5 - 10.2)
    assert found.due({COMMANDS: 7}, 10.2) == Due({COMMANDS: 7}, None), "what is not asked for needs no wait"
    assert found.due({FACTS: 5}, 10.2) == Due({}, 10.5 - 10.2)
    assert found.due(ALL, 10.5) == Due(ALL, None)


def test_a_read_that_found_other_topics_lets_none_wait() -> None:
    found = waits()
    found.note([COMMANDS], NOTHING, 10.0)
    assert found.due(ALL, 10.1) == Due(ALL, None)


def test_a_topic_of_which_more_is_there_does_not_wait() -> None:
    found = waits()
    found.note([FACTS], NOTHING, 10.0)
    found.note([FACTS, MORE_FACTS], {MORE_FACTS}, 10.1)
    assert found.due(ALL, 10.2) == Due(ALL, None)
