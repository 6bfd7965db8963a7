"""How the server's replies about groups become descriptions. Pure: bytes in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from faust_redis.admin.descriptions import EMPTY, STABLE, GroupDescription, MemberDescription
from faust_redis.log.codec import topic_partition
from faust_redis.log.records import TopicPartition

Hash = Mapping[bytes, bytes]


def server_ms(reply: Sequence[int]) -> int:
    """Return the server's time in milliseconds from a reply to TIME."""
    seconds, micros = reply
    return seconds * 1_000 + micros // 1_000


def group(name: str, now_ms: int, replies: Sequence[Any]) -> GroupDescription:
    """Describe a group from its hash, statuses, assignments, leases and offsets."""
    fields, statuses, assignments, leases, offsets = replies
    generation = int(fields.get(b"generation", 0))
    until = zip(leases[::2], leases[1::2], strict=True)
    alive = {member: int(float(until_ms)) - now_ms for member, until_ms in until}
    return GroupDescription(
        name,
        state=fields.get(b"state", EMPTY.encode()).decode(),
        generation=generation,
        leader=fields.get(b"leader", b"").decode(),
        members=tuple(
            _member(member, left_ms, generation, statuses, assignments)
            for member, left_ms in sorted(alive.items())
            if left_ms >= 0
        ),
        committed=committed(offsets),
    )


def together(parts: Sequence[GroupDescription]) -> GroupDescription:
    """Describe a group from what each shard knows of it. It is as far as the shard that is least far."""
    first, *others = parts
    if not others:
        return first
    waiting = [part.state for part in parts if part.state != STABLE]
    return GroupDescription(
        first.name,
        state=waiting[0] if waiting else STABLE,
        generation=max(part.generation for part in parts),
        leader=first.leader,
        members=tuple(sorted((member for part in parts for member in part.members), key=lambda one: one.name)),
        committed={tp: offset for part in parts for tp, offset in part.committed.items()},
        unserved=tuple(number for number, part in enumerate(parts) if not part.members),
    )


def _member(member: bytes, left_ms: int, generation: int, statuses: Hash, assignments: Hash) -> MemberDescription:
    status: dict[str, Any] = orjson.loads(statuses.get(member, b"{}"))
    recovered = status.get("generation") == generation and status.get("recovered") is True
    return MemberDescription(member.decode(), left_ms, _assignment(assignments.get(member, b"")), recovered, status)


def _assignment(encoded: bytes) -> tuple[TopicPartition, ...]:
    if not encoded:
        return ()
    assigned = ConsumerProtocolMemberAssignment.decode(encoded).assignment
    return tuple(sorted(TopicPartition(topic, partition) for topic, partitions in assigned for partition in partitions))


def committed(offsets: Hash) -> dict[TopicPartition, int]:
    """Read a hash of offsets by ``topic:partition``."""
    return {topic_partition(name): int(offset) for name, offset in offsets.items()}


def ends(reply: Hash) -> dict[int, int]:
    """Read a hash of high watermarks by partition."""
    return {int(partition): int(offset) for partition, offset in reply.items()}
