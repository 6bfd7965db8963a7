"""How far a topic was handed out, and what an event's `id` says of it. Knows nothing of HTTP.

An `id` is ``epoch:sequence~evidence``. A broker that was restored to an earlier state and has grown since has the epoch
and the offsets of the one that was read; the records that stand below the offsets tell them apart.
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
    """Up to where a topic was handed out, and what stands there.

    Attributes:
        position: Everything below has been handed out.
        last: The record just below each offset; none where that is 0.
    """

    position: Position
    last: Mapping[TopicPartition, StoredRecord]
    _above: tuple[Position | None, str | None] = field(default=(None, None), init=False, compare=False, repr=False)

    def after(self, last: Mapping[TopicPartition, StoredRecord]) -> FeedOffset:
        """With all up to these records handed out, too."""
        offsets = self.position.offsets | {tp.partition: record.offset + 1 for tp, record in last.items()}
        return FeedOffset(Position(self.position.topic, self.position.epoch, offsets), {**self.last, **last})

    @cached_property
    def evidence(self) -> str:
        """Names the last records."""
        return name(self.last)

    @cached_property
    def _tag(self) -> str:
        return f"{self.position.tag}{EVIDENCE}{self.evidence}"

    def tag(self, known: Position) -> str:
        """The `id` of an event after which a client knows all below a position: with evidence if it is this one."""
        return self._tag if known == self.position else known.tag

    def above(self, floor: Position) -> str | None:
        """The `id` of an event after which a client knows all this and all below a floor; None if that is not higher.

        Made once for all who share the floor.
        """
        if self._above[0] is not floor:
            self._above = floor, self._tag_above(floor)
        return self._above[1]

    def _tag_above(self, floor: Position) -> str | None:
        known, reached = floor.offsets, self.position.offsets
        if floor.epoch != self.position.epoch or all(known.get(p, 0) <= o for p, o in reached.items()):
            return None
        higher = {p: max(o, known.get(p, 0)) for p, o in reached.items()}
        return Position(floor.topic, floor.epoch, higher).tag


def name(records: Mapping[TopicPartition, StoredRecord]) -> str:
    """A short name of records, the same in each process. It names, it protects nothing."""
    content = msgpack.packb([(tp.partition, *record) for tp, record in sorted(records.items())])
    return f"{zlib.crc32(content):08x}"


def parse_tag(topic: str, tag: str) -> tuple[Position, str | None]:
    """The position and the evidence of an `id`; None where it was given without.

    Raises:
        ValueError: when it is none of ours.
    """
    place, mark, evidence = tag.partition(EVIDENCE)
    return Position.parse_tag(topic, place), evidence if mark else None
