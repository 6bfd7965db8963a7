"""Mastery of trading: 1,000 trades and 80% wins, told once."""

from __future__ import annotations

import pytest

from streams.events.gamification import TradingMastered
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import World, of_type

FEW = {"gamification": {"mastery": {"trades": 5, "win_percent": 80}}}


def close(world: World, number: int, pnl: str) -> list[TradingMastered]:
    events = world.fill(f"f-{number}", f"2024-09-20T08:{number:02d}:00Z", closes=True, closed_pnl_usd=pnl)
    return of_type(events, TradingMastered)


def test_the_numbers_of_the_rule_book_are_1000_trades_and_80_percent() -> None:
    mastery = World().rulebook.gamification.mastery
    assert (mastery.trades, mastery.win_percent) == (1_000, 80)


@pytest.mark.parametrize(
    ("pnls", "at"), [("+++++", 5), ("-++++", 5), ("--++++", None), ("--++++++++", 10), ("++++", None)]
)
def test_a_master_has_enough_trades_and_wins_and_is_told_once(pnls: str, at: int | None) -> None:
    world = World(rulebook_with(FEW))
    told = [number for number, sign in enumerate(pnls, start=1) if close(world, number, f"{sign}1".lstrip("+"))]
    assert told == ([] if at is None else [at])
    if at is not None:
        assert close(world, 30, "-1") + close(world, 31, "1") == []
        assert world.gamification.progress.get("ada").mastered


def test_trades_without_a_close_make_no_master() -> None:
    world = World(rulebook_with(FEW))
    for number in range(8):
        assert of_type(world.fill(f"f-{number}", f"2024-09-20T08:{number:02d}:00Z"), TradingMastered) == []
