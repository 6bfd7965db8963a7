"""Assign partitions with Faust's assignor, among the members that can own a partition with all its tables.

An agent may write any table, so one member must own partition p of every topic and table. Faust's assignor groups
topics by their subscribers. When members subscribe to different topics, it could separate a topic from its tables.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientAssignment, ClientMetadata
from faust.types import TP

from faust_redis.driver import faust_internals as internals

logger = logging.getLogger(__name__)

Members = Mapping[str, ConsumerProtocolMemberMetadata]


def assign(
    assignor: Any, cluster: Any, members: Members, own_prefix: str
) -> dict[str, ConsumerProtocolMemberAssignment]:
    """Assign all partitions among the members that subscribe to all topics; other members get nothing until they do.

    During a deployment that adds or removes topics, the members with the most topics work. A topic whose name begins
    with `own_prefix` belongs to one member (replies to it) and does not count.
    """
    topics = {t for metadata in members.values() for t in metadata.subscription if not t.startswith(own_prefix)}
    whole = {name: metadata for name, metadata in members.items() if topics <= set(metadata.subscription)}
    for name in sorted(members.keys() - whole.keys()):
        missing = topics - set(members[name].subscription)
        logger.warning("%s is assigned nothing: it does not subscribe to %s, as others do", name, sorted(missing))
    if not whole:
        logger.error("no member subscribes to all topics of the group: stop those of the older or of the newer version")
    assigned = dict(assignor.assign(cluster, whole)) if whole else {}
    idle = {name: _nothing(assignor, metadata) for name, metadata in members.items() if name not in assigned}
    return assigned | idle


def _nothing(assignor: Any, metadata: ConsumerProtocolMemberMetadata) -> ConsumerProtocolMemberAssignment:
    known: Any = ClientMetadata.loads(metadata.user_data)
    empty = ClientMetadata(
        assignment=ClientAssignment(actives={}, standbys={}),
        url=known.url,
        changelog_distribution={},
        external_topic_distribution={},
        topic_groups={},
    )
    return ConsumerProtocolMemberAssignment(0, [], internals.compress(assignor, empty.dumps()))


def check_whole(tps: Iterable[TP], counts: Mapping[str, int], changelogs: Iterable[str], own_prefix: str) -> None:
    """Check that each partition of a topic comes with the same partition of all tables.

    Args:
        tps: The partitions assigned to a member.
        counts: Partition counts of these topics and of the changelogs; only tables with as many belong to a topic.
        changelogs: The changelog topics of the member's tables.
        own_prefix: As for `assign`.

    Raises:
        AssertionError: another member owns a table's partition.
    """
    assigned = set(tps)
    tables = sorted(changelogs)
    for topic, partition in sorted(assigned):
        if topic in tables or topic.startswith(own_prefix):
            continue
        for table in tables:
            if counts.get(table) == counts.get(topic) and TP(table, partition) not in assigned:
                raise AssertionError(f"partition {partition} of {topic!r} is assigned without that of {table!r}")
