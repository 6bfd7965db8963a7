"""The view of a feed of totals. Each partition keeps totals of its own; subscribers get the sums over all partitions.

The sums are read once for all subscribers, and kept current by the changes that the follower delivers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import orjson
from faust_redis.log import Position, StoredRecord
from starlette.responses import Response

from api.financial.totals import KeyFilter, Totals
from api.kit.answers import json_answer
from api.kit.context import Api
from api.kit.feeds.change import Changes, Reading, delta_data
from api.kit.feeds.feed import Feed
from api.kit.feeds.follower import ByChannel, Follower
from api.kit.feeds.single_flight import SingleFlightCache, covers
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import EncodedRows
from tables.reader import Rows as TableRows
from tables.reader import TableReader


def _read(_: int, record: StoredRecord) -> Reading | None:
    """Read the total of one partition. Viewers get the sum over all partitions."""
    if record.key is None:
        return None
    key = record.key.decode()
    return Reading(key, (key,), lambda: None)


def totals_feed(name: str, totals: Totals[Any]) -> Feed[SharedSums]:
    """Return the feed of a table of totals."""
    return Feed(
        name=name, follows=totals.table, read=lambda _sealer: _read, shared=lambda tables: SharedSums(totals, tables)
    )


async def answered(api: Api, totals: Totals[Any], key_filter: KeyFilter, name: str) -> Response:
    """Answer with the sums that a filter takes, and the position they are true for."""
    found = await api.tables.rows(totals.table.name)
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in found.rows:
        if key_filter.matches(row.key):
            parts[row.key].append(totals.load(row.value))
    return json_answer(
        {"position": str(found.position), name: [totals.summed(key, parts[key]) for key in sorted(parts)]}
    )


class Sums:
    """All totals of a table at one moment, by key and partition, and their sums as JSON, each encoded once.

    Attributes:
        position: The position of the sums; the same object until they change.
    """

    def __init__(self, totals: Totals[Any], found: TableRows) -> None:
        self._totals = totals
        self.position = found.position
        self._parts: dict[str, dict[int, Any]] = {}
        self._rows: dict[str, bytes] = {}
        self._deltas_of: Changes | None = None
        self._deltas: dict[KeyFilter, bytes | None] = {}
        for row in found.rows:
            self._parts.setdefault(row.key, {})[row.partition] = totals.load(row.value)

    def take(self, changes: Changes) -> None:
        """Take in changes; those below the position are in the sums already."""
        offsets = dict(self.position.offsets)
        for change in changes:
            if change.offset >= offsets[change.partition]:
                key, value = str(change.key.name), change.record.value
                part = self._totals.none if value is None else self._totals.load(value)
                self._parts.setdefault(key, {})[change.partition] = part
                self._rows.pop(key, None)
        for partition, end in changes.ends.items():
            offsets[partition] = max(offsets[partition], end)
        self.position = Position(self.position.topic, self.position.epoch, offsets)
        self._deltas_of = None

    def rows(self, key_filter: KeyFilter) -> EncodedRows:
        """Return the encoded sums that a filter takes, in the order of their keys."""
        return [self._row(key) for key in sorted(self._parts) if key_filter.matches(key)]

    def since(self, changes: Changes, key_filter: KeyFilter) -> bytes | None:
        """Return the data of a delta: the changed sums that a filter takes, as they are now; None when there are none.

        The result is cached by filter until the next changes, so subscribers with one filter share it.
        """
        if changes is not self._deltas_of:
            self._deltas_of, self._deltas = changes, {}
        if key_filter not in self._deltas:
            self._deltas[key_filter] = self._delta(changes, key_filter)
        return self._deltas[key_filter]

    def _delta(self, changes: Changes, key_filter: KeyFilter) -> bytes | None:
        changed = {str(change.key.name) for change in changes}
        rows = [self._row(key) for key in sorted(changed) if key_filter.matches(key)]
        return delta_data(rows) if rows else None

    def _row(self, key: str) -> bytes:
        if key not in self._rows:
            total = self._totals.summed(key, self._parts.get(key, {}).values())
            self._rows[key] = orjson.dumps(total)
        return self._rows[key]


class SharedSums:
    """The sums that all subscribers of a feed share."""

    def __init__(self, totals: Totals[Any], tables: TableReader) -> None:
        self._totals = totals
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
        return Sums(self._totals, await self._tables.rows(self._totals.table.name))


class SumsView:
    """Shows one subscriber the sums that its filter takes."""

    def __init__(self, sums: SharedSums, key_filter: KeyFilter) -> None:
        self.channels = None
        self._sums = sums
        self._filter = key_filter

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[EncodedRows]:
        """Yield all sums of the filter at one moment."""
        now = await self._sums.at(await follower.reading())
        subscriber.know(now.position)
        yield now.rows(self._filter)

    async def resume(self) -> None:
        """Do nothing: a subscriber has no sums of its own."""

    async def delta(self, changes: Changes, position: Position, subscriber: Subscriber) -> bytes | None:
        """Return the sums that changed."""
        del subscriber
        now = await self._sums.at(Position(position.topic, position.epoch, changes.ends))
        return now.since(changes, self._filter)
