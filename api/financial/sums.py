"""The view of the fees feed. Each partition keeps sums of its own; subscribers are told the sums over all partitions.

They are read once for all who watch, and kept current by the changes that the follower hands out.
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
from api.kit.feeds.views import Rows
from tables.financial import FINANCIAL_FEES, FeeTotal
from tables.reader import Rows as TableRows
from tables.reader import TableReader


class Sums:
    """All fee totals at one moment, by key and partition, and their sums as they are told; each is encoded once.

    Attributes:
        position: What they are true for; the same object until they change.
    """

    def __init__(self, found: TableRows) -> None:
        self.position = found.position
        self._parts: dict[str, dict[int, FeeTotal]] = {}
        self._rows: dict[str, bytes] = {}
        self._told_of: Changes | None = None
        self._told: dict[FeeFilter, bytes | None] = {}
        for row in found.rows:
            self._parts.setdefault(row.key, {})[row.partition] = FeeTotal.load(row.value)

    def take(self, changes: Changes) -> None:
        """Learn changes, of which those below the position are known."""
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
        self._told_of = None

    def rows(self, wanted: FeeFilter) -> Rows:
        """The sums of a filter, in the order of their keys."""
        return [self._row(key) for key in sorted(self._parts) if wanted.takes(key)]

    def since(self, changes: Changes, wanted: FeeFilter) -> bytes | None:
        """The data of a delta: what changed of a filter, as it is now.

        Made once for all who are told the same one after the other; kept of these changes alone.
        """
        if changes is not self._told_of:
            self._told_of, self._told = changes, {}
        if wanted not in self._told:
            self._told[wanted] = self._delta(changes, wanted)
        return self._told[wanted]

    def _delta(self, changes: Changes, wanted: FeeFilter) -> bytes | None:
        changed = {str(change.key.name) for change in changes}
        rows = [self._row(key) for key in sorted(changed) if wanted.takes(key)]
        return delta_data(rows) if rows else None

    def _row(self, key: str) -> bytes:
        if key not in self._rows:
            total = summed(key, self._parts.get(key, {}).values())
            self._rows[key] = orjson.dumps(total)
        return self._rows[key]


class Totals:
    """The fee totals while somebody watches some: one for all."""

    def __init__(self, tables: TableReader) -> None:
        self._tables = tables
        self._sums = SingleFlightCache(self._read)

    async def at(self, at_least: Position) -> Sums:
        """All of them, as of a position or later."""
        return await self._sums.at(at_least)

    async def prepare(self, changed: ByChannel, since: Position) -> None:
        """Learn changes before they are handed out; none are while the sums are read.

        So a later read has them, and nobody is told a sum by an earlier one.
        """
        await self._sums.settled()
        sums = self._sums.last
        if sums is not None and not covers(sums.position, since):
            self.forget()  # some came while nobody listened
        elif sums is not None and None in changed:
            sums.take(changed[None])

    def forget(self) -> None:
        """Read them anew: positions say nothing of what was read of a log that was lost since."""
        self._sums = SingleFlightCache(self._read)

    async def _read(self) -> Sums:
        return Sums(await self._tables.rows(FINANCIAL_FEES.name))


class FeesView:
    """Fee totals of a filter."""

    def __init__(self, totals: Totals, wanted: FeeFilter) -> None:
        self.channels = None
        self._totals = totals
        self._wanted = wanted

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """All totals of the filter at one moment."""
        now = await self._totals.at(await follower.reading())
        subscriber.know(now.position)
        yield now.rows(self._wanted)

    async def resume(self) -> None:
        """Nothing to do: the sums are nobody's own."""

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """The totals that changed."""
        del subscriber
        now = await self._totals.at(Position(reached.topic, reached.epoch, changes.ends))
        return now.since(changes, self._wanted)
