"""Quix Streams: all rows of a user lie in the state of the user's key, in RocksDB with a changelog topic.

Option: ``at-least-once`` or ``exactly-once``. Fees are kept by user, because state belongs to a key. A reader adds and
sorts. The clocks stop when `run` returns: it commits its last checkpoint before that.
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Literal, cast

from quixstreams import Application
from quixstreams.state import State

from tests.peers.apps.job import Meter, from_command_line
from tests.peers.product.apps.rules import Row, added, boards_of, fee_days, periods_of, play


class Rows:
    """The rows of a user in its state. It also remembers the last value of each, since state cannot be listed."""

    def __init__(self) -> None:
        self.last: dict[str, dict[tuple[str, str], Any]] = defaultdict(dict)

    def take(self, fill: Row, state: State) -> list[Row]:
        """Apply a fill, unless it is a repetition; return its events."""
        if state.get(f"seen/{fill['fill_id']}"):
            return []
        state.set(f"seen/{fill['fill_id']}", True)
        user = fill["user_id"]
        keys = (("progress", ""), ("trades", fill["trade_id"]), ("positions", fill["market"]))
        progress, trade, position = (cast("Row | None", state.get("/".join(key))) for key in keys)
        played = play(progress, trade, position, fill)
        for (table, key), row in zip(keys, played[:3], strict=True):
            self._put(state, table, user, key, row)
        for board, scope, amount in played.points:
            row = self._row(state, "standings", f"{board}/{scope}")
            for period in periods_of(fill["executed_at"][:10]):
                row[period] = added(row.get(period), amount, played.at)
            self._put(state, "standings", user, f"{board}/{scope}", row)
        for day in fee_days(fill):
            row = self._row(state, "fees", day)
            shares = {name: row.get(name, 0) + amount for name, amount in played.fees.items()}
            self._put(state, "fees", user, day, shares)
        return played.events

    def results(self) -> dict[str, Any]:
        """Return the tables that the race checks; the race reads the events itself."""
        standings = {
            (f"{board}/{period}", user): standing
            for (user, board), row in self.last["standings"].items()
            for period, standing in row.items()
        }
        fees: dict[str, Counter[str]] = defaultdict(Counter)
        for (_, day), row in self.last["fees"].items():
            fees[day].update(row)
        return {
            "progress": {user: row for (user, _), row in self.last["progress"].items()},
            "positions": {f"{user}|{market}": row for (user, market), row in self.last["positions"].items()},
            "boards": boards_of(standings),
            "fees": fees,
        }

    def _row(self, state: State, table: str, key: str) -> Row:
        return cast("Row | None", state.get(f"{table}/{key}")) or {}

    def _put(self, state: State, table: str, user: str, key: str, row: Row) -> None:
        state.set(f"{table}/{key}", row)
        self.last[table][user, key] = row


def main() -> None:
    job = from_command_line()
    app = Application(
        broker_address=job.broker,
        consumer_group=job.group,
        auto_offset_reset="earliest",
        state_dir=Path(job.directory),
        loglevel="ERROR",
        processing_guarantee=cast("Literal['at-least-once', 'exactly-once']", job.option),
    )
    meter, rows = Meter(job), Rows()

    def take(fill: Row, state: State) -> list[Row]:
        if meter.step():
            app.stop()
        return rows.take(fill, state)

    frame = app.dataframe(app.topic(job.topic, value_deserializer="json"))
    events = frame.apply(take, expand=True, stateful=True)
    events.to_topic(app.topic(job.output, value_serializer="json"))
    app.run()
    meter.finish(rows.results())


if __name__ == "__main__":
    main()
