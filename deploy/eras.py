"""The eras of a log: between two changes of the number of partitions, when no row moves to another partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from faust_redis.log import Log, ResizingError, TopicPartition
from faust_redis.resizing import Finished, Split, in_progress

from tables.resizing import moving

MOVING: Final = "moving"

Tables = Mapping[str, Mapping[bytes, bytes]]
"""The rows of a partition, by table and key."""


@dataclass(frozen=True, slots=True)
class Era:
    """Records between two changes of the number of partitions.

    Attributes:
        partitions: The number of partitions.
        began: The resize that began the era; None for the first one.
        ended: The resize that ended it; None for the present one.
    """

    partitions: int
    began: Finished | None
    ended: Finished | None

    def span(self, tp: TopicPartition, begin: int, end: int) -> tuple[int, int]:
        """Return which of a partition's offsets, from `begin` to below `end`, belong to the era: first and end."""
        return max(begin, _end(self.began, tp)), end if self.ended is None else min(end, _end(self.ended, tp))

    def family(self, parent: int) -> range:
        """Return a partition and the children that it has after the era."""
        return range(parent, self.partitions if self.ended is None else self.ended.new, self.partitions)

    def divided(self, parent: int, tables: Tables) -> dict[int, dict[str, dict[bytes, bytes]]]:
        """Return the rows of a partition and its children after the resize that ended the era, by partition.

        Args:
            parent: The partition.
            tables: All rows that it had then, of some domains.

        Raises:
            NotReadyError: the rows cannot be divided.
            MisplacedError: a row is not in the partition of its owner.
            ValueError: no resize ended the era.
        """
        if self.ended is None:
            raise ValueError("no resize ended the present era")
        named = {table: {key.decode(): raw for key, raw in rows.items()} for table, rows in tables.items()}
        after = moving.divided(named, Split(self.ended.old, self.ended.new), parent)
        return {
            partition: {table: {key.encode(): raw for key, raw in rows.items()} for table, rows in found.items()}
            for partition, found in after.items()
        }


def _end(resize: Finished | None, tp: TopicPartition) -> int:
    return 0 if resize is None else resize.ends.get(tp.topic, {}).get(tp.partition, 0)


def eras_of(resizes: Iterable[Finished], partitions: int) -> list[Era]:
    """Return the eras of a log, the first one first, up to that with `partitions` partitions."""
    past = [one for one in resizes if one.new <= partitions]
    counts = [*(one.old for one in past), partitions]
    return [Era(*era) for era in zip(counts, [None, *past], [*past, None], strict=True)]


async def refuse_moving(log: Log, counted: Mapping[str, int]) -> None:
    """Refuse rows that were read just now, if some may have moved to other partitions meanwhile.

    Args:
        log: The log.
        counted: How many partitions were read of each topic.

    Raises:
        ResizingError: rows move, or a topic has another number of partitions.
    """
    begun = [await in_progress(shard) for shard in log.shards]
    present = {topic: (await log.topic(topic, fresh=True)).spec.partitions for topic in counted}
    if present != counted or any(one is not None and one.phase == MOVING for one in begun):
        raise ResizingError("rows move to other partitions just now; try again when the resize has ended")
