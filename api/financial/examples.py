"""Examples of the financial commands, shown in the API's description."""

from __future__ import annotations

from typing import Any, Final

DEPOSIT: Final = {"user_id": "trader-2", "asset": "USD", "amount": "1500.00", "reference": "wire-20240920-17"}
ANNOUNCEMENTS: Final[dict[str, Any]] = {"a wire": {"asset": "USD", "amount": "1500.00", "provider": "bank"}}
DEPOSITS: Final[dict[str, Any]] = {"one deposit": {"deposits": [DEPOSIT]}}
WITHDRAWALS: Final[dict[str, Any]] = {
    "to a bank account": {"asset": "USD", "amount": "250.00", "destination": "DE02120300000000202051"},
    "to a wallet": {"asset": "STRK", "amount": "12.5", "destination": "0x01a2b3c4"},
}
DECISIONS: Final[dict[str, Any]] = {"approve": {"approve": True}, "refuse": {"approve": False}}
PAYOUTS: Final[dict[str, Any]] = {
    "one payout": {
        "payouts": [
            {
                "user_id": "trader-2",
                "withdrawal_id": "0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60",
                "paid": True,
                "reference": "payout-991",
            }
        ]
    }
}
PLANS: Final[dict[str, Any]] = {"a year": {"plan": "captain", "cycle": "year"}}
CHANGES: Final[dict[str, Any]] = {"upgrade": {"plan": "admiral"}, "to the free plan": {"plan": "explorer"}}
