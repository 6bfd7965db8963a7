"""Track the fetch position of each partition, and the fetched records that wait for room. This file does no I/O."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from faust.types import TP

from faust_redis.driver.delivery.append_order import AppendOrder
from faust_redis.log import DamagedPartitionError, StoredRecord, TopicPartition

FetchedRecords = dict[TP, list[StoredRecord]]
"""Records by partition, in offset order."""


class FetchState:
    """Fetch positions of one consumer.

    Attributes:
        positions: The next offset to fetch of each partition.
        high_watermarks: The last known high watermark of each partition.
        order: Fetched records that wait for their turn in append order.
        parked: Fetched records that wait until their agent's queue has room.
        withheld: Events taken back from an agent's queue, each list with the offset of the failed event before them.
        damaged: Partitions that are held back because their next entry cannot be read, each with the error.
        unwritable: Partitions that are held back until the process ends, each with the error. Their events write to a
            partition that cannot be written.
        seeks: The number of seeks. The fetcher drops a fetch when this number has changed meanwhile.
    """

    def __init__(self) -> None:
        self.positions: dict[TP, int] = {}
        self.high_watermarks: dict[TP, int] = {}
        self.order = AppendOrder()
        self.parked: FetchedRecords = {}
        self.withheld: dict[TP, tuple[int, list[Any]]] = {}
        self.damaged: dict[TP, DamagedPartitionError] = {}
        self.unwritable: dict[TP, DamagedPartitionError] = {}
        self.seeks = 0

    def seek(self, tp: TP, offset: int) -> None:
        """Continue at an offset; drop the partition's waiting records."""
        assert offset >= 0, f"{tp} was to be read from {offset}"
        self.positions[tp] = offset
        self.order.forget(tp)
        self.parked.pop(tp, None)
        self.withheld.pop(tp, None)
        self.damaged.pop(tp, None)
        self.seeks += 1

    def clear(self) -> None:
        """Forget all positions. Recovery seeks the positions of the new assignment."""
        self.positions.clear()
        self.drop_waiting()
        self.damaged.clear()
        self.seeks += 1

    def drop_waiting(self) -> None:
        """Drop all records that wait."""
        self.order.clear()
        self.parked.clear()
        self.withheld.clear()

    def advance(self, tp: TP, offset: int) -> None:
        """Note that records below an offset were handed over or parked.

        Raises:
            AssertionError: the position would go back without a seek.
        """
        assert offset >= self.positions.get(tp, 0), f"the position of {tp} would go back to {offset}"
        self.positions[tp] = offset

    def see(self, tp: TP, end: int) -> None:
        """Raise a partition's known high watermark to an offset."""
        self.high_watermarks[tp] = max(self.high_watermarks.get(tp, 0), end)

    def park(self, tp: TP, records: list[StoredRecord]) -> None:
        """Keep records until their agent's queue has room."""
        self.parked.setdefault(tp, []).extend(records)
        self.advance(tp, records[-1].offset + 1)

    def is_held_back(self, tp: TP) -> bool:
        """Return whether a partition must not be read."""
        return tp in self.damaged or tp in self.unwritable

    def damages(self, assigned: set[TP]) -> list[DamagedPartitionError]:
        """Return why assigned partitions are held back."""
        held_back = self.unwritable | self.damaged
        return [error for tp, error in sorted(held_back.items()) if tp in assigned]

    def take_parked(self, full: Container[TP]) -> FetchedRecords:
        """Take out the parked records of partitions with room; move the positions back to their first offsets."""
        tps = [tp for tp in self.parked if tp not in full and tp not in self.withheld]
        ready = {tp: self.parked.pop(tp) for tp in tps}
        self.positions.update((tp, records[0].offset) for tp, records in ready.items())
        return ready

    def fetchable(self, partitions: set[TP], full: Container[TP]) -> dict[TopicPartition, int]:
        """Return the partitions that can be fetched, each with its position. If there is none, the caller must wait."""
        return {
            TopicPartition(*tp): self.positions[tp]
            for tp in sorted(partitions)
            if tp in self.positions and tp not in full and not (self.has_waiting(tp) or self.is_held_back(tp))
        }

    def has_waiting(self, tp: TP) -> bool:
        """Return whether fetched records of a partition wait, so that the partition must not be fetched."""
        return tp in self.parked or tp in self.order.waiting
