"""Show a test all brokers of a virtual world together: each holds its share of the partitions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from faust_redis.log import StoredRecord
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Headers, TopicInfo, TopicSpec
from faust_redis.log.shards import shard_of
from faust_redis.log.transit import transit_group, transit_topic, unpack
from faust_redis.testing.broker import Broker


class Brokers:
    """Read and write the brokers of a namespace, one for each shard."""

    def __init__(self, brokers: Sequence[Broker]) -> None:
        self._brokers = brokers
        self._without_key: dict[str, int] = defaultdict(int)

    def __iter__(self) -> Iterator[Broker]:
        return iter(self._brokers)

    def holder(self, partition: int) -> Broker:
        """Return the broker that holds a partition."""
        return self._brokers[shard_of(partition, len(self._brokers))]

    def create_topic(self, spec: TopicSpec) -> None:
        """Create a topic on each broker."""
        for each in self._brokers:
            each.create_topic(spec)

    def has(self, topic: str) -> bool:
        """Return whether each broker has a topic."""
        return all(each.has(topic) for each in self._brokers)

    def check_topic(self, topic: str) -> TopicInfo:
        """Return a topic's settings.

        Raises:
            UnknownTopicError: when it does not exist. The message lists the topics that do.
        """
        return self._brokers[0].check_topic(topic)

    def append(
        self,
        topic: str,
        key_and_value: tuple[bytes | None, bytes | None],
        timestamp_ms: int,
        *,
        partition: int | None = None,
        headers: Headers = (),
    ) -> None:
        """Append a record. Records without a key go to the partitions in turn.

        Raises:
            UnknownTopicError: when the topic or the partition does not exist.
        """
        count, key = self.check_topic(topic).spec.partitions, key_and_value[0]
        if partition is None and key is None:
            partition = self._without_key[topic] % count
            self._without_key[topic] += 1
        elif partition is None:
            partition = partition_for(key, count)
        self.holder(partition).append(topic, key_and_value, timestamp_ms, partition=partition, headers=headers)

    def records(self, topic: str) -> list[tuple[int, StoredRecord]]:
        """Return all records of a topic, partition by partition, including trimmed ones."""
        return sorted((found for each in self._brokers for found in each.records(topic)), key=itemgetter(0))

    def snapshot(self, topic: str) -> list[tuple[int, StoredRecord]]:
        """Return the rows of a compacted topic, partition by partition. Offsets are not known."""
        return sorted((found for each in self._brokers for found in each.snapshot(topic)), key=itemgetter(0))

    def lag(self, group: str) -> dict[tuple[str, int], int]:
        """Return how many records a group is behind, for each partition that it has not finished."""
        return {place: behind for each in self._brokers for place, behind in each.lag(group).items()}

    def on_the_way(self, group: str) -> list[str]:
        """Return the transit topics that have records of a group that have not arrived at another broker."""
        return [
            transit_topic(group, target.shard.number)
            for source in self._brokers
            for target in self._brokers
            if source is not target and not _has_arrived(group, source, target)
        ]

    def is_behind(self, group: str, topic: str, partition: int) -> bool:
        """Return whether a group has not committed all records of a partition."""
        return self.holder(partition).is_behind(group, topic, partition)

    def count_records(self, topics: Iterable[str]) -> Counter[tuple[str, bytes | None, bytes | None]]:
        """Count the records of topics by topic, key and value."""
        names = sorted(topics)
        return sum((each.count_records(names) for each in self._brokers), Counter())


def _has_arrived(group: str, source: Broker, target: Broker) -> bool:
    """Return whether all that a group has sent from one broker to another is there.

    What is below the committed offset is. What is above it may be: a late commit takes that offset back.
    """
    topic, number = transit_topic(group, target.shard.number), source.shard.number
    stream = source.server.streams.get(source.keys.stream(topic, number))
    if stream is None:
        return True
    committed = source.committed(transit_group(group), topic, number)
    arrived = target.server.hashes.get(target.keys.source_offsets(f"{topic}:{number}"), {})
    parcels = [unpack(record.value or b"") for record in stream.history[committed:]]
    return all(each.number <= int(arrived.get(f"{each.writer}:0".encode(), b"0")) for each in parcels)
