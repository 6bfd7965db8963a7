"""The view of the fees feed. Each partition keeps sums of its own; subscribers get the sums over all partitions.

The sums are read once for all subscribers, and kept current by the changes that the follower delivers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
from faust_redis.log import Position

from api.financial.totals import FeeFilter, summed
from api.kit.feeds.change import Changes, delta_data
from api.kit.feeds.follower import ByChannel, Follower
from api.kit.feeds.single_flight import SingleFlightCache, covers
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import EncodedRows
from tables.financial import FINANCIAL_FEES, FeeTotal
from tables.reader import Rows as TableRows
from tables.reader import TableReader


class Sums:
    """All fee totals at one moment, by key and partition, and their sums as JSON, each encoded once.

    Attributes:
        position: The position of the sums; the same object until they change.
    """

    def __init__(self, found: TableRows) -> None:
        self.position = found.position
        self._parts: dict[str, dict[int, FeeTotal]] = {}
        self._rows: dict[str, bytes] = {}
        self._deltas_of: Changes | None = None
        self._deltas: dict[FeeFilter, bytes | None] = {}
        for row in found.rows:
            self._parts.setdefault(row.key, {})[row.partition] = FeeTotal.load(row.value)

    def take(self, changes: Changes) -> None:
        """Take in changes; those below the position are in the sums already."""
        offsets = dict(self.position.offsets)
        for change in changes:
            if change.offset >= offsets[change.partition]:
                key, value = str(change.key.name), change.record.value
                part = FeeTotal() if value is None else FeeTotal.load(value)
                self._parts.setdefault(key, {})[change.partition] = part
                self._rows.pop(key, None)
        for partition, end in changes.ends.items():
            offsets[partition] = max(offsets[partition], end)
        self.position = Position(self.position.topic, self.position.epoch, offsets)
        self._deltas_of = None

    def rows(self, fee_filter: FeeFilter) -> EncodedRows:
        """Return the encoded sums that a filter takes, in the order of their keys."""
        return [self._row(key) for key in sorted(self._parts) if fee_filter.matches(key)]

    def since(self, changes: Changes, fee_filter: FeeFilter) -> bytes | None:
        """Return the data of a delta: the changed sums that a filter takes, as they are now; None when there are none.

        The result is cached by filter until the next changes, so subscribers with one filter share it.
        """
        if changes is not self._deltas_of:
            self._deltas_of, self._deltas = changes, {}
        if fee_filter not in self._deltas:
            self._deltas[fee_filter] = self._delta(changes, fee_filter)
        return self._deltas[fee_filter]

    def _delta(self, changes: Changes, fee_filter: FeeFilter) -> bytes | None:
        changed = {str(change.key.name) for change in changes}
        rows = [self._row(key) for key in sorted(changed) if fee_filter.matches(key)]
        return delta_data(rows) if rows else None

    def _row(self, key: str) -> bytes:
        if key not in self._rows:
            total = summed(key, self._parts.get(key, {}).values())
            self._rows[key] = orjson.dumps(total)
        return self._rows[key]


class SharedSums:
    """The fee sums that all subscribers of the feed share."""

    def __init__(self, tables: TableReader) -> None:
        self._tables = tables
        self._sums = SingleFlightCache(self._read)

    async def at(self, at_least: Position) -> Sums:
        """Return the sums as of a position or later."""
        return await self._sums.at(at_least)

    async def prepare(self, changed: ByChannel, since: Position) -> None:
        """Apply changes before subscribers get them.

        Wait for a read in flight first. Its result may lack these changes, and would undo them.
        """
        await self._sums.settled()
        sums = self._sums.last
        if sums is not None and not covers(sums.position, since):
            self.forget()  # changes came while there was no subscriber
        elif sums is not None and None in changed:
            sums.take(changed[None])

    def forget(self) -> None:
        """Drop the totals, because the log may be another one in which these positions mean something else."""
        self._sums = SingleFlightCache(self._read)

    async def _read(self) -> Sums:
        return Sums(await self._tables.rows(FINANCIAL_FEES.name))


class FeesView:
    """Shows one subscriber the fee sums that its filter takes."""

    def __init__(self, totals: SharedSums, fee_filter: FeeFilter) -> None:
        self.channels = None
        self._totals = totals
        self._filter = fee_filter

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield all sums of the filter at one moment."""
        now = await self._totals.at(await follower.reading())
        subscriber.know(now.position)
        yield now.rows(self._filter)

    async def resume(self) -> None:
        """Do nothing: a subscriber has no sums of its own."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the sums that changed."""
        del subscriber
        now = await self._totals.at(Position(position.topic, position.epoch, changes.ends))
        return now.since(changes, self._filter)
