"""Translate partition numbers for Faust's assignor, which numbers the partitions of a topic from 0 on.

A shard holds every S-th partition of a topic, under its number in the whole namespace. The assignor sees its place
among the shard's partitions.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from faust.assignor.client_assignment import ClientMetadata
from faust.assignor.partition_assignor import PartitionAssignor

from faust_redis.log import Shard

Renumber = Callable[[int], int]


def to_places(assignor: Any, shard: Shard, metadata: ConsumerProtocolMemberMetadata) -> ConsumerProtocolMemberMetadata:
    """Return a member's metadata as the assignor reads it."""
    if shard.count == 1 or not isinstance(assignor, PartitionAssignor):
        return metadata
    client = _renumbered(ClientMetadata.loads(metadata.user_data), lambda number: number // shard.count)
    return ConsumerProtocolMemberMetadata(metadata.version, metadata.subscription, client.dumps())


def to_numbers(
    assignor: Any, shard: Shard, assignment: ConsumerProtocolMemberAssignment
) -> ConsumerProtocolMemberAssignment:
    """Return the assignor's result with the numbers of the namespace."""
    if shard.count == 1:
        return assignment

    def number(place: int) -> int:
        return place * shard.count + shard.number

    user_data = assignment.user_data
    if isinstance(assignor, PartitionAssignor):
        client = _renumbered(ClientMetadata.loads(zlib.decompress(user_data)), number)
        user_data = zlib.compress(client.dumps())
    topics = [(topic, [number(place) for place in places]) for topic, places in assignment.assignment]
    return ConsumerProtocolMemberAssignment(assignment.version, topics, user_data)


def _renumbered(client: Any, renumber: Renumber) -> Any:
    client.assignment.actives = _topics(client.assignment.actives, renumber)
    client.assignment.standbys = _topics(client.assignment.standbys, renumber)
    client.changelog_distribution = _hosts(client.changelog_distribution, renumber)
    client.external_topic_distribution = _hosts(client.external_topic_distribution, renumber)
    return client


def _hosts(hosts: Mapping[str, Mapping[str, list[int]]], renumber: Renumber) -> dict[str, dict[str, list[int]]]:
    return {host: _topics(topics, renumber) for host, topics in hosts.items()}


def _topics(topics: Mapping[str, list[int]], renumber: Renumber) -> dict[str, list[int]]:
    return {topic: [renumber(number) for number in numbers] for topic, numbers in topics.items()}
