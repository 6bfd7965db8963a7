"""PostgreSQL with windows of event time: one more statement for each of three tables, and more rows of fees.

A batch adds up its candles and hours, and the database adds them to the rows. Days are read before, as trades are. The
rows go to the database as JSON, which costs the client less than arrays of so many columns.
"""

from collections.abc import Iterable
from typing import Any

import orjson
import psycopg

from tests.peers.product.apps import postgres_app
from tests.peers.product.apps.postgres_app import Batch, by_key, run
from tests.peers.product.apps.rules import Played, Row
from tests.peers.product.apps.windows import DAY_FIELDS, HOUR_FIELDS, Candle, Sums, fee_hour, text_of, values_of

CANDLE_COLUMNS = ("interval", "begin", "market", *Candle._fields)

SCHEMA = f"""{postgres_app.SCHEMA}
create table candles (interval text, begin bigint, market text, open numeric not null, high numeric not null,
    low numeric not null, close numeric not null, volume numeric not null, notional bigint not null,
    trades int not null, first text collate "C" not null, last text collate "C" not null,
    primary key (interval, market, begin));
create table hours (begin bigint primary key, {", ".join(f"{name} bigint not null" for name in HOUR_FIELDS)});
create table days (user_id text, day text, xp bigint not null, trades int not null, volume bigint not null,
    pnl bigint not null, fees bigint not null, streak int, active_hours int not null, primary key (user_id, day));
"""
READ_DAYS = f"""
select user_id, day, {", ".join(DAY_FIELDS)} from days
join unnest(%s::text[], %s::text[]) as wanted (user_id, day) using (user_id, day)"""
PUT_DAYS = f"""
insert into days select * from json_populate_recordset(null::days, %s)
on conflict (user_id, day) do update set {", ".join(f"{name} = excluded.{name}" for name in DAY_FIELDS)}"""
ADD_HOURS = f"""
insert into hours select * from json_populate_recordset(null::hours, %s)
on conflict (begin) do update set {", ".join(f"{name} = hours.{name} + excluded.{name}" for name in HOUR_FIELDS)}"""
ADD_CANDLES = """
insert into candles as old select * from json_populate_recordset(null::candles, %s)
on conflict (interval, market, begin) do update set
    open = case when excluded.first < old.first then excluded.open else old.open end,
    high = greatest(old.high, excluded.high),
    low = least(old.low, excluded.low),
    close = case when excluded.last > old.last then excluded.close else old.close end,
    volume = old.volume + excluded.volume,
    notional = old.notional + excluded.notional,
    trades = old.trades + excluded.trades,
    first = least(old.first, excluded.first),
    last = greatest(old.last, excluded.last)"""


class WindowsBatch(Batch):
    """The rows of one transaction, with those of windows."""

    def __init__(self, cursor: psycopg.Cursor[Any], fills: Iterable[Row]) -> None:
        super().__init__(cursor, fills)
        users, days = [fill["user_id"] for fill in self.fills], [fill["executed_at"][:10] for fill in self.fills]
        self.sums = Sums(by_key(cursor.execute(READ_DAYS, (users, days)), DAY_FIELDS))

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings, also to its windows."""
        super().add(played, fill)
        self.add_fees(fee_hour(fill), played)
        self.sums.add(fill, played)

    def store(self) -> None:
        """Write all rows."""
        super().store()
        sums = self.sums
        self._put(PUT_DAYS, ({"user_id": user, "day": day, **row} for (user, day), row in sums.days.items()))
        self._put(ADD_HOURS, ({"begin": begin, **row} for begin, row in sums.hours.items()))
        self._put(ADD_CANDLES, (dict(zip(CANDLE_COLUMNS, (*k, *c), strict=True)) for k, c in sums.candles().items()))

    def _put(self, statement: str, rows: Iterable[Row]) -> None:
        self.cursor.execute(statement, (orjson.dumps(list(rows), default=str).decode(),))


def results(cursor: psycopg.Cursor[Any]) -> dict[str, Any]:
    """Return the tables that the race checks."""
    candles = cursor.execute(f"select {', '.join(CANDLE_COLUMNS)} from candles").fetchall()
    hours = cursor.execute(f"select begin, {', '.join(HOUR_FIELDS)} from hours").fetchall()
    days = cursor.execute(f"select user_id || '|' || day, {', '.join(DAY_FIELDS)} from days").fetchall()
    return {
        **postgres_app.results(cursor),
        "candles": {
            text_of((interval, begin, market)): values_of(Candle(*row)) for interval, begin, market, *row in candles
        },
        "hours": {begin: dict(zip(HOUR_FIELDS, row, strict=True)) for begin, *row in hours},
        "days": {key: dict(zip(DAY_FIELDS, row, strict=True)) for key, *row in days},
    }


if __name__ == "__main__":
    run(SCHEMA, WindowsBatch, results)
