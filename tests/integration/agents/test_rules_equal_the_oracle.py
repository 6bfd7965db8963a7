"""Compare the domains over plain dictionaries with the oracle: this is fast, so many generated files can be tried."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.financial.domain import Financial
from agents.gamification.domain import Gamification
from agents.rulebook import packaged_rulebook
from agents.trading.domain import Trading
from deploy.replay.fills import Fill, read_fills
from streams.events import AnyEvent, Event
from streams.events.trading import ReportFill
from streams.ids import fill_event_id
from streams.times import Instant
from streams.topology import TableSpec
from tables.boards import Standing, group_of
from tables.gamification import DailyTrading
from tables.typed import BytesMap, standings
from tests.bench.synthetic import write_fills
from tests.e2e.facts import Facts, assert_equal, candle_name, expected, fee_facts, fee_hour_facts
from tests.e2e.files import SAMPLE, full_file
from tests.e2e.served import achievement
from tests.oracle import fills as oracle_fills
from tests.oracle.fold import fold

VENUE = "venue-1"


class Product:
    """The three domains, wired by hand."""

    def __init__(self) -> None:
        self.tables: dict[str, BytesMap] = defaultdict(dict)
        self.trading = Trading(self._open, packaged_rulebook())
        self.gamification = Gamification(self._open, packaged_rulebook())
        self.financial = Financial(self._open, packaged_rulebook())

    def _open(self, spec: TableSpec[object]) -> BytesMap:
        return self.tables[spec.name]

    def report(self, fills: Iterable[Fill]) -> None:
        with self.trading.tables.batch():
            executed = self.trading.commands([command(fill) for fill in fills])
        with self.gamification.tables.batch():
            self.gamification.traded_together(executed)
        with self.financial.tables.batch():
            self.financial.traded_together(executed)

    def facts(self) -> Facts:
        return dict([*self._progress(), *self._boards(), *self._fees(), *self._positions(), *self._windows()])

    def _progress(self) -> Iterator[tuple[str, object]]:
        for key in self.tables["gamification-progress"]:
            user = key.decode()
            row = self.gamification.progress.get(user)
            assert row is not None
            streak = row.streaks["trading"]
            yield from {
                f"progress {user} xp": row.xp,
                f"progress {user} level": row.level,
                f"progress {user} max_leverage": row.max_leverage,
                f"progress {user} shards": row.ss,
                f"progress {user} trades": row.trades,
                f"progress {user} closes": row.closes,
                f"progress {user} wins": row.wins,
                f"progress {user} volume": row.volume,
                f"progress {user} pnl": row.pnl,
                f"progress {user} streak": streak.days,
                f"progress {user} streak_best": streak.best,
                f"progress {user} streak_last_day": date(1970, 1, 1) + timedelta(days=streak.last_day),
                f"progress {user} achievements": [(achievement(one.name), time(one.at)) for one in row.achievements],
            }.items()

    def _boards(self) -> Iterator[tuple[str, object]]:
        groups: dict[str, list[tuple[Standing, str]]] = defaultdict(list)
        for key, value in self.tables["gamification-boards"].items():
            name, _, user = key.decode().rpartition("|")
            for standing, held in standings(value).items():
                groups[group_of(name, standing)].append((Standing.of(held), user))
        for group, rows in groups.items():
            scope, period, board = group.split("/")
            ranked = enumerate(sorted(rows, key=lambda row: row[0].order(row[1])), start=1)
            yield (
                f"board {board} {period} {scope}",
                [(rank, user, standing.score, time(standing.reached_at)) for rank, (standing, user) in ranked],
            )

    def _fees(self) -> Iterator[tuple[str, object]]:
        for key in self.tables["financial-fees"]:
            row = self.financial.fees.rows.get(key.decode())
            assert row is not None
            _, _, day, beneficiary = key.decode().split("|")
            yield from fee_facts(day, [(beneficiary, row.amount)]).items()

    def _positions(self) -> Iterator[tuple[str, object]]:
        for key in self.tables["trading-positions"]:
            row = self.trading.positions.get(key.decode())
            assert row is not None
            user_id, market = key.decode().split("|")
            yield f"position {user_id} {market} realised", row.realised_pnl
            yield f"position {user_id} {market} quantity", Decimal(row.quantity.text())

    def _windows(self) -> Iterator[tuple[str, object]]:
        for key in map(bytes.decode, self.tables["trading-candles"]):
            row = self.trading.candles.rows.get(key)
            assert row is not None
            interval, begin, market, mode = key.split("|")
            assert mode == "live"
            prices = (row.open, row.high, row.low, row.close, row.volume)
            candle = (*(Decimal(one.text()) for one in prices), row.notional, row.trades)
            yield candle_name(interval, time(Instant.parse(begin)), market), candle
        for key in map(bytes.decode, self.tables["gamification-hours"]):
            hour = self.gamification.windows.hours.get(key)
            assert hour is not None
            live = hour.live
            yield (
                f"hour {key.removeprefix('1h|')}",
                (hour.users, live.executions, live.volume, sum(hour.xp.values())),
            )
        for key in map(bytes.decode, self.tables["financial-fee-hours"]):
            fees = self.financial.fees.hours.get(key)
            assert fees is not None
            of_trading = fees.fees["trading|USD"]
            shares = {"total": of_trading.amount, **of_trading.beneficiaries}
            yield from fee_hour_facts(key.removeprefix("1h|"), shares.items()).items()
        for key in map(bytes.decode, self.tables["gamification-days"]):
            day = self.gamification.windows.days.get(key)
            assert day is not None
            streak = day.streaks.get("trading")
            yield f"day {key.replace('|', ' ')}", (day.xp, *plain(day.live), streak)


def plain(day: DailyTrading) -> tuple[int, int, int, int]:
    return day.trades, day.volume, day.pnl, day.fees


def command(fill: Fill) -> AnyEvent:
    at = Instant.parse(fill["executed_at"])
    data = {name: value for name, value in fill.items() if name != "executed_at"}
    return Event.first(
        ReportFill.of({**data, "venue": VENUE}),
        event_id=fill_event_id(VENUE, fill["user_id"], fill["fill_id"]),
        time=at,
        key=fill["user_id"],
        rules_version=packaged_rulebook().version,
    )


def time(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def compare(path: Path, *, times: int = 1, batch: int = 1) -> None:
    product = Product()
    for _ in range(times):
        fills = list(read_fills(path).fills)
        for start in range(0, len(fills), batch):
            product.report(fills[start : start + batch])
    assert_equal(expected(fold(oracle_fills.read_fills(path))), product.facts())


@pytest.mark.parametrize("batch", [1, 50, 500])
@pytest.mark.parametrize("path", [SAMPLE, pytest.param(full_file(), marks=pytest.mark.heavy)], ids=["sample", "full"])
@pytest.mark.sample(3)
def test_the_rules_and_the_oracle_agree_on_real_fills(path: Path, batch: int) -> None:
    compare(path, batch=batch)


@pytest.mark.parametrize("batch", [1, 7, 500])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.sample(4)
def test_the_rules_and_the_oracle_agree_on_made_fills(tmp_path: Path, seed: int, batch: int) -> None:
    compare(write_fills(tmp_path / "fills.csv", fills=600, users=3 + 10 * seed, seed=seed), batch=batch)


def test_fills_that_come_twice_count_once(tmp_path: Path) -> None:
    compare(write_fills(tmp_path / "fills.csv", fills=300, users=20), times=2)
