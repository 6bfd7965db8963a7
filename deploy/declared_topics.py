"""The topics of an installation, as its settings declare them."""

from __future__ import annotations

from faust_redis.log import Log, TopicSpec, UnknownTopicError

from deploy.settings import Settings
from streams import topics
from streams.topology import Topology
from tables.domains import TOPOLOGY


def event_topics(settings: Settings, topology: Topology = TOPOLOGY) -> dict[str, TopicSpec]:
    """Return every topic of events by name."""
    own = {topics.CLOCK: settings.clock_retention_ms}
    archived = settings.archive_url is not None
    specs = topology.topic_specs(settings.partitions, settings.retention_ms, own, archived=archived)
    return {spec.name: spec for spec in specs}


async def present(log: Log, settings: Settings) -> Settings:
    """Return the settings with as many partitions as the log has. `ASTRA_PARTITIONS` counts for an empty log."""
    for topic in TOPOLOGY.topics:
        try:
            count = (await log.topic(topic, fresh=True)).spec.partitions
        except UnknownTopicError:
            continue
        return settings if count == settings.partitions else settings.model_copy(update={"partitions": count})
    return settings


def changelog_topics(settings: Settings) -> tuple[TopicSpec, ...]:
    """Return every changelog of a table."""
    archived = settings.archive_url is not None
    return TOPOLOGY.changelog_specs(settings.app_id, settings.partitions, settings.tail_ms, archived=archived)
