"""The results that depend on the order in which events arrive, and those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.times import HOUR_US, Instant
from tables.boards import group_of
from tables.financial import FeeTotal
from tables.gamification import Progress
from tables.trading import Portfolio
from tests.unit.agents.world import World

START = Instant.parse("2024-09-30T20:00:00Z")
"""Before the end of a day, a month and a season."""


class Fill(NamedTuple):
    """A fill, some hours after the start; within the grace, so that nothing is too late for its period."""

    hour: int
    trade: int
    market: str
    cents: int
    pnl_cents: int
    fee_cents: int
    closes: bool


FILLS = st.builds(
    Fill,
    hour=st.integers(0, 20),
    trade=st.integers(0, 2),
    market=st.sampled_from(["BTC", "ETH"]),
    cents=st.integers(1, 10**9),
    pnl_cents=st.integers(-(10**6), 10**6),
    fee_cents=st.integers(0, 10**5),
    closes=st.booleans(),
)


def dollars(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def world_of(fills: Sequence[tuple[int, Fill]]) -> World:
    """Return the tables after fills arrived in this order; the number names the fill."""
    world = World()
    for number, one in fills:
        world.fill(
            f"f-{number}",
            Instant(START + one.hour * HOUR_US).text(),
            user=f"user-{number % 2}",
            trade_id=f"t-{one.trade}",
            market=one.market,
            notional_usd=dollars(one.cents),
            closed_pnl_usd=dollars(one.pnl_cents),
            fee_usd=dollars(one.fee_cents),
            closes=one.closes,
        )
    return world


def amounts(world: World) -> dict[str, Any]:
    """Return all sums of amounts with their counts: scores of volume and pnl, fee totals, portfolios, profiles."""
    found: dict[str, Any] = {}
    for key in map(bytes.decode, world.maps["gamification-boards"]):
        name, _, user = key.rpartition("|")
        for standing in world.gamification.boards.rows.get(key) or {}:
            group = group_of(name, standing)
            if group.endswith(("/volume", "/pnl")) or group == "global/all/trades":
                found[f"{group}|{user}"] = world.score(group, user)[0]
    found |= {f"fees {fee.decode()}": FeeTotal.load(raw) for fee, raw in world.maps["financial-fees"].items()}
    for stored, raw in world.maps["trading-portfolio"].items():
        portfolio = Portfolio.load(raw)
        found[f"portfolio {stored.decode()}"] = portfolio.live, portfolio.practice
    for stored, raw in world.maps["gamification-progress"].items():
        one = Progress.load(raw)
        found[f"profile {stored.decode()}"] = (
            one.trades, one.closes, one.wins, one.volume, one.pnl, one.largest_trade,
        )  # fmt: skip
    return found


@settings(max_examples=60)
@given(st.lists(FILLS, min_size=2, max_size=12), st.randoms(use_true_random=False))
def test_boards_and_totals_of_amounts_do_not_depend_on_the_order_of_arrival(fills: list[Fill], chance: Any) -> None:
    arriving = list(enumerate(fills))
    expected = amounts(world_of(arriving))
    assert {"global/all/volume|user-0", "portfolio user-0", "profile user-1"} <= expected.keys()
    for _ in range(3):
        chance.shuffle(arriving)
        assert amounts(world_of(arriving)) == expected


def test_xp_depends_on_the_order_of_arrival() -> None:
    """Play the example of docs/rules.md: two fills on two days, the second day's first or last."""
    totals = []
    for order in permutations([(0, "2024-09-20T20:00:00Z"), (1, "2024-09-21T01:00:00Z")]):
        world = World()
        for number, at in order:
            world.fill(f"f-{number}", at, notional_usd="30000.00", size="0.5")
        totals.append(world.gamification.progress.get("ada").xp)
    assert totals == [1665, 1650]
