"""The topics of a log, as a client knows them."""

from __future__ import annotations

import secrets
from dataclasses import astuple, replace

from faust_redis.log import codec
from faust_redis.log.address import NAMESPACE
from faust_redis.log.connected import Connected
from faust_redis.log.errors import ResizedError, TopicMismatchError, UnknownTopicError
from faust_redis.log.records import TopicInfo, TopicSpec
from faust_redis.log.scripts import CREATE_TOPIC
from faust_redis.log.shards import WHOLE, Shard


class KnownTopics(Connected):
    """Creates topics, looks them up, and remembers them.

    Attributes:
        keeps_partitions: Whether to refuse a topic whose number of partitions has changed since this client saw it.
            What was sent may wait in a process that chose its partition before.
    """

    def __init__(self, url: str, namespace: str = NAMESPACE, *, owner: str = "", shard: Shard = WHOLE) -> None:
        super().__init__(url, namespace, owner=owner, shard=shard)
        self.keeps_partitions = False
        self._topics: dict[str, TopicInfo] = {}
        self._counts: dict[str, int] = {}

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic, or return the one that exists.

        Raises:
            TopicMismatchError: when it exists with another partition count or cleanup policy.
        """
        reply = await self.run(
            CREATE_TOPIC,
            [self.keys.topic(spec.name), self.keys.topics],
            [*astuple(spec)[:5], secrets.token_hex(6), int(spec.archived)],
        )
        info = codec.topic_info(spec.name, reply)
        if (info.spec.partitions, info.spec.cleanup, info.spec.view) != (spec.partitions, spec.cleanup, spec.view):
            raise TopicMismatchError(
                f"topic {spec.name!r} exists with {info.spec.partitions} partitions and cleanup {info.spec.cleanup!r}; "
                f"{spec.partitions} and {spec.cleanup!r} were declared. Use the existing values, or another topic name."
            )
        self._know(info)
        return info

    async def declare_topic(self, spec: TopicSpec) -> TopicInfo:
        """Create a topic like `create_topic`, or return the one that exists, whatever its number of partitions."""
        try:
            count = (await self.topic(spec.name, fresh=True)).spec.partitions
        except UnknownTopicError:
            count = spec.partitions
        return await self.create_topic(replace(spec, partitions=count))

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        """Return a topic's declaration and incarnation; from memory unless `fresh`.

        Raises:
            UnknownTopicError: when it has not been created.
        """
        if fresh or name not in self._topics:
            reply = await self._ask("HMGET", self.keys.topic(name), *codec.TOPIC_FIELDS)
            if reply[0] is None:
                self._topics.pop(name, None)
                raise UnknownTopicError(f"topic {name!r} does not exist; start a worker first, it creates the topics")
            self._know(codec.topic_info(name, reply))
        return self._topics[name]

    def _know(self, info: TopicInfo) -> None:
        """Remember a topic.

        Raises:
            ResizedError: this client is to keep the numbers of partitions, and it is another one.
        """
        name, count = info.spec.name, info.spec.partitions
        if self.keeps_partitions and (known := self._counts.setdefault(name, count)) != count:
            raise ResizedError(f"topic {name!r} has {count} partitions now, and {known} when this process started")
        self._topics[name] = info

    def known_topic(self, name: str) -> TopicInfo | None:
        """Return a topic from this client's cache, without a call to the broker; None when it is not known."""
        return self._topics.get(name)

    async def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        return sorted(name.decode() for name in await self._ask("SMEMBERS", self.keys.topics))
