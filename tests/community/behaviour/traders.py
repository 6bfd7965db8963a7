"""Practice trades, and the fills of a venue, sized from real fills."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from tests.community.behaviour.acts import Act, Reported
from tests.community.behaviour.people import MARKETS, Moment, Person

FILLS = Path(__file__).parents[3] / "deploy/data/fills-sample.csv"
STEP_US = 100_000
NO_TRADE = "00000000-0000-7000-8000-000000000000"
FIRST_PRICES = {"BTC": 60_000.0, "ETH": 2_500.0, "SOL": 150.0, "HYPE": 20.0, "DOGE": 0.3}


@lru_cache(1)
def real_fills() -> list[dict[str, str]]:
    """Return the packaged sample of real fills."""
    with FILLS.open(newline="") as lines:
        return list(csv.DictReader(lines))


def open_trade(person: Person, moment: Moment) -> Act | None:
    """Open a practice trade; seldom a live one, or one that the rules reject."""
    random = moment.random
    real = float(random.choice(real_fills())["notional_usd"])
    notional = min(max(real, 10.0), 40_000.0)
    account = moment.view.account(person.id)
    highest = account.max_leverage if account else 10
    leverage = random.randint(1, min(highest, 20)) if random.random() < 0.97 else random.randint(1, 120)
    if random.random() < 0.9:  # within the limit of the margin, mostly
        notional = min(notional, 1_300.0 * leverage)
    data: dict[str, Any] = {
        "market": random.choice(MARKETS),
        "side": random.choice(("long", "short")),
        "notional_usd": f"{notional:.2f}",
        "leverage": leverage,
    }
    if random.random() < 0.02:
        data["mode"] = "live"
    if random.random() < 0.2:
        data["client_ref"] = f"ref-{random.randrange(10**6)}"
    return Act(person.id, "OpenTrade", data)


def small_trade(person: Person, moment: Moment) -> Act | None:
    """Open a trade that needs little margin, so that the limit of a day comes first."""
    notional = f"{moment.random.randint(10, 60)}.00"
    data = {"market": "BTC", "side": "long", "notional_usd": notional, "leverage": moment.random.randint(1, 5)}
    return Act(person.id, "OpenTrade", data)


def close_trade(person: Person, moment: Moment) -> Act | None:
    """Close one of the own open trades; seldom one that is not there."""
    mine = moment.view.open_trades.get(person.id, [])
    if not mine:
        return Act(person.id, "CloseTrade", {"trade_id": NO_TRADE}) if moment.random.random() < 0.02 else None
    return Act(person.id, "CloseTrade", {"trade_id": moment.random.choice(mine)})


class Prices:
    """Mark prices that wander. One market moves in a round."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = dict(FIRST_PRICES)

    def next(self, number: int) -> tuple[str, str]:
        """Return the market that moves in a round, and its price."""
        market = MARKETS[number % len(MARKETS)]
        self._now[market] *= 1 + self._random.gauss(0, 0.04)
        return market, f"{self._now[market]:.6f}"

    def first(self) -> dict[str, str]:
        """Return the price of each market at the beginning."""
        return {market: f"{price:.6f}" for market, price in self._now.items()}


class Tape:
    """The venue's tape: each person replays a piece of the real fills, again and again."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._last: list[Reported] = []

    def fills(self, users: list[str], at: int) -> list[Reported]:
        """Return the next fill of each user, with ascending times from a time on. A few are reported once more."""
        found = [Reported(at + number * STEP_US, self._fill(user)) for number, user in enumerate(users)]
        again = [self._again(one) for one in self._last if self._random.random() < 0.01]
        self._last = found
        touched = set(users)
        return [*found, *(one for one in again if one.data["user_id"] not in touched)]

    def _fill(self, user: str) -> dict[str, Any]:
        real = real_fills()
        number = self._counts[user] = self._counts.get(user, -1) + 1
        place = self._next.setdefault(user, self._random.randrange(len(real)))
        self._next[user] = place + 1
        row, turn = real[place % len(real)], place // len(real)
        closes = row["direction"].startswith("Close") or ">" in row["direction"]
        data: dict[str, Any] = {
            "fill_id": f"f-{number}",
            "user_id": user,
            "trade_id": f"{row['order_id']}-{turn}",
            "market": row["market"],
            "side": row["side"],
            "price": row["price"],
            "size": row["size"],
            "notional_usd": row["notional_usd"],
            "closed_pnl_usd": row["closed_pnl_usd"],
            "closes": closes,
            "taker": row["taker"] == "true",
        }
        if self._random.random() < 0.9:
            data["fee_usd"] = row["fee_usd"]
        return data

    def _again(self, one: Reported) -> Reported:
        """Return a report once more: as it was, or with another fee, which is a conflict."""
        if self._random.random() < 0.7:
            return one
        return Reported(one.at, {**one.data, "fee_usd": "0.01"})
