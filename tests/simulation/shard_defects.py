"""Planted defects of shards: of what a write leaves for other brokers, and of its forwarding."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from faust_redis.log import Log, WriteBatch
from faust_redis.log.forwarding import ALL_WRITERS, Forwarder
from faust_redis.log.transit import Parcel, Transit, unpack

from tests.simulation.planting import Defect, replace_method

# --- what a write leaves for other brokers ----------------------------------------------------------------------------


def _transit_apart(stack: ExitStack, *, first: bool) -> None:
    """Write what goes to other brokers in a write of its own."""

    async def commit(self: Log, batch: WriteBatch, **kwargs: Any) -> Any:
        if self.transit is None or not self.transit.targets(batch):
            return await whole(self, batch, **kwargs)
        with self.transit.writer() as writer:
            divided = self.transit.divide(batch, writer, {})
        own, crossing = _divided(divided.batch, len(divided.own))
        if first:
            await whole(self, crossing)
        appended = divided.appended(await whole(self, own, **kwargs), len(batch.records))
        if not first:
            await whole(self, crossing)
        return appended

    whole = replace_method(stack, Log, "commit", commit)


def _divided(batch: WriteBatch, own: int) -> tuple[WriteBatch, WriteBatch]:
    return replace(batch, records=batch.records[:own]), WriteBatch(batch.records[own:])


def _sent_directly_too(stack: ExitStack) -> None:
    """Send every other write's records for another broker straight to it, after the write."""

    async def commit(self: Log, batch: WriteBatch, **kwargs: Any) -> Any:
        if self.transit is None or not self.transit.targets(batch):
            return await whole(self, batch, **kwargs)
        with self.transit.writer() as writer:
            divided = self.transit.divide(batch, writer, {})
        own, crossing = _divided(divided.batch, len(divided.own))
        if getattr(kwargs.get("write_id"), "number", 1) % 2:
            return await whole(self, batch, **kwargs)
        appended = divided.appended(await whole(self, own, **kwargs), len(batch.records))
        for parcel in [unpack(each.value or b"") for each in crossing.records]:
            target: Log = self.others[(parcel.records[0].partition or 0) % self.shard.count]  # type: ignore[attr-defined]
            await whole(target, WriteBatch(parcel.records))
        return appended

    whole = replace_method(stack, Log, "commit", commit)


def _names_of_writers_recur(stack: ExitStack) -> None:
    def name_writers(transit: Transit, member: str, _now_ms: Any) -> None:
        transit.new_name = lambda: member.partition(".")[0]  # type: ignore[method-assign]

    stack.enter_context(patch("tests.simulation.process.name_writers", name_writers))


# --- forwarding -------------------------------------------------------------------------------------------------------


def _source_offsets_apart(stack: ExitStack, *, first: bool) -> None:
    async def commit(self: Log, batch: WriteBatch, **kwargs: Any) -> Any:
        if batch.source_offsets is None:
            return await whole(self, batch, **kwargs)
        parts = [WriteBatch([], source_offsets=batch.source_offsets), replace(batch, source_offsets=None)]
        replies = [await whole(self, part, **kwargs) for part in (parts if first else reversed(parts))]
        return replies[-1 if first else 0]

    whole = replace_method(stack, Log, "commit", commit)


def _forwarding_from_the_end(stack: ExitStack) -> None:
    async def begin(self: Any) -> int:
        await old(self)
        self._last = None
        end: int = (await self._source.end_offsets(self._place.topic))[self._place.partition]
        return end

    old = replace_method(stack, Forwarder, "_begin", begin)


def _committed_offsets_are_trusted(stack: ExitStack) -> None:
    async def begin(self: Any) -> int:
        self._arrived = await self._where_writers_stand()
        self._last = None
        committed: int = (await self._source.committed(self._group)).get(self._place, 0)
        return committed

    replace_method(stack, Forwarder, "_begin", begin)


def _offsets_for_numbers(stack: ExitStack) -> None:
    def parcel_of(record: Any) -> Parcel:
        return unpack(record.value or b"", record.headers)._replace(writer="any", number=record.offset + 1)

    stack.enter_context(patch("faust_redis.log.forwarding._parcel_of", parcel_of))


class _Uncounted(dict[str, int]):
    """Where writers stand, without the count of all parcels."""

    def __setitem__(self, writer: str, number: int) -> None:
        if writer != ALL_WRITERS:
            super().__setitem__(writer, number)

    def copy(self) -> _Uncounted:
        return _Uncounted(self)


def _writers_are_compared_alone(stack: ExitStack) -> None:
    async def where(self: Any) -> dict[str, int]:
        return _Uncounted(await old(self))

    old = replace_method(stack, Forwarder, "_where_writers_stand", where)


def _writers_are_forgotten_early(stack: ExitStack) -> None:
    stack.enter_context(patch("faust_redis.log.forwarding.FORGET_AFTER_MS", -12_000))


def _target_is_not_watched(stack: ExitStack) -> None:
    async def look(_self: Forwarder) -> bool:
        return False

    replace_method(stack, Forwarder, "_look_at_target", look)


def _source_is_not_watched(stack: ExitStack) -> None:
    async def is_whole(_self: Forwarder, _position: int) -> bool:
        return True

    replace_method(stack, Forwarder, "_is_whole", is_whole)


SHARD_DEFECTS: dict[str, Defect] = {
    "transit_after_commit": Defect(
        "what goes to other brokers is written after the commit",
        planter=lambda stack: _transit_apart(stack, first=False),
    ),
    "transit_before_commit": Defect(
        "what goes to other brokers is written before the commit, at each attempt",
        planter=lambda stack: _transit_apart(stack, first=True),
    ),
    "sent_directly_too": Defect(
        "some writes send to other brokers directly, others by transit", planter=_sent_directly_too
    ),
    "names_of_writers_recur": Defect(
        "a worker numbers its parcels from 1 in each of its lives", planter=_names_of_writers_recur
    ),
    "parcels_are_not_compared": Defect("source offsets move without a comparison", flaw="no_compare"),
    "source_offsets_after_parcels": Defect(
        "parcels are written, then their source offsets",
        planter=lambda stack: _source_offsets_apart(stack, first=False),
    ),
    "source_offsets_before_parcels": Defect(
        "source offsets are moved, then parcels written", planter=lambda stack: _source_offsets_apart(stack, first=True)
    ),
    "offsets_for_numbers": Defect(
        "source offsets are those of the transit topic, not the numbers of writers", planter=_offsets_for_numbers
    ),
    "writers_are_compared_alone": Defect(
        "a write compares the source offsets of its writers, not of all",
        planter=_writers_are_compared_alone,
    ),
    "writers_are_forgotten_early": Defect(
        "a writer is forgotten while the transit topic has parcels of it", planter=_writers_are_forgotten_early
    ),
    "forwarding_from_the_end": Defect("a forwarder begins at the end", planter=_forwarding_from_the_end),
    "committed_offsets_are_trusted": Defect(
        "a forwarder begins at its committed offset, whatever the target has", planter=_committed_offsets_are_trusted
    ),
    "target_is_not_watched": Defect(
        "a forwarder does not look whether its target went back", planter=_target_is_not_watched
    ),
    "source_is_not_watched": Defect(
        "a forwarder does not look whether its source went back",
        planter=_source_is_not_watched,
        near=240,
    ),
    "trim_waits_for_no_group": Defect(
        "records are trimmed before they are forwarded", flaw="trim_waits_for_no_group", near=145
    ),
}
