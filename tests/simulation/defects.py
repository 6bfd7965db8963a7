"""Planted defects: each removes one safeguard of the protocol, and the simulation must catch each.

The defects in `FIXED` are real ones that the simulation found in the driver and that have been fixed.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any, cast
from unittest.mock import patch

from faust.streams import current_event
from faust.transport.consumer import Consumer as FaustConsumer
from faust_redis.driver.commit.committer import Committer
from faust_redis.driver.commit.dependencies import Dependencies
from faust_redis.driver.commit.offset_tracker import OffsetTracker
from faust_redis.driver.commit.outputs import CommitBatch
from faust_redis.driver.commit.pending_writes import PendingWrites
from faust_redis.driver.delivery.batches import BatchMessage
from faust_redis.driver.delivery.in_flight import InFlight
from faust_redis.driver.failures.failures import Failures
from faust_redis.driver.faust_api.consumer import Consumer
from faust_redis.driver.groups.membership import Membership
from faust_redis.driver.groups.ownership import Ownership
from faust_redis.driver.groups.status import Status
from faust_redis.driver.limits import ROW_US
from faust_redis.driver.sending.event_writes import EventWrites
from faust_redis.driver.state.restore import Restorer
from faust_redis.driver.state.stores import Checkpoint
from faust_redis.log import Fence, Log, ProducerSequence, WriteBatch, codec
from faust_redis.rocksdb.store import RocksStore

from tests.simulation.needs import NEEDS_DEFECTS
from tests.simulation.order_defects import ORDER_DEFECTS
from tests.simulation.planting import Defect, replace_method
from tests.simulation.recovery import Recovery
from tests.simulation.resize_defects import RESIZE_DEFECTS
from tests.simulation.shard_defects import SHARD_DEFECTS

# --- defects of the commit --------------------------------------------------------------------------------------------


def _two_writes(stack: ExitStack, *, offsets_first: bool) -> None:
    async def commit(
        self: Log, batch: WriteBatch, *, fence: Fence | None = None, write_id: ProducerSequence | None = None
    ) -> Any:
        if fence is None or not (batch.records or batch.columns) or not batch.offsets or write_id is None:
            return await whole(self, batch, fence=fence, write_id=write_id)
        number = write_id.number * 2
        parts = [replace(batch, offsets={}, preconditions={}), WriteBatch([], batch.offsets)]
        replies = []
        for i, part in enumerate(reversed(parts) if offsets_first else parts):
            producer = f"{write_id.producer}:{i}"
            numbered = replace(write_id, producer=producer, number=number, after=None)
            replies.append(await whole(self, part, fence=fence, write_id=numbered))
        return replies[-1 if offsets_first else 0]

    whole = replace_method(stack, Log, "commit", commit)


def _overlay_flushed_first(stack: ExitStack) -> None:
    def put(self: RocksStore, key: bytes, value: bytes | None) -> None:
        partition = self._partition_of(key)
        assert partition is not None
        kept = self.database.checkpoint(self.table_name, partition)
        offset = -1 if kept is None else kept.offset
        self.database.write(
            self.table_name, partition, [(key, value)], Checkpoint(self._incarnation(), offset + 1, b"")
        )

    replace_method(stack, RocksStore, "_set", put)


def _past_in_flight(stack: ExitStack) -> None:
    def committable(self: OffsetTracker) -> dict[Any, int]:
        highest = {tp: max(p.ahead, default=-1) + 1 for tp, p in self._partitions.items()}
        return {
            tp: max(p.first_unfinished, highest[tp])
            for tp, p in self._partitions.items()
            if p.first_unfinished > p.committed
        }

    replace_method(stack, OffsetTracker, "committable", committable)


def _torn_events(stack: ExitStack) -> None:
    def next_batch(
        self: PendingWrites, watermarks: Any, cost_max_us: int, bytes_max: int, dependencies: Any
    ) -> CommitBatch:
        taken: CommitBatch = whole(self, watermarks, cost_max_us, bytes_max, dependencies)
        records_max = cost_max_us // ROW_US
        if len(taken.outputs) > records_max:
            self.put_back(taken.outputs[records_max:])
            taken.outputs = taken.outputs[:records_max]
        return taken

    whole = replace_method(stack, PendingWrites, "next_batch", next_batch)


def _first_of_a_key(stack: ExitStack) -> None:
    def coalesce(outputs: list[Any]) -> tuple[list[Any], dict[int, list[Any]]]:
        seen: dict[Any, int] = {}
        kept: list[Any] = []
        settled: dict[int, list[Any]] = {}
        for output in outputs:
            identity = (output.topic, output.partition, output.key) if output.compacted else len(kept) + 0.5
            if identity in seen:
                settled.setdefault(seen[identity], []).append(output)
                continue
            seen[identity] = len(kept)
            kept.append(output)
        return kept, settled

    stack.enter_context(patch("faust_redis.driver.commit.committer.coalesce", coalesce))


def _columns_of_any_order(stack: ExitStack) -> None:
    stack.enter_context(
        patch("faust_redis.driver.commit.committer.in_order", lambda outputs, columns: (outputs, columns))
    )


def _rows_of_any_order(stack: ExitStack) -> None:
    stack.enter_context(
        patch("faust_redis.driver.commit.pending_writes._merge", lambda held, changed: held.update(changed))
    )


def _dependents_commit_first(stack: ExitStack) -> None:
    replace_method(stack, InFlight, "builds_on", lambda _self, _message, _base: None)


def _dependents_survive(stack: ExitStack) -> None:
    replace_method(stack, Dependencies, "dependents", lambda _self, _event: {})


# --- defects of recovery and hand-over --------------------------------------------------------------------------------


def _no_recovery(stack: ExitStack) -> None:
    async def restore(_self: Restorer, _tps: set[Any]) -> None:
        return None

    replace_method(stack, Restorer, "restore", restore)
    replace_method(stack, Recovery, "needed", lambda _self: False)


def _local_rows_of_any_age(stack: ExitStack) -> None:
    async def positions(self: Restorer, stores: Any) -> dict[Any, int]:
        return {tp: await self._end(tp) for tp in stores}

    replace_method(stack, Restorer, "_positions", positions)

    def persisted(self: RocksStore, tp: Any) -> int | None:
        old(self, tp)
        end: int = self.app.consumer.highwater(tp)
        return end - 1 if end else None

    old = replace_method(stack, RocksStore, "persisted_offset", persisted)


def _any_writer(stack: ExitStack) -> None:
    async def at(self: Log, offsets: Any) -> Any:
        return {tp: _Anybody() if record is not None else None for tp, record in (await old(self, offsets)).items()}

    old = replace_method(stack, Log, "at", at)


class _Anybody:
    """A record that names as its writer any writer it is compared with."""

    writer = type("Anyone", (), {"__eq__": lambda *_: True, "__hash__": lambda _: 0})()


def _trusted_from_the_start(stack: ExitStack) -> None:
    async def copy_rows(self: Restorer, tp: Any, store: Any) -> bool:
        await self._trust(tp, store, await self._end(tp))
        return bool(await old(self, tp, store))

    old = replace_method(stack, Restorer, "_copy_rows", copy_rows)


def _old_rows_stay(stack: ExitStack) -> None:
    replace_method(stack, RocksStore, "wipe", lambda _self, _tp: None)


def _outputs_survive_the_fence(stack: ExitStack) -> None:
    replace_method(stack, Committer, "drop", lambda _self, _reason: None)


def _overlay_survives_a_rebalance(stack: ExitStack) -> None:
    async def on_rebalance(self: RocksStore, *args: Any, **kwargs: Any) -> None:
        overlay = dict(self._overlay)
        await old(self, *args, **kwargs)
        self._overlay.update(overlay)

    old = replace_method(stack, RocksStore, "on_rebalance", on_rebalance)


# --- defects that the simulation found, since fixed -------------------------------------------------------------------


def _overtaken_recovery_goes_on(stack: ExitStack) -> None:
    async def revoked(self: Consumer, tps: set[Any]) -> None:
        await old(self, tps)
        self.driver.ownership.is_installed = True

    old = replace_method(stack, Consumer, "on_partitions_revoked", revoked)
    replace_method(stack, Ownership, "revoke", lambda self: setattr(self, "is_installed", False))
    replace_method(stack, Consumer, "resume_flow", FaustConsumer.resume_flow)


def _left_over_events_write(stack: ExitStack) -> None:
    def source(self: EventWrites) -> Any:
        event = current_event()
        if event is None or event.message.tp not in self._tracker:
            return None
        return (event.message.tp, event.message.offset)

    replace_method(stack, EventWrites, "source", source)


def _unheeded_rebalance(stack: ExitStack) -> None:
    async def install(self: Membership, standing: Any) -> None:
        self._owns = False
        await old(self, standing)

    old = replace_method(stack, Membership, "_install", install)


def _status_must_be_published(stack: ExitStack) -> None:
    async def publish(self: Status, _generation: int, _assigned: int, *, recovered: bool) -> None:
        await self._groups.set_status(self._group, self._member, str(recovered))

    replace_method(stack, Status, "publish", publish)


def _interrupted_commit(stack: ExitStack) -> None:
    replace_method(stack, Committer, "commit", Committer._commit)


def _batch_of_its_last(stack: ExitStack) -> None:
    def init(self: BatchMessage, received: list[Any]) -> None:
        old(self, received)
        self.offset = received[-1].offset

    old = replace_method(stack, BatchMessage, "__init__", init)


def _divided_as_it_is(stack: ExitStack) -> None:
    def split(self: Failures, message: BatchMessage, exc: Exception) -> None:
        message.was_split = self._in_flight.counts(message)
        self._in_flight.disown(message)

    replace_method(stack, Failures, "split", split)


def _whole_batches(stack: ExitStack) -> None:
    def readable(tp: Any, entries: Any, offset: int = 0, count: int | None = None) -> Any:
        del offset
        return old(tp, entries, 0, count)

    old = replace_method(stack, cast("type", codec), "readable", readable)


DEFECTS: dict[str, Defect] = {
    "no_fence": Defect("a commit of an older generation is accepted", flaw="no_fence"),
    "no_lease_check": Defect("a commit after the lease is accepted", flaw="no_lease_check", near=40),
    "no_dedup": Defect("a retried commit is applied again", flaw="no_dedup"),
    "generation_stays": Defect("a rebalance does not raise the generation", flaw="generation_stays"),
    "offsets_outside_commit": Defect(
        "outputs are written, then offsets", planter=lambda stack: _two_writes(stack, offsets_first=False)
    ),
    "commit_before_outputs": Defect(
        "offsets are committed, then outputs written",
        planter=lambda stack: _two_writes(stack, offsets_first=True),
        near=40,
    ),
    "overlay_flushed_before_commit": Defect("rows reach the disk before the log", planter=_overlay_flushed_first),
    "commit_past_in_flight": Defect("the highest finished offset is committed", planter=_past_in_flight),
    "torn_events": Defect("a commit may take half of an event's outputs", planter=_torn_events),
    "first_of_a_key": Defect("coalescing keeps the first change of a key, not the last", planter=_first_of_a_key),
    "rows_of_any_order": Defect(
        "of a row that several events of a commit changed, any change is written", planter=_rows_of_any_order
    ),
    "dependents_commit_first": Defect(
        "an event is committed before one whose row it built on", planter=_dependents_commit_first
    ),
    "dependents_survive": Defect(
        "what built on a failed event is committed as it is", planter=_dependents_survive, near=370
    ),
    "batches_belong_to_their_last": Defect(
        "what a batch produced belongs to its last event, not the first", planter=_batch_of_its_last, near=70
    ),
    "divided_batches_keep_their_effects": Defect(
        "a batch that failed is divided, and what it did stays", planter=_divided_as_it_is
    ),
    "no_recovery": Defect("work begins before the tables are recovered", planter=_no_recovery),
    "local_rows_of_any_age": Defect("local rows are taken as current", planter=_local_rows_of_any_age),
    "any_writer": Defect(
        "rows of a branch that was rolled back are taken for this one's", planter=_any_writer, near=450
    ),
    "trusted_from_the_start": Defect(
        "rows of a snapshot that was read in part are trusted", planter=_trusted_from_the_start
    ),
    "old_rows_stay": Defect("a snapshot is read over the rows that were there", planter=_old_rows_stay, near=280),
    "outputs_survive_the_fence": Defect(
        "outputs of lost events are kept and written", planter=_outputs_survive_the_fence, near=20
    ),
    "overlay_survives_a_rebalance": Defect(
        "uncommitted rows outlive a rebalance", planter=_overlay_survives_a_rebalance
    ),
    "late_attempts_count": Defect("an old attempt that arrives late is applied", flaw="late_attempts_count"),
    "overtaken_recovery_goes_on": Defect(
        "a recovery that a rebalance overtook starts delivery", planter=_overtaken_recovery_goes_on, near=920
    ),
    "left_over_events_write": Defect(
        "an event left over from before a rebalance still writes", planter=_left_over_events_write, near=120
    ),
    "unheeded_rebalance": Defect(
        "a late join takes a member through a rebalance that it has not noticed", planter=_unheeded_rebalance, near=140
    ),
    "status_must_be_published": Defect(
        "a worker that cannot publish its status in a rebalance crashes", planter=_status_must_be_published
    ),
    "whole_batches": Defect("a read from within a batch begins with its first record", planter=_whole_batches),
    "columns_of_any_order": Defect(
        "records that two agents send to a partition in turn are written agent by agent", planter=_columns_of_any_order
    ),
    "interrupted_commit": Defect("a cancelled caller takes the commit down with it", planter=_interrupted_commit),
    **NEEDS_DEFECTS,
    **ORDER_DEFECTS,
    **SHARD_DEFECTS,
    **RESIZE_DEFECTS,
}

FIXED = (
    "late_attempts_count",
    "overtaken_recovery_goes_on",
    "left_over_events_write",
    "unheeded_rebalance",
    "status_must_be_published",
    "interrupted_commit",
)
