"""The rules that the peers share give the oracle's results, and our product's cost of a position."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from agents.trading.positions import Fill as OurFill
from agents.trading.positions import moved
from deploy.replay.fills import Fill, read_fills
from streams.units import Quantity, Usd
from tables.trading import Position
from tests.e2e.files import full_file
from tests.peers.product.apps import plain_app, rules
from tests.peers.product.apps.plain_app import Memory
from tests.peers.product.fills import SPANS, Span, for_the_oracle, made
from tests.peers.product.results import complaint, expected, facts_of

FILLS = 1_500


def played(fills: list[Fill]) -> Memory:
    memory = Memory()
    for fill in fills:
        memory.take(fill)
    return memory


def differs(fills: list[Fill]) -> str | None:
    return complaint(expected(map(for_the_oracle, fills)), facts_of(played(fills).results()))


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(3)
def test_the_peers_rules_equal_the_oracle_on_made_fills(span: Span, seed: int) -> None:
    assert differs(made(span, FILLS, seed)) is None


def test_the_peers_rules_equal_the_oracle_on_real_fills() -> None:
    assert differs(list(read_fills(full_file()).fills)) is None


def test_a_repeated_fill_counts_once() -> None:
    fills = made("weeks", 200, 1)
    once = expected(map(for_the_oracle, fills))
    assert complaint(once, facts_of(played(fills + fills).results())) is None


def half_the_shares() -> dict[str, int]:
    return {name: ppm // 2 for name, ppm in rules.SHARES_PPM.items()}


class SameDay(date):
    """A calendar on which every day is the first one: no streak goes on."""

    @classmethod
    def fromisoformat(cls, text: str) -> date:  # type: ignore[override]
        del text
        return date(2024, 12, 28)


BROKEN: dict[str, tuple[str, Any]] = {
    "the split of fees": ("SHARES_PPM", half_the_shares()),
    "the level of XP": ("level_of", lambda xp: min(100, xp // 100 + 1)),
    "the order of achievements": ("ACHIEVEMENTS", rules.ACHIEVEMENTS[::-1]),
    "the streak": ("date", SameDay),
    "grants of a trade": ("grants", lambda trade, was_closing: [("trade", 10)]),
    "periods": ("periods_of", lambda day: (f"day:{day}", "all")),
    "ties of boards": ("ranked", lambda rows: sorted(rows, key=lambda row: (-row[1], row[0]))),
    "a standing's time": ("added", lambda standing, amount, at: [(standing or [0])[0] + amount, at, True]),
    "positions": ("move", lambda position, fill, notional, pnl: {"quantity": "1", "cost": 0, "realised": 0}),
}


@pytest.fixture
def own_periods() -> Iterator[None]:
    """Forget the periods of days before and after a test that breaks the calendar."""
    periods_of = rules.periods_of
    periods_of.cache_clear()
    yield
    periods_of.cache_clear()


@pytest.mark.usefixtures("own_periods")
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_rule_is_noticed(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, instead = BROKEN[what]
    for module in (rules, plain_app):
        if hasattr(module, name):
            monkeypatch.setattr(module, name, instead)
    assert "results differ from the oracle" in (differs(made("weeks", 300, 1)) or "")


def test_the_cost_of_a_position_is_our_products() -> None:
    position: Position | None = None
    row: rules.Row | None = None
    for number, fill in enumerate(made("weeks", 400, 2)):
        notional, pnl, size = Usd.parse(fill["notional_usd"]), Usd.parse(fill["closed_pnl_usd"]), fill["size"]
        row = rules.move(row, fill, notional, pnl)
        quantity = Quantity.parse(size)
        signed = quantity if fill["side"] == "buy" else -quantity
        change = OurFill("BTC", "live", signed, Quantity.parse(fill["price"]), notional, pnl, number)
        position = moved(position, change)
        assert (row["cost"], row["realised"]) == (position.cost, position.realised_pnl)
    assert position is not None
    assert position.cost > 0
