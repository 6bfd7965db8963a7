"""What agents have produced and not yet committed: output and changelog records, each with the event it came from."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from faust.types import TP

from streams.log import Record

Settle = Callable[[int | None, BaseException | None], None]
"""Called once per record: with its offset, or with why it was not written."""


@dataclass(slots=True)
class Output:
    """One record waiting for the commit.

    Attributes:
        topic: Where it goes.
        partition: None until it is chosen by key, when the topic's partition count is known.
        key: Record key.
        value: Record value; None is a tombstone.
        timestamp_ms: Event time.
        headers: Record headers.
        source: The event that produced it; None when sent outside of any event, or for a request awaiting its reply.
        settle: Told the outcome.
        compacted: Only the last record of a key matters (a compacted changelog).
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: tuple[tuple[str, bytes], ...]
    source: tuple[TP, int] | None
    settle: Settle
    compacted: bool = False

    @property
    def size(self) -> int:
        """Bytes of payload."""
        return len(self.key or b"") + len(self.value or b"")

    def record(self) -> Record:
        """As the log takes it. The partition must have been chosen."""
        if self.partition is None:
            raise AssertionError(f"no partition chosen for a record of {self.topic!r}")
        return Record(self.topic, self.partition, self.key, self.value, self.timestamp_ms, self.headers)


@dataclass(slots=True)
class Cut:
    """What one commit takes: whole events only, and the offsets they allow."""

    outputs: list[Output]
    offsets: dict[TP, int]


class Outbox:
    """Outputs in the order they were produced."""

    def __init__(self) -> None:
        self._outputs: list[Output] = []

    def __len__(self) -> int:
        return len(self._outputs)

    def add(self, output: Output) -> None:
        """Append an output."""
        self._outputs.append(output)

    def outputs(self) -> list[Output]:
        """All that waits, in order."""
        return self._outputs

    def drop_claims(self, changelogs: Container[str]) -> list[Output]:
        """Take out what only the owner of a partition may write: outputs of events, and changelog records."""
        claims = [o for o in self._outputs if o.source is not None or o.topic in changelogs]
        self._outputs = [o for o in self._outputs if o.source is None and o.topic not in changelogs]
        return claims

    def put_back(self, outputs: list[Output]) -> None:
        """Return outputs that a cut took and that were not written."""
        self._outputs = outputs + self._outputs

    def cut(self, watermarks: dict[TP, int], records_max: int, bytes_max: int) -> Cut:
        """Take the outputs of finished events, as many whole events as fit; the rest stays.

        Args:
            watermarks: For each partition with finished events, the offset below which all are.
            records_max: Records in one commit; one event with more than that is still taken whole.
            bytes_max: Bytes of payload in one commit, likewise.
        """
        cut = self._cut(watermarks, records_max, bytes_max)
        if not cut.outputs and self._outputs:
            cut = self._cut(watermarks, len(self._outputs), 1 << 62)
        taken = {id(output) for output in cut.outputs}
        self._outputs = [output for output in self._outputs if id(output) not in taken]
        return cut

    def _cut(self, watermarks: dict[TP, int], records_max: int, bytes_max: int) -> Cut:
        taken: list[Output] = []
        left: dict[TP, int] = {}
        size = 0
        for output in self._outputs:
            if output.source is not None:
                tp, offset = output.source
                if offset >= watermarks.get(tp, 0):
                    continue
                if len(taken) >= records_max or size >= bytes_max or offset >= left.get(tp, offset + 1):
                    left[tp] = min(offset, left.get(tp, offset))
                    continue
            taken.append(output)
            size += output.size
        fits = [o for o in taken if o.source is None or o.source[1] < left.get(o.source[0], o.source[1] + 1)]
        return Cut(fits, {tp: min(mark, left.get(tp, mark)) for tp, mark in watermarks.items()})


def coalesce(outputs: list[Output]) -> tuple[list[Output], list[list[Output]]]:
    """Keep only the last record of each key of compacted changelogs.

    Returns:
        The records to write, and for each of them all outputs that it settles.
    """
    last: dict[tuple[str, int | None, bytes], int] = {}
    kept: list[Output | None] = []
    settled: list[list[Output]] = []
    for output in outputs:
        carried = [output]
        if output.compacted and output.key is not None:
            identity = (output.topic, output.partition, output.key)
            earlier = last.get(identity)
            if earlier is not None:
                kept[earlier] = None
                carried = [*settled[earlier], output]
            last[identity] = len(kept)
        kept.append(output)
        settled.append(carried)
    pairs = [(output, carried) for output, carried in zip(kept, settled, strict=True) if output is not None]
    return [output for output, _ in pairs], [carried for _, carried in pairs]
