"""Which partition a key belongs to: the same number that Kafka's default partitioner gives."""

from __future__ import annotations

import secrets

from aiokafka.partitioner import murmur2

_POSITIVE = 0x7FFFFFFF


def partition_for(key: bytes | None, partitions: int) -> int:
    """Partition of a key: ``(murmur2(key) & 0x7fffffff) % partitions``; a record without key goes anywhere.

    Source: Kafka's `BuiltInPartitioner.partitionForKey`.
    """
    if key is None:
        return secrets.randbelow(partitions)
    return (int(murmur2(key)) & _POSITIVE) % partitions
