"""The rules that the peers share give the oracle's results, and our product's cost of a position."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from agents.trading.positions import Fill as OurFill
from agents.trading.positions import moved
from deploy.replay.fills import Fill, read_fills
from streams.times import Instant
from streams.units import Quantity, Usd
from tables.candles import Candle, merged
from tables.trading import Position
from tables.windows import begin_of
from tests.e2e.files import full_file
from tests.peers.product.apps import plain_app, plain_windows, rules, windows
from tests.peers.product.apps.plain_app import Memory
from tests.peers.product.apps.plain_windows import Windows
from tests.peers.product.contestants import JOBS, Job
from tests.peers.product.fills import SPANS, Span, for_the_oracle, made
from tests.peers.product.results import complaint, expected, facts_of

FILLS = 1_500


def played(fills: list[Fill], job: Job = "windows") -> Memory:
    memory = Windows() if job == "windows" else Memory()
    for fill in fills:
        memory.take(fill)
    return memory


def differs(fills: list[Fill], job: Job = "windows") -> str | None:
    return complaint(expected(map(for_the_oracle, fills), job), facts_of(played(fills, job).results()))


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(3)
def test_the_peers_rules_equal_the_oracle_on_made_fills(span: Span, seed: int) -> None:
    assert differs(made(span, FILLS, seed)) is None


@pytest.mark.parametrize("job", JOBS)
def test_the_peers_rules_equal_the_oracle_on_real_fills(job: Job) -> None:
    assert differs(list(read_fills(full_file()).fills), job) is None


def test_a_repeated_fill_counts_once() -> None:
    fills = made("weeks", 200, 1)
    once = expected(map(for_the_oracle, fills), "windows")
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
    "the begin of a window": ("LENGTHS", {**windows.LENGTHS, "5m": 4 * windows.MINUTE}),
    "a candle": ("merged", lambda one, other: one or other),
    "the order of executions": ("place_of", lambda at, fill_id: fill_id),
    "the hour of active users": ("HOUR", windows.MINUTE),
    "the hour of a fee": ("fee_hour", lambda fill: fill["executed_at"][:11] + "12"),
    "sources of XP": ("_xp_of", lambda played: []),
    "days": ("count", lambda *_: None),
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
    for module in (rules, windows, plain_app, plain_windows):
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


def test_batches_give_the_candles_of_single_fills_in_any_order_and_of_our_product() -> None:
    fills = made("weeks", 400, 2)
    single, batch, ours = Windows(), windows.Sums({}), dict[str, Candle]()
    for fill in fills:
        single.take(fill)
    chance = random.Random(2)
    chance.shuffle(fills)
    for fill in fills:
        batch.add(fill, rules.play(None, None, None, fill))
        our_candle(ours, fill)
    assert batch.candles() == single.candles
    days = {key: candle for key, candle in single.candles.items() if key[0] == "1d"}
    assert {f"{begin}|{market}": prices_of(candle) for (_, begin, market), candle in days.items()} == {
        key: (one.open, one.high, one.low, one.close, one.volume) for key, one in ours.items()
    }


def our_candle(candles: dict[str, Candle], fill: Fill) -> None:
    """Add a fill to its candle of a day as our product does."""
    at, price, fill_id = Instant.parse(fill["executed_at"]), Quantity.parse(fill["price"]), fill["fill_id"]
    one = Candle(
        open=price,
        high=price,
        low=price,
        close=price,
        volume=Quantity.parse(fill["size"]),
        notional=Usd.parse(fill["notional_usd"]),
        trades=1,
        first_at=int(at),
        first_id=fill_id,
        last_at=int(at),
        last_id=fill_id,
    )
    key = f"{begin_of(at, '1d')}|{fill['market']}"
    candles[key] = merged(candles[key], one) if key in candles else one


def prices_of(candle: windows.Candle) -> tuple[Quantity, ...]:
    return tuple(Quantity.parse(f"{value:f}") for value in candle[:5])
