"""Short-hand for tests: build a fill from only the fields that matter."""

from decimal import Decimal

from tests.oracle.fills import Fill, instant, usd


def fill(
    at: str,
    trade: str = "t1",
    notional: str = "1000",
    pnl: str = "0",
    *,
    user: str = "ann",
    market: str = "BTC",
    direction: str = "Open Long",
    side: str = "buy",
    size: str = "1",
    fee: str = "0",
) -> Fill:
    """Return a fill; `at` is `2025-01-06` or `2025-01-06T10:00`, amounts are USD text."""
    clock = at if "T" in at else f"{at}T12:00"
    return Fill(
        at=instant(f"{clock}:00Z"),
        user=user,
        trade=trade,
        market=market,
        side=side,
        direction=direction,
        size=Decimal(size),
        price=Decimal(1),
        notional=usd(notional),
        pnl=usd(pnl),
        fee=usd(fee),
    )
