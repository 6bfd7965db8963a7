"""Shards: the partitions of a namespace are spread over several brokers, each of which holds every S-th one.

A shard is a namespace of its own, with its own topics, groups, fences and offsets. So everything that a commit of a
partition touches is on one broker, and on a cluster in one slot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from faust_redis.log.records import WriteBatch


@dataclass(frozen=True, slots=True)
class Shard:
    """One of the brokers of a namespace.

    Attributes:
        number: Its number from 0. It holds the partitions whose number modulo `count` is this one.
        count: How many brokers the namespace has.
        elsewhere: The shards that are on other servers than this one, as far as the client knows.
    """

    number: int = 0
    count: int = 1
    elsewhere: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.count:
            raise ValueError(f"expected a shard from 0 to {self.count - 1}, got {self.number}")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, partition: int) -> bool:
        """Return whether a partition is on this shard."""
        return self.of(partition) == self.number

    def holds_all(self, batch: WriteBatch) -> bool:
        """Return whether all records of a write are for this shard."""
        return all(self.holds(one.partition or 0) for part in (batch.records, batch.columns) for one in part)

    def of(self, partition: int) -> int:
        """Return the number of the shard that holds a partition."""
        return shard_of(partition, self.count)

    def partitions(self, count: int) -> range:
        """Return the partitions on this shard of a topic with `count` partitions."""
        return range(self.number, count, self.count)

    def namespace(self, base: str) -> str:
        """Return the namespace of this shard's keys. It is their hash tag, so they share a slot on a cluster."""
        return base if self.count == 1 else f"{base}:{self.number}"


def shard_of(partition: int, count: int) -> int:
    """Return the number of the shard that holds a partition, of `count` shards."""
    return partition % count


def joined(incarnations: Sequence[str]) -> str:
    """Return the incarnation of a topic, from those that its shards have. It is another one when one of them is."""
    if len(incarnations) == 1:
        return incarnations[0]
    digest = hashlib.sha1("/".join(incarnations).encode(), usedforsecurity=False)  # a name, no protection
    return digest.hexdigest()[:INCARNATION_DIGITS]


INCARNATION_DIGITS: Final = 12
OTHERS_WITHIN_S: Final = 0.5
"""How long a client waits for a shard that it can do without."""


def shards_of(urls: Sequence[str]) -> list[Shard]:
    """Return the shards of some brokers."""
    return [
        Shard(number, len(urls), tuple(other for other, there in enumerate(urls) if there != url))
        for number, url in enumerate(urls)
    ]


WHOLE: Final = Shard()
"""The only shard of a namespace on one broker."""
