"""Add executions up to a candle. Pure."""

from __future__ import annotations

from streams.events.trading import TradeExecuted
from streams.units import Quantity
from tables.candles import Candle, place_of


class CandleSum:
    """A candle to which executions are added. It has the fields of `Candle`."""

    __slots__ = Candle.__struct_fields__

    def __init__(self, executed: TradeExecuted, at: int) -> None:
        """Begin with one execution at a time in microseconds."""
        self.open = self.high = self.low = self.close = executed.price
        self.volume: int = executed.size
        self.notional: int = executed.notional_usd
        self.trades = 1
        self.first_at = self.last_at = int(at)
        self.first_id = self.last_id = executed.fill_id

    def add(self, executed: TradeExecuted, at: int) -> None:
        """Add an execution."""
        price, fill_id = executed.price, executed.fill_id
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.volume += executed.size
        self.notional += executed.notional_usd
        self.trades += 1
        if at > self.last_at or (
            at == self.last_at and place_of(at, fill_id, price) > place_of(self.last_at, self.last_id, self.close)
        ):
            self.close, self.last_at, self.last_id = price, int(at), fill_id
        if at < self.first_at or (
            at == self.first_at and place_of(at, fill_id, price) < place_of(self.first_at, self.first_id, self.open)
        ):
            self.open, self.first_at, self.first_id = price, int(at), fill_id

    def row(self) -> Candle:
        """Return the candle."""
        return Candle(
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=Quantity(self.volume),
            notional=self.notional,
            trades=self.trades,
            first_at=self.first_at,
            first_id=self.first_id,
            last_at=self.last_at,
            last_id=self.last_id,
        )
