"""How far the product's workers are, along the path of topics from the commands to the last table."""

from __future__ import annotations

from faust_redis.log import Log, UnknownTopicError

from streams import topics

GROUP = "astratrade"
PATH = (
    topics.TRADING_COMMANDS,
    topics.MARKET_PRICES,
    topics.TRADING_MARKS,
    topics.TRADING_EVENTS,
    topics.GAMIFICATION_EVENTS,
)


async def all_processed(log: Log) -> bool:
    """Asked in the order of the path: once a topic is done, nothing is added to the next."""
    for topic in PATH:
        try:
            ends = await log.end_offsets(topic)
        except UnknownTopicError:
            continue
        done = {tp.partition: offset for tp, offset in (await log.committed(GROUP)).items() if tp.topic == topic}
        if any(done.get(partition, 0) < end for partition, end in ends.items()):
            return False
    return True


async def processed(log: Log) -> int:
    """Commands that the group has committed."""
    committed = await log.committed(GROUP)
    return sum(offset for tp, offset in committed.items() if tp.topic == topics.TRADING_COMMANDS)
