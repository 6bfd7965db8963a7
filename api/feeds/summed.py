"""The fees feed's view: each partition keeps sums of its own; subscribers are told the sums over all partitions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson

from api.feeds.change import Change, Changes, delta_data
from api.feeds.follower import Follower
from api.feeds.subscriber import Subscriber
from api.feeds.views import Rows
from api.queries.fees import FeeFilter, sums
from streams.log import Position
from tables.catalog import FINANCIAL_FEES
from tables.reader import TableReader
from tables.rows import FeeTotal


class FeesView:
    """Fee totals of a filter."""

    def __init__(self, tables: TableReader, wanted: FeeFilter) -> None:
        self.channels = None
        self._tables = tables
        self._wanted = wanted
        self._parts: dict[str, dict[int, FeeTotal]] = {}
        self._known: Position | None = None

    async def snapshot(self, follower: Follower, subscriber: Subscriber) -> AsyncIterator[Rows]:
        """All totals of the filter at one moment."""
        del follower
        subscriber.know(await self._load())
        yield self._rows(self._parts)

    async def resume(self) -> None:
        """Learn each partition's sums as of now."""
        await self._load()

    async def _load(self) -> Position:
        found = await self._tables.rows(FINANCIAL_FEES.name)
        self._known = found.position
        self._parts = {}
        for row in found.rows:
            if self._wanted.takes(row.key):
                self._parts.setdefault(row.key, {})[row.partition] = FeeTotal.load(row.value)
        return found.position

    async def delta(self, changes: Changes, reached: Position, subscriber: Subscriber) -> bytes | None:
        """The totals that changed."""
        del reached, subscriber
        changed: set[str] = set()
        for change in changes:
            key = str(change.key.name)
            if self._wanted.takes(key):
                self._learn(key, change)
                changed.add(key)
        return delta_data(self._rows(changed)) if changed else None

    def _learn(self, key: str, change: Change) -> None:
        if self._known is not None and change.offset < self._known.offsets[change.partition]:
            return  # what was read then has it already
        parts = self._parts.setdefault(key, {})
        value = change.record.value
        parts[change.partition] = FeeTotal() if value is None else FeeTotal.load(value)

    def _rows(self, keys: dict[str, dict[int, FeeTotal]] | set[str]) -> Rows:
        totals = ((key, part) for key in keys for part in self._parts.get(key, {}).values())
        return [orjson.dumps(fee.model_dump(mode="json")) for fee in sums(totals)]
