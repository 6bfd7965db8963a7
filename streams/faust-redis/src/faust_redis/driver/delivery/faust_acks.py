"""Notice what Faust's compiled streams ack: they append to the consumer's own lists and call nothing."""

from __future__ import annotations

from collections.abc import Callable

from faust.types import TP

Finish = Callable[[TP, int], None]
"""Notes one event as finished."""


class PartitionAcks:
    """Takes the place of the list, and of the set, of a partition's acked offsets. It keeps none."""

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
