"""Examples of commands, shown in the API's description."""

from __future__ import annotations

from typing import Any, Final

ORDER: Final = {
    "market": "BTC",
    "side": "long",
    "notional_usd": "1500.00",
    "leverage": 5,
    "mode": "practice",
    "client_ref": "my-first",
}
FILL: Final = {
    "fill_id": "38080604649-1",
    "user_id": "trader-2",
    "trade_id": "38080604649",
    "market": "EIGEN",
    "side": "sell",
    "price": "3.28",
    "size": "711.15",
    "notional_usd": "2332.57",
    "fee_usd": "0.223926",
    "closed_pnl_usd": "0",
    "closes": False,
    "taker": False,
    "executed_at": "2024-09-20T08:36:00Z",
}
ORDERS: Final[dict[str, Any]] = {"practice": ORDER}
FILLS: Final[dict[str, Any]] = {"one fill": {"fills": [FILL]}}
PRICES: Final[dict[str, Any]] = {
    "two marks": {
        "prices": [
            {"market": "BTC", "price": "63250.5"},
            {"market": "ETH", "price": "2610", "time": FILL["executed_at"]},
        ]
    }
}
