"""Revenue by stream, asset and period: each amount counts in its UTC day and in its month."""

from __future__ import annotations

from streams.assets import Asset
from streams.events import AnyEvent
from streams.events.financial import RevenueRecorded
from streams.times import Instant
from streams.units import Quantity
from tables.financial import FINANCIAL_REVENUE, Revenue, Stream, revenue_key
from tables.unit_of_work import UnitOfWork

MONTH_CHARS = len("2024-09")


class Revenues:
    """The revenue of a partition."""

    def __init__(self, tables: UnitOfWork) -> None:
        self.rows = tables.rows(FINANCIAL_REVENUE)

    def record(self, cause: AnyEvent, stream: Stream, asset: Asset, amount: int, *, key: str, name: str) -> AnyEvent:
        """Count an amount, and return its record."""
        self.count(stream, asset, cause.time, amount, 1)
        recorded = RevenueRecorded(stream=stream, asset=asset, amount=Quantity(amount), source_event_id=cause.id)
        return cause.then(recorded, key=key, name=name)

    def count(self, stream: Stream, asset: str, time: Instant, amount: int, count: int) -> None:
        """Count an amount that is the sum of `count` parts, of one day."""
        day = time.day().isoformat()
        for period in (day, day[:MONTH_CHARS]):
            key = revenue_key(stream, asset, period)
            before = self.rows.get(key) or Revenue()
            after = Revenue(amount=Quantity(before.amount + amount), count=before.count + count)
            self.rows.put(key, after)
