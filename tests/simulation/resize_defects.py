"""Planted defects of each step of a resize: closing, draining, sealing, moving, finishing, cancelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any
from unittest.mock import patch

from faust_redis.driver.topics import Topics
from faust_redis.log import Log, LogError, Record, Rows, WriteBatch
from faust_redis.log.transit import Parcel
from faust_redis.resizing import RowWrite, Split, draining, resize
from faust_redis.resizing.resize import Resize

from tests.simulation.planting import Defect, replace_method
from tests.simulation.process import Process
from tests.simulation.topology import CHANGELOG


def _waits_for_nothing(stack: ExitStack) -> None:
    async def drained(*args: Any) -> Any:
        ends, _ = await whole(*args)
        return ends, None

    whole = draining.drained
    stack.enter_context(patch.object(resize, "drained", drained))


def _waits_for_sealed_shards(stack: ExitStack) -> None:
    async def drained(log: Log, topics: Any, groups: Any, _sealed: Any) -> Any:
        return await whole(log, topics, groups)

    whole = draining.drained
    stack.enter_context(patch.object(resize, "drained", drained))


def _plan_made_again(stack: ExitStack) -> None:
    async def move(self: Resize, chain: Any, topics: Sequence[str], split: Split) -> None:
        plan = await self._plan(chain.shard, split)

        async def plan_now(_shard: Log, _name: str) -> bytes:
            return plan

        with patch.object(resize, "plan_of", plan_now):
            await whole(self, chain, topics, split)

    whole = replace_method(stack, Resize, "_move", move)


def _moved_rows_stay(stack: ExitStack) -> None:
    async def write(self: Resize, chain: Any, writes: Sequence[RowWrite]) -> None:
        await whole(self, chain, [one for one in writes if one.value is not None])

    whole = replace_method(stack, Resize, "_write", write)


def _opened_before_moves(stack: ExitStack) -> None:
    async def move(_self: Resize, chain: Any, *_: Any) -> None:
        await chain.write([])

    replace_method(stack, Resize, "_move", move)


def _moves_late(stack: ExitStack) -> None:
    """Let a write arrive when the resize is over, as that of a process that was paused."""

    async def finish(self: Resize, split: Split) -> int:
        begun = zip(self._log.shards, await self._begun(), strict=True)
        late = [(shard, one.id) for shard, one in begun if one is not None]
        moved = await whole(self, split)
        for shard, name in late:
            rows = Rows(CHANGELOG, shard.shard.partitions(split.old)[0], [(b"late", b"1")], 0)
            with suppress(LogError):
                await shard.commit(WriteBatch(rows=[rows], resize=name))
        return int(moved)

    whole = replace_method(stack, Resize, "_finish", finish)


def _cancelled_while_moving(stack: ExitStack) -> None:
    async def cancel(self: Resize) -> None:
        for shard, one in zip(self._log.shards, await self._begun(), strict=True):
            if one is not None:
                await self._step(shard, "cancel", one.id)

    replace_method(stack, Resize, "cancel", cancel)


def _leaders_know_the_old_number(stack: ExitStack) -> None:
    replace_method(stack, Topics, "present", Topics.ensure)


def _parcels_as_they_are(stack: ExitStack) -> None:
    def placed(self: Parcel, _counts: Mapping[str, int], _shards: int) -> list[Record]:
        return self.records

    replace_method(stack, Parcel, "placed", placed)


def _forwarders_keep_numbers(stack: ExitStack) -> None:
    def logs(self: Process) -> Any:
        own, others = whole(self)
        for log in others.values():
            log.keeps_partitions = True
        return own, others

    whole = replace_method(stack, Process, "_logs", logs)


RESIZE_DEFECTS: dict[str, Defect] = {
    "closed_topics_take_records": Defect("clients write while members empty the topics", flaw="entry_stays_open"),
    "resize_waits_for_nothing": Defect("rows move before everything is processed", planter=_waits_for_nothing),
    "ends_are_not_compared": Defect(
        "topics are sealed though records came after the last look", flaw="ends_are_not_compared"
    ),
    "sealed_topics_take_records": Defect("members and clients write while rows move", flaw="sealed_stay_open"),
    "plans_are_made_again": Defect(
        "a command that goes on makes a new plan of rows that moved", planter=_plan_made_again
    ),
    "moved_rows_stay": Defect("rows are copied, not moved", planter=_moved_rows_stay),
    "late_moves_count": Defect(
        "a write of a resize that is over is accepted", flaw="late_moves_count", planter=_moves_late
    ),
    "opened_before_rows_move": Defect("topics open before their rows have moved", planter=_opened_before_moves),
    "members_stay": Defect("members need not join again when topics were resized", flaw="members_stay"),
    "partitions_are_not_counted": Defect(
        "writers that know the old number are not refused", flaw="partitions_are_not_counted"
    ),
    "numbers_begin_again": Defect("append numbers of new partitions begin at 1", flaw="numbers_begin_again"),
    "leaders_know_the_old_number": Defect(
        "a leader assigns as many partitions as there were when it started",
        planter=_leaders_know_the_old_number,
        near=450,
    ),
    "moving_is_cancelled": Defect(
        "a resize is cancelled though rows have moved",
        flaw="moving_is_cancelled",
        planter=_cancelled_while_moving,
        near=655,
    ),
    "parcels_stay_as_they_are": Defect(
        "records that were sent before another shard was resized keep their partition", planter=_parcels_as_they_are
    ),
    "parcels_are_not_counted": Defect(
        "what goes to other shards is accepted though topics are closed or resized", flaw="elsewhere_is_open"
    ),
    "forwarders_keep_numbers": Defect(
        "a forwarder refuses a shard whose number has changed", planter=_forwarders_keep_numbers
    ),
    "sealed_shards_are_awaited": Defect(
        "draining waits for records that a sealed shard does not take", planter=_waits_for_sealed_shards
    ),
}
