"""Old rows leave: which, when, how many at a step, and that no rule can tell whether a row that is past has left."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from agents.leaving import PASSES
from agents.rulebook import Rulebook, RulebookError, packaged_rulebook, packaged_text, parse_rulebook
from agents.trading import trades
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, TradeRejected
from streams.ids import opened_trade_id
from streams.times import DAY_US, HOUR_US, Instant
from tables.boards import parse_period
from tables.gamification import (
    GAMIFICATION_BOARDS,
    GAMIFICATION_DAYS,
    GAMIFICATION_PROGRESS,
    GAMIFICATION_TRADES,
    GAMIFICATION_WATERMARK,
)
from tables.trading import TRADING_PORTFOLIO, TRADING_TRADES
from tables.watermark import WATERMARK_KEY
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import fill_of, of_type

START = Instant.parse("2024-09-02T00:00:00Z")
"""A Monday."""
KEPT = 8
LATE = KEPT // PASSES
TICKS_A_DAY = 4


def rules(kept_days: int = KEPT) -> Rulebook:
    return rulebook_with({"rows": {"kept_days": kept_days}})


def at(day: int, hour: int = 12) -> Instant:
    return Instant(START + day * DAY_US + hour * HOUR_US)


def fill(cluster: Cluster, day: int, name: str, user: str = "ada", hour: int = 12, **fields: str) -> None:
    cluster.post(fill_of(name, user, **fields), user, at(day, hour))


def one_day(cluster: Cluster, day: int, users: int = 3) -> None:
    """Let some users trade on a day, and the clock tick."""
    for number in range(users):
        for hour in (1, 13):
            fill(cluster, day, f"f-{day}-{number}-{hour}", f"user-{number}", hour, trade_id=f"t-{day}-{number}")
    cluster.run()
    for hour in range(0, 24, 24 // TICKS_A_DAY):
        cluster.tick(Instant(at(day + 1, 0) + hour * HOUR_US))


def keys(cluster: Cluster, domain: str, table: str) -> list[str]:
    return [key.decode() for tables in cluster.stored(domain) for key in tables.get(table, {})]


def ages(cluster: Cluster, day: int) -> dict[str, int]:
    """Return the age in days of the oldest row of each table, at the end of a day."""
    now = at(day + 1, 0)
    standings = [
        key.rpartition("|")[0].partition("/")[2] for key in keys(cluster, "gamification", "gamification-boards")
    ]
    oldest = {"boards": min(parse_period(one).end or 0 for one in standings if one)}
    days = [key.rpartition("|")[2] for key in keys(cluster, "gamification", "gamification-days")]
    oldest["days"] = Instant.parse(f"{min(days)}T00:00:00Z") + DAY_US
    for name, domain in (("trading-trades", "trading"), ("gamification-trades", "gamification")):
        numbers = [int(key.split("|t-")[1].split("-")[0]) for key in keys(cluster, domain, name)]
        oldest[name] = at(min(numbers), 0)
    return {name: (now - end) // DAY_US for name, end in oldest.items()}


def test_old_rows_leave_and_the_tables_stop_growing() -> None:
    cluster, sizes = Cluster(1, rules()), {}
    for day in range(8 * KEPT):
        one_day(cluster, day, users=2)
        sizes[day] = {
            table: len(keys(cluster, domain, table))
            for domain in ("trading", "gamification")
            for table in cluster.stored(domain)[0]
        }
        if day > 3 * KEPT:
            assert max(ages(cluster, day).values()) <= KEPT + 2 * LATE + 1, day
            assert min(ages(cluster, day).values()) >= KEPT - 1, day
    for table in (TRADING_TRADES, GAMIFICATION_TRADES, GAMIFICATION_BOARDS, GAMIFICATION_DAYS):
        before, after = (
            max(sizes[day][table.name] for day in range(begin * KEPT, (begin + 3) * KEPT)) for begin in (2, 5)
        )
        assert after <= 1.1 * before, table.name
    portfolio, progress = cluster.row(TRADING_PORTFOLIO, "user-0"), cluster.row(GAMIFICATION_PROGRESS, "user-0")
    assert portfolio is not None
    assert progress is not None
    assert portfolio.live.trades == progress.trades == 8 * KEPT


@pytest.mark.parametrize("seed", range(3))
def test_the_same_rows_have_left_whatever_the_batches_and_in_a_replay(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trades, "LOOKS", 3)
    monkeypatch.setattr("agents.gamification.domain.LOOKS_A_TICK", 5)
    cluster = Cluster(2, rules(4), random=Random(seed))
    for day in range(20):
        one_day(cluster, day, users=4)
    assert not [key for key in keys(cluster, "trading", "trading-trades") if "|t-1-" in key]
    for domain in ("trading", "gamification"):
        assert cluster.stored(domain) == cluster.replayed(domain), domain


def test_the_watermark_names_a_period_from_its_first_row_that_leaves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """So a reader that looks at the watermark after it has read a board knows whether it saw all rows."""
    monkeypatch.setattr("agents.gamification.domain.LOOKS_A_TICK", 3)
    cluster, had, gone = Cluster(1, rules(4)), set[str](), 0
    for day in range(16):
        for number in range(4):
            fill(cluster, day, f"f-{day}-{number}", f"user-{number}", trade_id=f"t-{day}-{number}")
        cluster.run()
        for hour in range(24):
            cluster.tick(Instant(at(day + 1, 0) + hour * HOUR_US))
            has = {key for key in keys(cluster, "gamification", GAMIFICATION_BOARDS.name) if "/" in key}
            mark = cluster.rows_by_partition(GAMIFICATION_WATERMARK)[0][WATERMARK_KEY]
            for key in had - has:
                end = parse_period(key.rpartition("|")[0].partition("/")[2]).end
                assert end is not None
                assert mark.leaving["boards"].lacks(end), key
                gone += 1
            had = has
    assert gone > 20


def test_a_step_looks_at_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.gamification.domain.LOOKS_A_TICK", 7)
    cluster = Cluster(1, rules())
    for number in range(30):
        fill(cluster, 0, f"f-{number}", f"user-{number}")
    cluster.run()
    cluster.tick(at(1, 0))
    cluster.tick(at(3 * KEPT, 1))  # the rows of day 0 are old at once
    sizes = [30]
    for second in range(20):
        cluster.tick(Instant(at(3 * KEPT, 2) + second))
        sizes.append(len(keys(cluster, "gamification", "gamification-days")))
    assert sizes[-1] == 0
    assert max(before - after for before, after in pairwise(sizes)) == 7


@pytest.mark.parametrize("has_left", [False, True])
def test_a_fill_of_a_trade_that_is_past_begins_a_new_trade_whether_its_row_has_left_or_not(
    has_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trades, "LOOKS", 100 if has_left else 0)
    monkeypatch.setattr("agents.gamification.domain.LOOKS_A_TICK", 100 if has_left else 0)
    cluster = Cluster(1, rules())
    fill(cluster, 0, "f-1", trade_id="t")
    fill(cluster, KEPT - 1, "f-2", trade_id="t")
    fill(cluster, 4 * KEPT, "f-3", "bob")
    cluster.run()
    for second in range(3):
        cluster.tick(Instant(at(4 * KEPT, 23) + second))
    fill(cluster, 4 * KEPT, "f-4", "bob")
    cluster.run()
    assert ("ada|t" in keys(cluster, "trading", "trading-trades")) is not has_left
    assert ("ada|t" in keys(cluster, "gamification", "gamification-trades")) is not has_left
    fill(cluster, 4 * KEPT + 1, "f-5", trade_id="t")
    cluster.run()
    portfolio, progress = cluster.row(TRADING_PORTFOLIO, "ada"), cluster.row(GAMIFICATION_PROGRESS, "ada")
    assert portfolio is not None
    assert progress is not None
    assert (portfolio.live.fills, portfolio.live.trades, progress.trades) == (3, 2, 2)
    trade = cluster.row(TRADING_TRADES, "ada|t", "ada")
    assert trade is not None
    assert trade.fills == 1


def test_an_open_practice_trade_stays_and_an_ended_one_leaves() -> None:
    cluster = Cluster(1, rules())

    def order(day: int, side: str = "long") -> str:
        data = OpenTrade.of({"market": "BTC", "side": side, "notional_usd": "100", "leverage": 1})
        event = cluster.post(data, "ada", at(day))
        cluster.run()
        return opened_trade_id(event.id)

    cluster.send(PriceUpdated.of({"market": "BTC", "price": "60000"}), "BTC", at(0))
    held, ended = order(0), order(0)
    cluster.send(CloseTrade(trade_id=ended), "ada", at(1))
    for day in range(2, 5 * KEPT):
        cluster.send(CloseTrade(trade_id=order(day)), "ada", at(day, 13))
    assert cluster.row(TRADING_TRADES, f"ada|{held}", "ada") is not None
    assert cluster.row(TRADING_TRADES, f"ada|{ended}", "ada") is None
    [rejected] = of_type(cluster.send(CloseTrade(trade_id=ended), "ada", at(5 * KEPT)), TradeRejected)
    assert rejected.reason == "unknown_trade"
    cluster.send(CloseTrade(trade_id=held), "ada", at(5 * KEPT))
    progress = cluster.row(GAMIFICATION_PROGRESS, "ada")
    assert progress is not None
    assert progress.closes == progress.trades == 5 * KEPT


def test_standings_of_a_user_who_returns_after_years_leave_with_the_next_pass() -> None:
    cluster = Cluster(1, rules())
    fill(cluster, 0, "f-1")
    cluster.run()
    for day in range(1, 3 * KEPT):
        one_day(cluster, day)
    assert "global|ada" in keys(cluster, "gamification", "gamification-boards")
    fill(cluster, 3 * KEPT, "f-2")
    cluster.run()
    assert "global/day:2024-09-02|ada" in keys(cluster, "gamification", "gamification-boards")
    for day in range(3 * KEPT, 4 * KEPT):
        one_day(cluster, day)
    assert "global/day:2024-09-02|ada" not in keys(cluster, "gamification", "gamification-boards")


def test_rows_stay_while_the_rule_book_keeps_them_and_those_of_that_time_stay_for_good() -> None:
    kept = Cluster(1, rules(0))
    for day in range(3 * KEPT):
        one_day(kept, day)
    fills = 3 * KEPT * 3
    assert len(keys(kept, "trading", "trading-trades")) == fills
    assert kept.rows(GAMIFICATION_WATERMARK)[WATERMARK_KEY].leaving == {}
    assert {row.changed_on for row in kept.rows(TRADING_TRADES).values()} == {0}
    before = {table: set(keys(kept, "gamification", table)) for table in ("gamification-days", "gamification-trades")}
    later = Cluster(1, rules())  # the same tables under another rule book
    for domain, worker in kept.workers[0].items():
        for table, rows in worker.maps.items():
            later.workers[0][domain].maps[table].update(rows)
    for day in range(3 * KEPT, 8 * KEPT):
        one_day(later, day)
    for table, old in before.items():
        assert old <= set(keys(later, "gamification", table)), table
    assert len(keys(later, "trading", "trading-trades")) < 2 * fills


def test_without_an_archive_rows_stay_unless_the_rule_book_says_otherwise() -> None:
    packaged = packaged_rulebook()
    assert packaged.in_force(archived=True).rows.kept_days == packaged.rows.kept_days > 0
    assert packaged.in_force(archived=False).rows.kept_days == 0
    assert packaged.in_force(archived=False).identity != packaged.identity
    bold = rulebook_with({"rows": {"without_archive": True}})
    assert bold.in_force(archived=False) == bold


def test_rows_outlive_the_grace_of_their_period() -> None:
    with pytest.raises(RulebookError, match=r"expected rows.kept_days to be 0, or at least 2, got 1"):
        parse_rulebook(packaged_text().replace("kept_days = 400", "kept_days = 1"))
