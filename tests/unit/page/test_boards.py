"""The dashboard says of periods, prizes and markets what the rules and the API say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from agents.rulebook import packaged_rulebook
from deploy.rulebook import public_rules
from streams.times import DAY_US, Instant, midnight
from tables.boards import periods_of
from tables.rank_proof import verify
from tests.unit.tables.test_rank_proof import BOARD, GROUP, proof_of

Called = Callable[[str, list[list[Any]]], list[Any]]
KINDS = ("day", "week", "month", "season")
REWARDS = packaged_rulebook().gamification.rewards


def test_periods_have_the_names_and_ends_of_the_rules(called: Called) -> None:
    days = [date(2024, 12, 20) + timedelta(days=number) for number in range(400)]
    calls = [[what, kind, day.isoformat()] for day in days for kind in KINDS for what in ("periodOf", "endOf")]
    found = iter(called("data/periods.ts", calls))
    for day in days:
        periods = {period.kind: period for period in periods_of(Instant(midnight(day))).listed}
        for kind in KINDS:
            assert next(found) == periods[kind].text
            assert Instant.parse(next(found)) == periods[kind].end


def test_each_band_of_ranks_earns_what_its_last_rank_earns(called: Called) -> None:
    rules = [rule.model_dump(mode="json") for rule in public_rules(packaged_rulebook()).rewards]
    [bands] = called("data/prizes.ts", [["bandsOf", rules]])
    assert bands == [[1, 1], [2, 3], [4, 10], [11, 100]]
    for shown, rule in zip(rules, REWARDS.listed, strict=True):
        ranks = [rank for first, last in bands for rank in range(first, last + 1)]
        earned = called("data/prizes.ts", [["shardsOf", shown, rank] for rank in ranks])
        assert earned == [rule.shards(rank) if rank <= rule.ranks else 0 for rank in ranks]


def test_markets_of_the_newest_day_come_by_their_volume(called: Called) -> None:
    def candle(market: str, day: str, notional: str, prices: tuple[str, str] = ("1", "1")) -> dict[str, str]:
        return {"market": market, "begin": day, "notional_usd": notional, "open": prices[0], "close": prices[1]}

    candles = [
        candle("OLD", "2024-09-19T00:00:00Z", "99999"),
        candle("A", "2024-09-20T00:00:00Z", "9.5"),
        candle("B", "2024-09-20T00:00:00Z", "10"),
    ]
    [listed] = called("data/markets.ts", [["ofNewestDay", candles]])
    assert [row["market"] for row in listed] == ["B", "A"]
    changes = [("3", "4"), ("0.35410", "0.35025"), ("2", "2")]
    rows = [candle("A", "", "1", prices) for prices in changes]
    assert called("data/markets.ts", [["changeOf", row] for row in rows]) == ["33.33", "-1.09", "0"]


def test_a_proof_is_taken_for_its_own_user_and_board_alone(called: Called) -> None:
    proof = proof_of(BOARD, "user-5").model_dump()
    calls = [["rankOf", proof, GROUP, "user-5"], ["rankOf", proof, GROUP, "user-4"], ["rankOf", proof, "x", "user-5"]]
    rank, *refused = called("data/rank_proof.ts", calls)
    assert rank == verify(proof_of(BOARD, "user-5"))
    assert refused == [{"error": f"it is for user-5 on {GROUP}"}] * 2


def test_a_quantity_is_shown_with_few_decimals_unless_they_are_all(called: Called) -> None:
    quantities = ["4.407227853680035258", "-23240", "0.000000000000000001", "1.500000"]
    shown = called("data/format.ts", [["short", text, 6] for text in quantities])
    assert shown == ["4.407228", "−23,240", "0.000000000000000001", "1.5"]


def test_a_time_of_today_has_no_day(called: Called) -> None:
    noon = Instant.parse("2024-09-20T12:00:00Z")
    calls = [["dayAndClock", Instant(noon + days * DAY_US).text(), noon // 1000] for days in (-1, 0, 1)]
    before, today, after = called("data/format.ts", calls)
    assert (bool(before["day"]), bool(today["day"]), bool(after["day"])) == (True, False, True)
    assert before["clock"] == today["clock"] == after["clock"]
