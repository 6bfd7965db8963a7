"""Decide what happens to a write that the log refuses because of a damaged partition. This file does no I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from faust.types import TP

from faust_redis.driver.commit.outputs import CommitBatch, Output, OutputColumns, settle_outputs
from faust_redis.hooks import HookList, Hooks, SendsRefused
from faust_redis.log import DamagedPartitionError

logger = logging.getLogger(__name__)


class RefusedSends:
    """Fails the sends outside of events to damaged partitions.

    No other worker would repeat such a send, so only its caller can decide what to do.

    Attributes:
        damaged: The partitions whose last send was refused, each with the error.
    """

    def __init__(self, hooks: HookList) -> None:
        self.damaged: dict[TP, DamagedPartitionError] = {}
        self._hooks = hooks
        self._on_refused: Callable[[Output, DamagedPartitionError], None] | None = None

    def on_refused(self, listener: Callable[[Output, DamagedPartitionError], None]) -> None:
        """Call `listener` with each record that was not written."""
        self._on_refused = listener

    def take(self, batch: CommitBatch, damage: DamagedPartitionError) -> int:
        """Remove the records that no event sent to the damaged partition; fail their sends; return how many."""
        tp = TP(damage.topic, damage.partition)
        refused = [output for output in batch.outputs if _is_outside(output, tp)]
        if not refused:
            return 0
        batch.outputs = [output for output in batch.outputs if not _is_outside(output, tp)]
        if tp not in self.damaged:
            logger.error("sends outside of events to %s fail, other partitions go on: %s", tp, damage)
        self.damaged[tp] = damage
        settle_outputs(refused, None, damage)
        if self._on_refused is not None:
            for output in refused:
                self._on_refused(output, damage)
        if self._hooks:
            self._hooks.call(Hooks.on_sends_refused, SendsRefused(tp.topic, tp.partition, len(refused), damage))
        return len(refused)

    def note_written(self, outputs: Iterable[Output | OutputColumns]) -> None:
        """Forget the damage of partitions that the log has written to."""
        if self.damaged:
            for output in outputs:
                if output.partition is not None:
                    self.damaged.pop(TP(output.topic, output.partition), None)


def writers_to(batch: CommitBatch, to: TP) -> set[TP]:
    """Return the partitions whose events write to a partition.

    The events of the partitions with the same number write a table's rows.
    """
    sent: tuple[Output | OutputColumns, ...] = (*batch.outputs, *batch.columns)
    sources = {output.source[0] for output in sent if output.source is not None and _goes_to(output, to)}
    rows = {tp for tp in batch.offsets if tp.partition == to.partition} if to in batch.rows else set()
    return sources | rows


def _goes_to(output: Output | OutputColumns, tp: TP) -> bool:
    return (output.topic, output.partition) == tp


def _is_outside(output: Output, tp: TP) -> bool:
    return output.source is None and _goes_to(output, tp)
