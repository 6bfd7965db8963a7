"""Where to read on in each partition, and which fetched records still wait for room. Pure bookkeeping."""

from __future__ import annotations

from collections.abc import Container

from faust.types import TP

from faust_redis.log import DamagedPartitionError, StoredRecord, TopicPartition

FetchedRecords = dict[TP, list[StoredRecord]]
"""Records by partition, in offset order."""


class FetchState:
    """Fetch positions of one consumer.

    Attributes:
        positions: The next offset to fetch of each partition.
        high_watermarks: As last seen.
        parked: Fetched records that wait until their agent's queue has room.
        damaged: Why partitions are held back: their next entry cannot be read.
        unwritable: Why partitions are held back until the process ends: what their events write to cannot be written.
        seeks: How often a position was set; a fetch that meets another number is dropped.
    """

    def __init__(self) -> None:
        self.positions: dict[TP, int] = {}
        self.high_watermarks: dict[TP, int] = {}
        self.parked: FetchedRecords = {}
        self.damaged: dict[TP, DamagedPartitionError] = {}
        self.unwritable: dict[TP, DamagedPartitionError] = {}
        self.seeks = 0

    def seek(self, tp: TP, offset: int) -> None:
        """Read on at an offset; fetched records are dropped."""
        assert offset >= 0, f"{tp} was to be read from {offset}"
        self.positions[tp] = offset
        self.parked.pop(tp, None)
        self.damaged.pop(tp, None)
        self.seeks += 1

    def clear(self) -> None:
        """Forget all positions: recovery seeks those of the new assignment."""
        self.positions.clear()
        self.parked.clear()
        self.damaged.clear()
        self.seeks += 1

    def advance(self, tp: TP, offset: int) -> None:
        """Note that records below an offset were handed over or parked.

        Raises:
            AssertionError: the position would go back without a seek.
        """
        assert offset >= self.positions.get(tp, 0), f"the position of {tp} would go back to {offset}"
        self.positions[tp] = offset

    def see(self, tp: TP, end: int) -> None:
        """Note that a partition ends at an offset or above."""
        self.high_watermarks[tp] = max(self.high_watermarks.get(tp, 0), end)

    def park(self, tp: TP, records: list[StoredRecord]) -> None:
        """Keep records until there is room for them."""
        self.parked.setdefault(tp, []).extend(records)
        self.advance(tp, records[-1].offset + 1)

    def is_held_back(self, tp: TP) -> bool:
        """Return whether a partition is not to be read."""
        return tp in self.damaged or tp in self.unwritable

    def damages(self, assigned: set[TP]) -> list[str]:
        """Return why assigned partitions are held back, one text each."""
        held_back = self.unwritable | self.damaged
        return sorted({str(error) for tp, error in held_back.items() if tp in assigned})

    def take_parked(self, full: Container[TP]) -> FetchedRecords:
        """Take out what was parked of partitions that have room; their positions go back to it."""
        taken = {tp: self.parked.pop(tp) for tp in [tp for tp in self.parked if tp not in full]}
        self.positions.update((tp, records[0].offset) for tp, records in taken.items())
        return taken

    def fetchable(self, wanted: set[TP], full: Container[TP]) -> dict[TopicPartition, int]:
        """Return which of these partitions to fetch, and from where. A caller that finds none must wait."""
        return {
            TopicPartition(*tp): self.positions[tp]
            for tp in sorted(wanted)
            if tp in self.positions and tp not in self.parked and not self.is_held_back(tp) and tp not in full
        }
