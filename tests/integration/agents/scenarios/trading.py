"""The sample's fills, then practice trades: one closed by its owner and one liquidated."""

from __future__ import annotations

from deploy.replay.fills import read_fills
from streams.events import AnyEvent
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade
from tests.e2e.files import SAMPLE
from tests.integration.agents.scenarios.kit import Run, first
from tests.integration.agents.test_rules_equal_the_oracle import command


def play(run: Run) -> None:
    """Play the scenario."""
    for fill in read_fills(SAMPLE).fills:
        run(command(fill))
    run(price("50000"))
    executed, *_ = run(order())
    run(order())
    run(first(CloseTrade(trade_id=executed.subject), "ada"))
    run(first(CloseTrade(trade_id="no-such"), "ada"))
    run(price("100"))


def price(value: str) -> AnyEvent:
    """Return a price of BTC."""
    return first(PriceUpdated.of({"market": "BTC", "price": value}), "BTC")


def order() -> AnyEvent:
    """Return an order of Ada."""
    return first(OpenTrade.of({"market": "BTC", "side": "long", "notional_usd": "1000", "leverage": 10}), "ada")
