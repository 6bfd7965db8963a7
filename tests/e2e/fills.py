"""A valid fill, to send as it is or with invalid fields."""

import secrets
from typing import Any

GOOD = {
    "market": "BTC",
    "side": "buy",
    "price": "65000.5",
    "size": "0.02307692",
    "notional_usd": "1500.00",
    "fee_usd": "1.50",
    "closed_pnl_usd": "0",
    "closes": False,
    "taker": True,
    "executed_at": "2025-01-06T12:00:00Z",
}


def fill(user: str, **changes: Any) -> dict[str, Any]:
    """Return a fill with a new id; `changes` replace fields, and remove those that are None."""
    number = secrets.token_hex(6)
    whole = {"fill_id": f"fill-{number}", "user_id": user, "trade_id": f"trade-{number}", **GOOD, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def new_user() -> str:
    return f"user-{secrets.token_hex(6)}"
