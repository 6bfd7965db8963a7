"""The progress of the product's workers: the groups of all domains, from the clients' topics to the last one."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from faust_redis.log import Log, TopicPartition, UnknownTopicError
from faust_redis.log.transit import transit_group, transit_topic

from streams import topics
from tables.domains import TOPOLOGY

APP_ID = "astratrade"


async def all_processed(log: Log, domains: Collection[str] = ()) -> bool:
    """Return whether the group of each (or each given) domain has committed all records of its topics.

    Topics are read in the order in which events flow: once a topic is done, nothing is added to the next.
    """
    for group, topic in _consumed(domains or TOPOLOGY.names):
        try:
            # Committed offsets are read first: then no record that follows from them can be missing in the ends.
            done = {tp.partition: offset for tp, offset in (await log.committed(group)).items() if tp.topic == topic}
            ends = await log.end_offsets(topic)
        except UnknownTopicError:
            continue
        if any(done.get(partition, 0) < end for partition, end in ends.items()):
            return False
        if not await _forwarded(log, group):
            return False
    return True


async def _forwarded(log: Log, group: str) -> bool:
    """Return whether what a group sent to other shards has arrived there."""
    for number in range(len(log.shards) if len(log.shards) > 1 else 0):
        topic = transit_topic(group, number)
        done = await log.committed(transit_group(group))
        for shard in log.shards:
            try:
                ends = await shard.end_offsets(topic)
            except UnknownTopicError:
                continue
            if any(done.get(TopicPartition(topic, partition), 0) < end for partition, end in ends.items()):
                return False
    return True


def _consumed(domains: Collection[str]) -> Iterator[tuple[str, str]]:
    for topic in TOPOLOGY.topics:
        for domain in TOPOLOGY.consumers(topic):
            if domain.name in domains:
                yield TOPOLOGY.group(APP_ID, domain.name), topic


async def processed(log: Log) -> int:
    """Return how many commands the trading domain has committed."""
    committed = await log.committed(TOPOLOGY.group(APP_ID, "trading"))
    return sum(offset for tp, offset in committed.items() if tp.topic == topics.TRADING_COMMANDS)
