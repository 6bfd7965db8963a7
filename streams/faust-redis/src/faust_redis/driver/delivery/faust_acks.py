"""Notice the acks of Faust's compiled streams, which append to the consumer's lists and call no method."""

from __future__ import annotations

from collections.abc import Callable

from faust.types import TP

Finish = Callable[[TP, int], None]
"""Notes one event as finished."""


class PartitionAcks:
    """Replaces the list and the set of a partition's acked offsets. It stores no offset."""

    __slots__ = ("_finish", "_tp")

    def __init__(self, tp: TP, finish: Finish) -> None:
        self._tp = tp
        self._finish = finish

    def __contains__(self, _offset: object) -> bool:
        return False

    def append(self, offset: int) -> None:
        """Finish an event: a stream has acked it."""
        self._finish(self._tp, offset)

    def add(self, offset: int) -> None:
        """Ignore it: `append` is called for the same offset."""


class FaustAcks(dict[TP, PartitionAcks]):
    """Takes the place of the consumer's acked offsets by partition."""

    def __init__(self, finish: Finish) -> None:
        super().__init__()
        self._finish = finish

    def __missing__(self, tp: TP) -> PartitionAcks:
        acks = self[tp] = PartitionAcks(tp, self._finish)
        return acks
