"""A plain program over dictionaries that keeps nothing: the least that the rules cost."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import orjson

from tests.peers.apps.job import Meter, from_command_line
from tests.peers.product.apps.rules import Played, Row, added, boards_of, fee_days, periods_of, play


class Memory:
    """All tables, in dictionaries."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.progress: dict[str, Row] = {}
        self.trades: dict[tuple[str, str], Row] = {}
        self.positions: dict[str, Row] = {}
        self.standings: dict[tuple[str, str], list[Any]] = {}
        self.fees: dict[str, Counter[str]] = defaultdict(Counter)
        self.events: list[Row] = []

    def take(self, fill: Row) -> None:
        """Apply a fill, unless it is a repetition."""
        if fill["fill_id"] in self.seen:
            return
        self.seen.add(fill["fill_id"])
        user, trade = fill["user_id"], (fill["user_id"], fill["trade_id"])
        position = f"{user}|{fill['market']}"
        played = play(self.progress.get(user), self.trades.get(trade), self.positions.get(position), fill)
        self.progress[user], self.trades[trade], self.positions[position] = played[:3]
        self.add(played, fill)

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings to boards, fees and events."""
        for board, scope, amount in played.points:
            for period in periods_of(fill["executed_at"][:10]):
                key = f"{board}/{scope}/{period}", fill["user_id"]
                self.standings[key] = added(self.standings.get(key), amount, played.at)
        for day in fee_days(fill):
            self.fees[day].update(played.fees)
        self.events += played.events

    def results(self) -> dict[str, Any]:
        """Return the tables that the race checks."""
        return {
            "progress": self.progress,
            "positions": self.positions,
            "boards": boards_of(self.standings),
            "fees": self.fees,
            "events": [[event["type"], event["data"]] for event in self.events],
        }


def run(memory: Memory) -> None:
    """Process all fills of the file."""
    job = from_command_line()
    meter = Meter(job)
    for line in Path(job.topic).read_bytes().splitlines():
        memory.take(orjson.loads(line))
        meter.step()
    meter.finish(memory.results())


if __name__ == "__main__":
    run(Memory())
