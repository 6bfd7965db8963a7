"""Read a fills file. A line is one execution; the order of lines is the order of execution."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

E8 = 10**8
"""Amounts of USD are integers of 1e-8 USD."""


@dataclass(frozen=True, kw_only=True)
class Fill:
    """One line in exact numbers. `notional`, `pnl` and `fee` are integers of 1e-8 USD."""

    at: datetime
    user: str
    trade: str
    market: str
    side: str
    direction: str
    size: Decimal
    price: Decimal
    notional: int
    pnl: int
    fee: int

    @property
    def closes(self) -> bool:
        """Return whether a fill closes: its direction says so (`Close …`, or a flip `… > …`), or it realised a pnl."""
        return self.direction.startswith("Close") or ">" in self.direction or self.pnl != 0

    @property
    def signed_size(self) -> Decimal:
        return self.size if self.side == "buy" else -self.size


def usd(text: str) -> int:
    """Parse USD text (`1500.00`, `1.00E-05`) as an integer of 1e-8 USD; refuse a value that is not exact."""
    scaled = Decimal(text) * E8
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text} USD has more than 8 decimals")
    return int(scaled)


def instant(text: str) -> datetime:
    """Parse an RFC 3339 instant with a `Z`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def read_fills(path: Path) -> Iterator[Fill]:
    """Yield the fills of a file in its order."""
    with path.open(newline="") as lines:
        for line in csv.DictReader(lines):
            yield Fill(
                at=instant(line["executed_at"]),
                user=line["trader"],
                trade=line["order_id"],
                market=line["market"],
                side=line["side"],
                direction=line["direction"],
                size=Decimal(line["size"]),
                price=Decimal(line["price"]),
                notional=usd(line["notional_usd"]),
                pnl=usd(line["closed_pnl_usd"]),
                fee=usd(line["fee_usd"]),
            )
