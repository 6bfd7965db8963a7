"""Keys of what one user has, for readers that know the user and not the keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from streams.events.trading import Mode
from tables.catalog import position_key


def position_keys(user_id: str, markets: Iterable[str]) -> list[str]:
    """Keys that a user's positions can have, by market, live before practice."""
    return [position_key(user_id, market, mode) for market in sorted(markets) for mode in reversed(get_args(Mode))]
