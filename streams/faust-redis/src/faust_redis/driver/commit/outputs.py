"""The outputs of events, as they wait for their commit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from faust.types import TP

Place = tuple[str, int]
"""A changelog's topic and partition."""

Changed = dict[bytes, tuple[int, bytes | None]]
"""Changed rows of a table: for each key the number of the change and the value; None deletes."""

Settle = Callable[[int | None, BaseException | None], None]
"""Called once for each record: with its offset, or with the error that prevented the write."""


@dataclass(slots=True)
class Output:
    """One record that waits for the commit.

    Attributes:
        topic: Its topic.
        partition: None until it is chosen by key, when the topic's partition count is known.
        key: Record key.
        value: Record value; None is a tombstone.
        timestamp_ms: Event time.
        headers: Record headers.
        source: The event that produced it; None outside of events, and for a request that awaits its reply.
        settle: Called with the outcome; None when no caller waits for it.
        compacted: Whether the topic is compacted, so that only the last record of a key matters. Set at the commit.
        writer: The writer name of this member's assignment (changelogs only).
        number: Its number in the order of production.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...]
    source: tuple[TP, int] | None
    settle: Settle | None
    compacted: bool = False
    writer: bytes = b""
    number: int = 0

    @property
    def size(self) -> int:
        """Return the bytes of payload."""
        return len(self.key or b"") + len(self.value or b"")


@dataclass(slots=True)
class OutputColumns:
    """Records that one event sends to one partition, as columns of equal length. No caller waits for their outcome.

    Attributes:
        partition: None when it is chosen by each key, because the topic was not known yet.
        draw: Draws the next number.
        numbers: The number of each record in the order of production.
        source: The event.
    """

    topic: str
    partition: int | None
    draw: Callable[[], int]
    timestamps: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    source: tuple[TP, int] | None = None

    def outputs(self) -> list[Output]:
        """Return the records one by one."""
        records = zip(self.keys, self.values, self.timestamps, self.numbers, strict=True)
        return [
            Output(self.topic, self.partition, key, value, timestamp_ms, (), self.source, None, number=number)
            for key, value, timestamp_ms, number in records
        ]

    @property
    def size(self) -> int:
        """Return the bytes of payload."""
        return sum(map(len, filter(None, self.keys))) + sum(map(len, filter(None, self.values)))


_NEVER = 1 << 62


@dataclass(slots=True)
class CommitBatch:
    """The outputs and rows of one commit, with the offsets that it commits. It contains only whole events."""

    outputs: list[Output]
    offsets: dict[TP, int]
    rows: dict[Place, Changed] = field(default_factory=dict)
    columns: list[OutputColumns] = field(default_factory=list)


def has_content(batch: CommitBatch) -> bool:
    """Return whether there is anything to write."""
    return bool(batch.outputs or batch.columns or batch.rows or batch.offsets)


def in_order(outputs: list[Output], columns: list[OutputColumns]) -> tuple[list[Output], list[OutputColumns]]:
    """Return the outputs and columns of a commit, so that each partition gets its records in the order of production.

    The columns come in the order of their first records.

    The log appends single outputs before columns. So columns become single outputs in a partition that gets both, or
    whose columns overlap, because two agents sent to it in turn.
    """
    last = {(output.topic, output.partition): _NEVER for output in outputs}
    mixed = set()
    for each in columns:
        place = each.topic, each.partition
        if last.get(place, 0) > each.numbers[0]:
            mixed.add(place)
        last[place] = max(last.get(place, 0), each.numbers[-1])
    if not mixed:
        return outputs, columns
    single = [output for each in columns if (each.topic, each.partition) in mixed for output in each.outputs()]
    rest = [each for each in columns if (each.topic, each.partition) not in mixed]
    return sorted([*outputs, *single], key=attrgetter("number")), rest


def coalesce(outputs: list[Output]) -> tuple[list[Output], dict[int, list[Output]]]:
    """Keep only the last record of each key of compacted changelogs, at the position of the first.

    Returns:
        The records to write, and by position the earlier records that each of them settles.
    """
    places: dict[tuple[str, int | None, bytes], int] = {}
    kept: list[Output] = []
    settled: dict[int, list[Output]] = {}
    for output in outputs:
        if output.compacted and output.key is not None:
            place = places.setdefault((output.topic, output.partition, output.key), len(kept))
            if place < len(kept):
                if kept[place].settle is not None:
                    settled.setdefault(place, []).append(kept[place])
                kept[place] = output
                continue
        kept.append(output)
    return kept, settled


def settle_outputs(outputs: Iterable[Output], offset: int | None, error: BaseException | None) -> None:
    """Report the outcome of records to the callers that wait for it."""
    for output in outputs:
        if output.settle is not None:
            output.settle(offset, error)
