"""The driver creates a topic again as it was, after a flush of the broker removed it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from faust_redis.driver.topics import Topics
from faust_redis.log import TopicInfo, TopicMismatchError, TopicSpec, UnknownTopicError


class Catalogue:
    """Topics that a test can remove."""

    def __init__(self, *specs: TopicSpec) -> None:
        self.topics = {spec.name: TopicInfo(spec, "first") for spec in specs}

    def known_topic(self, _name: str) -> TopicInfo | None:
        return None

    async def topic(self, name: str, *, fresh: bool = False) -> TopicInfo:
        if name not in self.topics:
            raise UnknownTopicError(name)
        return self.topics[name]

    async def create_topic(self, spec: TopicSpec) -> TopicInfo:
        return self.topics.setdefault(spec.name, TopicInfo(spec, "second"))


async def nothing() -> None:
    pass


async def test_a_topic_that_was_seen_is_created_again_with_its_view_and_retention() -> None:
    spec = TopicSpec("app-boards-changelog", 4, "compact", "rank", retention_ms=60_000)
    catalogue = Catalogue(spec)
    app = SimpleNamespace(conf=SimpleNamespace(topic_allow_declare=True, topic_partitions=4))
    topics = Topics(app, catalogue, nothing)
    await topics.ensure(spec.name, 4, cleanup="compact")
    catalogue.topics.clear()
    with pytest.raises(TopicMismatchError, match="has 4 partitions, 8 were declared"):
        await topics.ensure(spec.name, 8, cleanup="compact")
    assert not catalogue.topics
    assert (await topics.ensure(spec.name, 4, cleanup="compact")).spec == spec
