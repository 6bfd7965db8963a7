"""The plain program with windows of event time, in dictionaries that each fill changes."""

from typing import Any

from tests.peers.product.apps.plain_app import Memory, run
from tests.peers.product.apps.rules import Played, Row
from tests.peers.product.apps.windows import Candle, Key, add_candle, candle_of, count, fee_hour, text_of, values_of


class Windows(Memory):
    """All tables, with candles, hours and days."""

    def __init__(self) -> None:
        super().__init__()
        self.candles: dict[Key, Candle] = {}
        self.hours: dict[int, Row] = {}
        self.days: dict[tuple[str, str], Row] = {}

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings, also to its windows."""
        super().add(played, fill)
        self.fees[fee_hour(fill)].update(played.fees)
        add_candle(self.candles, fill["market"], played.at, candle_of(fill, played))
        count(self.days, self.hours, fill, played)

    def results(self) -> dict[str, Any]:
        """Return the tables that the race checks."""
        days = {f"{user}|{day}": row for (user, day), row in self.days.items()}
        candles = {text_of(key): values_of(candle) for key, candle in self.candles.items()}
        return {**super().results(), "candles": candles, "hours": self.hours, "days": days}


if __name__ == "__main__":
    run(Windows())
