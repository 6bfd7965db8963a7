"""Show a test one broker of a virtual world: the records of its partitions, and the offsets of groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple

from faust_redis.log import Shard, StoredRecord, UnknownTopicError, codec
from faust_redis.log.keys import Keys
from faust_redis.log.records import Headers, Record, TopicInfo, TopicSpec, WriteBatch
from faust_redis.log.scripts import COMMIT, CREATE_TOPIC
from faust_redis.log.shards import WHOLE
from faust_redis.log.transit import transit_group
from faust_redis.log.write_arguments import commit_arguments
from faust_redis.testing.server import Server
from faust_redis.testing.worker import NAMESPACE

INCARNATION = "1"
"""Incarnation of topics that a test creates."""

_FIELDS = ("partitions", "cleanup", "view", "retention_ms", "incarnation", "archived")


class Broker:
    """Read and write a modelled server.

    Args:
        server: The server.
        shard: Which shard of the namespace it holds.
    """

    def __init__(self, server: Server, shard: Shard = WHOLE) -> None:
        self.server = server
        self.shard = shard
        self.keys = Keys(shard.namespace(NAMESPACE))

    def topics(self) -> list[str]:
        """Return the names of all topics."""
        return sorted(name.decode() for name in self.server.sets.get(self.keys.topics, ()))

    def create_topic(self, spec: TopicSpec) -> None:
        """Create a topic."""
        values = (*astuple(spec)[:5], INCARNATION, int(spec.archived))
        keys = (self.keys.topic(spec.name), self.keys.topics)
        self.server.execute("EVALSHA", CREATE_TOPIC.digest, len(keys), *keys, *values)

    def check_topic(self, topic: str) -> TopicInfo:
        """Return a topic's settings.

        Raises:
            UnknownTopicError: when it does not exist. The message lists the topics that do.
        """
        fields = self.server.execute("HMGET", self.keys.topic(topic), *_FIELDS)
        if fields[0] is None:
            raise UnknownTopicError(
                f"topic {topic!r} does not exist; the app has created {', '.join(self.topics()) or 'none'}"
            )
        return codec.topic_info(topic, fields)

    def append(
        self,
        topic: str,
        key_and_value: tuple[bytes | None, bytes | None],
        timestamp_ms: int,
        *,
        partition: int,
        headers: Headers = (),
    ) -> None:
        """Append a record.

        Raises:
            UnknownTopicError: when the topic or the partition does not exist.
        """
        info = self.check_topic(topic)
        record = Record(topic, partition, *key_and_value, timestamp_ms, headers)
        args = commit_arguments(self.keys.prefix, WriteBatch([record]), {topic: info}, None, None)
        codec.commit_result(self.server.execute("EVALSHA", COMMIT.digest, 1, "", *args.argv), {})

    def records(self, topic: str) -> list[tuple[int, StoredRecord]]:
        """Return all records of this broker's partitions of a topic, including trimmed ones."""
        return [found for partition in self._partitions(topic) for found in self._records(topic, partition)]

    def _records(self, topic: str, partition: int) -> Iterator[tuple[int, StoredRecord]]:
        stream = self.server.streams.get(self.keys.stream(topic, partition))
        for record in stream.history if stream else ():
            yield partition, record

    def _partitions(self, topic: str) -> range:
        fields = self.server.execute("HMGET", self.keys.topic(topic), "partitions")
        return self.shard.partitions(int(fields[0] or b"0"))

    def snapshot(self, topic: str) -> list[tuple[int, StoredRecord]]:
        """Return the rows of a compacted topic with their partitions. Offsets are not known."""
        return [
            (partition, StoredRecord(0, 0, key, value))
            for partition in self._partitions(topic)
            for key, value in sorted(self.server.hashes.get(self.keys.snapshot(topic, partition), {}).items())
        ]

    def lag(self, group: str) -> dict[tuple[str, int], int]:
        """Return how many records a group is behind, for each partition that it has not finished."""
        lag: dict[tuple[str, int], int] = {}
        for name, committed in self.server.hashes.get(self.keys.offsets(group), {}).items():
            topic, partition = codec.topic_partition(name)
            end = self.server.hashes.get(self.keys.ends(topic), {}).get(b"%d" % partition, b"0")
            if int(end) > int(committed):
                lag[topic, partition] = int(end) - int(committed)
        return lag

    def has(self, topic: str) -> bool:
        """Return whether a topic exists."""
        return topic in self.topics()

    def is_behind(self, group: str, topic: str, partition: int) -> bool:
        """Return whether a group has not committed all records of a partition."""
        end = self.server.hashes.get(self.keys.ends(topic), {}).get(b"%d" % partition, b"0")
        return int(end) > self.committed(group, topic, partition)

    def committed(self, group: str, topic: str, partition: int) -> int:
        """Return the offset that a group has committed, 0 when it has committed none."""
        offsets = self.server.hashes.get(self.keys.offsets(group), {})
        return int(offsets.get(f"{topic}:{partition}".encode(), b"0"))

    def count_records(self, topics: Iterable[str]) -> Counter[tuple[str, bytes | None, bytes | None]]:
        """Count the records of topics by topic, key and value."""
        return Counter(
            (topic, record.key, record.value) for topic in sorted(topics) for _, record in self.records(topic)
        )

    def trim(self, group: str) -> None:
        """Remove what retention may remove: all but the last record of a compacted partition, and processed records.

        Topics that the group does not read keep their records. A transit topic loses what is forwarded.
        """
        groups = (group, transit_group(group))
        committed = {
            tp: at for name in groups for tp, at in self.server.hashes.get(self.keys.offsets(name), {}).items()
        }
        for topic in self.topics():
            compacted = self.check_topic(topic).spec.compacted
            for partition in self._partitions(topic):
                stream = self.server.streams.get(self.keys.stream(topic, partition))
                floor = int(committed.get(f"{topic}:{partition}".encode(), b"-1"))
                if stream is not None and (compacted or floor >= 0):
                    stream.trim(stream.last[1] if compacted else floor + 1)
