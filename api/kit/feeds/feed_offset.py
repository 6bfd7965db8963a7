"""The position up to which a follower has delivered a topic, and its tag, which the `id` of feed events seals.

Independent of HTTP. A tag is ``epoch:sequence~evidence``. A broker that was restored to an earlier state and has grown
since has the same epoch and offsets; only the records just below the offsets differ. The evidence is a checksum of
those records.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import msgpack
from faust_redis.log import Position, StoredRecord, TopicPartition

EVIDENCE = "~"


@dataclass
class FeedOffset:
    """The position up to which a topic was delivered, and the last records below it.

    Attributes:
        position: All records below it were delivered.
        last: The record just below each offset; partitions at offset 0 have none.
    """

    position: Position
    last: Mapping[TopicPartition, StoredRecord]
    _above: tuple[Position | None, str | None] = field(default=(None, None), init=False, compare=False, repr=False)

    def after(self, last: Mapping[TopicPartition, StoredRecord]) -> FeedOffset:
        """Return the offset after the delivery of these records."""
        offsets = self.position.offsets | {tp.partition: record.offset + 1 for tp, record in last.items()}
        return FeedOffset(Position(self.position.topic, self.position.epoch, offsets), {**self.last, **last})

    @cached_property
    def evidence(self) -> str:
        """Return the checksum of the last records."""
        return name(self.last)

    @cached_property
    def _tag(self) -> str:
        return f"{self.position.tag}{EVIDENCE}{self.evidence}"

    def tag(self, known: Position) -> str:
        """Return the tag of a position, with evidence when it is this one."""
        return self._tag if known == self.position else known.tag

    def above(self, floor: Position) -> str | None:
        """Return the tag of the higher of this position and a floor; None when the floor is not higher anywhere.

        The last result is cached for subscribers that share a floor.
        """
        if self._above[0] is not floor:
            self._above = floor, self._tag_above(floor)
        return self._above[1]

    def _tag_above(self, floor: Position) -> str | None:
        known, own = floor.offsets, self.position.offsets
        if floor.epoch != self.position.epoch or all(known.get(p, 0) <= o for p, o in own.items()):
            return None
        higher = {p: max(o, known.get(p, 0)) for p, o in own.items()}
        return Position(floor.topic, floor.epoch, higher).tag


def name(records: Mapping[TopicPartition, StoredRecord]) -> str:
    """Return a checksum of records, the same in each process and of both tiers. It is no protection against forgery."""
    content = msgpack.packb([(tp.partition, *record._replace(batch=None)) for tp, record in sorted(records.items())])
    return f"{zlib.crc32(content):08x}"


def parse_tag(topic: str, tag: str) -> tuple[Position, str | None]:
    """Return the position and the evidence of a tag; None when the tag has no evidence.

    Raises:
        ValueError: when it is not a tag.
    """
    place, mark, evidence = tag.partition(EVIDENCE)
    return Position.parse_tag(topic, place), evidence if mark else None
