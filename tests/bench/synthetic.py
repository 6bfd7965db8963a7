"""Make fills files of any size from a seed: many users, equal times and scores, trades over midnight, dust, flips."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

COLUMNS = (
    "executed_at",
    "trader",
    "order_id",
    "market",
    "side",
    "direction",
    "price",
    "size",
    "notional_usd",
    "closed_pnl_usd",
    "fee_usd",
    "taker",
    "start_position",
    "tx_hash",
)
NEW_ORDER_SHARE = 0.5
WITH_FEE_SHARE = 0.9
NO_PNL_SHARE = 0.1
DUST = Decimal("7.00E-05")
DUST_EVERY = 97
SIZE_STEP = Decimal("1e-12")
PNL_NOTIONALS_MAX = 5
"""Of a cent of notional, in dollars: the ingress refuses a pnl that no fill of this notional can have."""
MARKETS = ("BTC", "ETH", "SOL", "HYPE", "@107")
START = datetime(2024, 12, 28, 21, 0, tzinfo=UTC)
"""Close before the end of a year, a season, a month and (29th) an ISO week, so that a short file crosses all."""


@dataclass
class _Order:
    name: str
    user: str
    market: str
    direction: str
    fills_left: int


def write_fills(
    path: Path, *, fills: int, users: int, seed: int = 1, prefix: str = "player", start: datetime = START
) -> Path:
    """Write a file with the columns of the real one; the same arguments give the same bytes."""
    with path.open("w", newline="") as out:
        lines = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        lines.writeheader()
        lines.writerows(_lines(random.Random(seed), fills, users, prefix, start))
    return path


def _lines(chance: random.Random, fills: int, users: int, prefix: str, at: datetime) -> Iterator[dict[str, str]]:
    open_orders: list[_Order] = []
    for number in range(fills):
        at += timedelta(minutes=chance.choice((0, 0, 0, 1, 7, 31)))
        if len(open_orders) < 2 * users and (not open_orders or chance.random() < NEW_ORDER_SHARE):
            open_orders.append(_new_order(chance, number, f"{prefix}-{chance.randrange(users):03d}"))
        order = chance.choice(open_orders)
        order.fills_left -= 1
        if order.fills_left == 0:
            open_orders.remove(order)
        yield _line(chance, order, at, number)


def _new_order(chance: random.Random, number: int, user: str) -> _Order:
    direction = chance.choice(("Open Long", "Open Short", "Close Long", "Close Short", "Long > Short", "Buy", "Sell"))
    return _Order(str(10_000 + number), user, chance.choice(MARKETS), direction, chance.choice((1, 1, 2, 5)))


def _line(chance: random.Random, order: _Order, at: datetime, number: int) -> dict[str, str]:
    cents = chance.choice((1_000, 100_000, 100_000, 150_000, chance.randrange(10, 3_000_000)))
    price = Decimal(chance.randrange(1, 10**8)).scaleb(-3)
    size = (Decimal(cents) / 100 / price).quantize(SIZE_STEP)
    if number % DUST_EVERY == 0:
        size = DUST
        cents = max(1, round(price * size * 100))
    return {
        "executed_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "trader": order.user,
        "order_id": order.name,
        "market": order.market,
        "side": "buy" if order.direction in {"Open Long", "Close Short", "Buy"} else "sell",
        "direction": order.direction,
        "price": f"{price:f}",
        "size": str(size) if size is DUST else f"{size:f}",
        "notional_usd": f"{cents // 100}.{cents % 100:02d}",
        "closed_pnl_usd": _pnl(chance, order, cents),
        "fee_usd": _fee(chance, cents),
        "taker": chance.choice(("true", "false")),
        "start_position": "0",
        "tx_hash": f"0x{number:016x}",
    }


def _fee(chance: random.Random, cents: int) -> str:
    fee = Decimal(chance.randrange(10**8)).scaleb(-8) if chance.random() < WITH_FEE_SHARE else Decimal(0)
    return f"{min(fee, Decimal(cents) / 100):f}"


def _pnl(chance: random.Random, order: _Order, cents: int) -> str:
    if order.direction.startswith("Open") or chance.random() < NO_PNL_SHARE:
        return "0"
    pnl = chance.choice((Decimal("12.5"), Decimal("-12.5"), Decimal(chance.randrange(-(10**9), 10**9)).scaleb(-6)))
    return f"{max(-PNL_NOTIONALS_MAX * cents, min(pnl, PNL_NOTIONALS_MAX * cents)):f}"
