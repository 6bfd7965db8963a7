"""Fills that venues report: recorded once, never rejected for risk; fills with one trade id add up (domain.md §3)."""

from __future__ import annotations

from typing import Any

from tests.community.journal import Entry
from tests.community.oracle.amounts import quantity, usd
from tests.community.oracle.crossing import Execution
from tests.community.oracle.fill_ids import FillIds
from tests.community.oracle.trading_books import Books
from tests.community.oracle.trading_rules import Change, fee

Row = dict[str, Any]


class VenueFills:
    """The fills of all venues."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._fills = FillIds()

    def report(self, entry: Entry) -> None:
        """Record a fill of a venue, once."""
        fill = entry.data
        if not self._fills.is_new(fill["venue"], fill["user_id"], fill["fill_id"], entry.at):
            return
        user, market, causes = fill["user_id"], fill["market"], (entry.id,)
        notional, gain, price = usd(fill["notional_usd"]), usd(fill.get("closed_pnl_usd", "0")), quantity(fill["price"])
        charge = fee(notional) if fill.get("fee_usd") is None else usd(fill["fee_usd"])
        closes = fill.get("closes", False) or gain != 0
        size = quantity(fill["size"])
        before = self._books.trade(user, fill["trade_id"])
        self._add_to_trade(entry, before, (notional, size, charge, gain, price), closes=closes)
        signed = size if fill["side"] == "buy" else -size
        change = Change(quantity=signed, price=price, notional=notional, pnl=gain, at=entry.at)
        self._books.move(user, market, "live", change, causes)
        added = {
            "fills": 1,
            "trades": int(before is None),
            "closes": int(closes and (before is None or before["status"] != "closed")),
            "volume": notional,
            "realised_pnl": gain,
            "fees": charge,
        }
        self._books.count(user, "live", entry.at, causes, added)
        self._books.executed(
            Execution(
                user=user,
                trade=fill["trade_id"],
                fill=fill["fill_id"],
                venue=fill["venue"],
                market=market,
                side=fill["side"],
                mode="live",
                notional=notional,
                fee=charge,
                pnl=gain,
                closes=closes,
                at=entry.at,
                causes=causes,
            )
        )

    def _add_to_trade(
        self, entry: Entry, before: Row | None, sums: tuple[int, int, int, int, int], *, closes: bool
    ) -> None:
        fill, (notional, size, charge, gain, price) = entry.data, sums
        trade = before or {
            "market": fill["market"],
            "side": "long" if fill["side"] == "buy" else "short",
            "mode": "live",
            "venue": fill["venue"],
            "status": "open",
            "fills": 0,
            "notional": 0,
            "size": 0,
            "fees": 0,
            "pnl": 0,
            "entry_price": price,
            "exit_price": None,
            "leverage": None,
            "margin": 0,
            "liquidation_price": None,
            "client_ref": None,
            "opened_at": entry.at,
            "updated_at": entry.at,
        }
        after = {
            **trade,
            "status": "closed" if closes else trade["status"],
            "fills": trade["fills"] + 1,
            "notional": trade["notional"] + notional,
            "size": trade["size"] + size,
            "fees": trade["fees"] + charge,
            "pnl": trade["pnl"] + gain,
            "exit_price": price if closes else trade["exit_price"],
            "updated_at": max(trade["updated_at"], entry.at),
        }
        key = f"{fill['user_id']}|{fill['trade_id']}"
        self._books.trades.put(key, after, (entry.id,))
        self._books.ages.touch(fill["user_id"], "live", key, entry.at)
