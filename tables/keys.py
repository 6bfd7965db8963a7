"""Keys that tables of several domains share. Depends on nothing."""

from __future__ import annotations

from typing import Final

SEPARATOR: Final = "|"


def trade_key(user_id: str, trade_id: str) -> str:
    """Return the key of `trading-trades` and `gamification-trades`. Trade ids are unique within one user only."""
    return f"{user_id}{SEPARATOR}{trade_id}"
