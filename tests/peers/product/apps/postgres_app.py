"""PostgreSQL with psycopg: a transaction for so many fills as the option says; rankings by an index.

The fills come from a file, which costs less than any queue. A batch reads and writes the rows of each table in one
statement. Points and fees are added in the database, so that only rows of users are read before. Writes are pipelined.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg.types.json import Json, set_json_dumps, set_json_loads

from tests.peers.apps.job import Meter, from_command_line
from tests.peers.product.apps.rules import Played, Row, added, fee_days, periods_of, play

SCHEMA = """
create table seen (fill_id text primary key);
create table progress (user_id text primary key, row json not null);
create table trades (user_id text, trade_id text, notional bigint not null, pnl bigint not null, granted int not null,
    closing bool not null, won bool not null, primary key (user_id, trade_id));
create table positions (user_id text, market text, quantity numeric not null, cost bigint not null,
    realised bigint not null, primary key (user_id, market));
create table boards (board text, user_id text, score bigint not null, reached bigint not null,
    primary key (board, user_id));
create index rankings on boards (board, score desc, reached, user_id);
create table fees (day text primary key, paymaster bigint not null, staking_rewards bigint not null,
    treasury bigint not null, total bigint not null);
create table events (position bigserial primary key, type text not null, event json not null);
"""
SHARES = ("paymaster", "staking_rewards", "treasury", "total")
TRADE = ("notional", "pnl", "granted", "closing", "won")
POSITION = ("quantity", "cost", "realised")

NEW = "insert into seen select unnest(%s::text[]) on conflict do nothing returning fill_id"
READ_PROGRESS = "select user_id, row from progress where user_id = any(%s) for update"
READ_TRADES = f"""
select user_id, trade_id, {", ".join(TRADE)} from trades
join unnest(%s::text[], %s::text[]) as wanted (user_id, trade_id) using (user_id, trade_id)"""
READ_POSITIONS = f"""
select user_id, market, {", ".join(POSITION)} from positions
join unnest(%s::text[], %s::text[]) as wanted (user_id, market) using (user_id, market)"""
PUT_PROGRESS = """
insert into progress select * from unnest(%s::text[], %s::json[])
on conflict (user_id) do update set row = excluded.row"""
PUT_TRADES = """
insert into trades select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::bool[],
    %s::bool[])
on conflict (user_id, trade_id) do update set notional = excluded.notional, pnl = excluded.pnl,
    granted = excluded.granted, closing = excluded.closing, won = excluded.won"""
PUT_POSITIONS = """
insert into positions select * from unnest(%s::text[], %s::text[], %s::numeric[], %s::bigint[], %s::bigint[])
on conflict (user_id, market) do update set quantity = excluded.quantity, cost = excluded.cost,
    realised = excluded.realised"""
ADD_POINTS = """
insert into boards select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])
on conflict (board, user_id) do update set score = boards.score + excluded.score, reached = excluded.reached"""
ADD_NOTHING = """
insert into boards select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[]) on conflict do nothing"""
ADD_FEES = f"""
insert into fees select * from unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
on conflict (day) do update set {", ".join(f"{name} = fees.{name} + excluded.{name}" for name in SHARES)}"""
SEND = "insert into events (type, event) select * from unnest(%s::text[], %s::json[])"


class Batch:
    """The rows of one transaction."""

    def __init__(self, cursor: psycopg.Cursor[Any], fills: Iterable[Row]) -> None:
        self.cursor = cursor
        by_id = {fill["fill_id"]: fill for fill in fills}
        new = {fill_id for (fill_id,) in cursor.execute(NEW, (list(by_id),))}
        self.fills = [fill for fill_id, fill in by_id.items() if fill_id in new]
        users = [fill["user_id"] for fill in self.fills]
        trades, markets = [fill["trade_id"] for fill in self.fills], [fill["market"] for fill in self.fills]
        self.progress: dict[str, Row] = dict(cursor.execute(READ_PROGRESS, (users,)))
        self.trades = by_key(cursor.execute(READ_TRADES, (users, trades)), TRADE)
        self.positions = by_key(cursor.execute(READ_POSITIONS, (users, markets)), POSITION)
        self.boards: dict[tuple[str, str], list[Any]] = {}
        self.fees: dict[str, dict[str, int]] = {}
        self.events: list[Row] = []

    def play(self) -> None:
        """Apply the fills to the rows."""
        for fill in self.fills:
            user = fill["user_id"]
            trade, position = (user, fill["trade_id"]), (user, fill["market"])
            played = play(self.progress.get(user), self.trades.get(trade), self.positions.get(position), fill)
            self.progress[user], self.trades[trade], self.positions[position] = played[:3]
            self.events += played.events
            self.add(played, fill)

    def add(self, played: Played, fill: Row) -> None:
        """Add what a fill brings to boards and fees."""
        for board, scope, amount in played.points:
            for period in periods_of(fill["executed_at"][:10]):
                key = f"{board}/{scope}/{period}", fill["user_id"]
                self.boards[key] = added(self.boards.get(key), amount, played.at)
        for day in fee_days(fill):
            self.add_fees(day, played)

    def add_fees(self, key: str, played: Played) -> None:
        """Add the shares of a fill's fee to a row."""
        total = self.fees.setdefault(key, dict.fromkeys(SHARES, 0))
        for name, amount in played.fees.items():
            total[name] += amount

    def store(self) -> None:
        """Write all rows."""
        do = self.cursor.execute
        do(PUT_PROGRESS, (list(self.progress), [Json(row) for row in self.progress.values()]))
        do(PUT_TRADES, _columns(self.trades, TRADE))
        do(PUT_POSITIONS, _columns(self.positions, POSITION))
        changed = [(*key, *row[:2]) for key, row in self.boards.items() if row[2]]
        same = [(*key, *row[:2]) for key, row in self.boards.items() if not row[2]]
        if changed:
            do(ADD_POINTS, _transposed(changed))
        if same:
            do(ADD_NOTHING, _transposed(same))
        do(ADD_FEES, _transposed([(day, *(row[name] for name in SHARES)) for day, row in self.fees.items()]))
        do(SEND, ([event["type"] for event in self.events], [Json(event) for event in self.events]))


def by_key(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> dict[tuple[str, str], Row]:
    """Return rows by their first two columns, with names for the others."""
    return {(first, second): dict(zip(names, rest, strict=True)) for first, second, *rest in rows}


def _columns(rows: dict[tuple[str, str], Row], names: Sequence[str]) -> list[list[Any]]:
    return _transposed([(*key, *(row[name] for name in names)) for key, row in rows.items()])


def _transposed(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def results(cursor: psycopg.Cursor[Any]) -> dict[str, Any]:
    """Return the tables that the race checks; the index gives the order of the boards."""
    boards: dict[str, list[Any]] = {}
    ranked = "select board, user_id, score, reached from boards order by board, score desc, reached, user_id"
    for board, *row in cursor.execute(ranked):
        boards.setdefault(board, []).append(row)
    positions = cursor.execute(f"select user_id || '|' || market, {', '.join(POSITION)} from positions").fetchall()
    fees = cursor.execute(f"select day, {', '.join(SHARES)} from fees").fetchall()
    return {
        "progress": dict(cursor.execute("select user_id, row from progress")),
        "positions": {
            key: {**dict(zip(POSITION, row, strict=True)), "quantity": str(row[0])} for key, *row in positions
        },
        "boards": boards,
        "fees": {day: dict(zip(SHARES, row, strict=True)) for day, *row in fees},
        "events": cursor.execute("select type, event -> 'data' from events order by position").fetchall(),
    }


def run(schema: str, batch_of: type[Batch], results: Callable[[psycopg.Cursor[Any]], dict[str, Any]]) -> None:
    """Process all fills of the file."""
    job = from_command_line()
    set_json_loads(orjson.loads)
    set_json_dumps(orjson.dumps)
    meter, size = Meter(job), int(job.option)
    with psycopg.connect(job.broker) as connection:
        cursor = connection.cursor()
        cursor.execute(schema)
        connection.commit()
        lines = iter(Path(job.topic).read_bytes().splitlines())
        while waiting := list(islice(lines, size)):
            batch = batch_of(cursor, map(orjson.loads, waiting))
            if batch.fills:
                batch.play()
                with connection.pipeline():
                    batch.store()
            connection.commit()
            meter.step(len(waiting))
        meter.stop()
        meter.finish(results(cursor))


if __name__ == "__main__":
    run(SCHEMA, Batch, results)
