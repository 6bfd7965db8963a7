"""Practice orders, closes and liquidations (domain.md §3, docs/rules.md)."""

from __future__ import annotations

from typing import Any, Final

from tests.community.journal import Entry
from tests.community.oracle.amounts import PPM, quantity, usd, usd_text
from tests.community.oracle.crossing import Execution, Settlement
from tests.community.oracle.ids import trade_of
from tests.community.oracle.trading_books import PRACTICE, TIERS, Books
from tests.community.oracle.trading_rules import (
    Change,
    fee,
    is_beyond,
    liquidation_price,
    margin,
    market_leverage,
    pnl,
    size_of,
    value_of,
)

OPENED_A_DAY_MAX: Final = 20
MARGIN_PPM_MAX: Final = 150_000
MARGIN_PPM_HIGH: Final = 100_000
MARGIN_PPM_MEDIUM: Final = 50_000
LIVE_TIER: Final = "identity"
DAY_US: Final = 86_400_000_000

Row = dict[str, Any]


class Practice:
    """What users do with practice money, and what mark prices do to it."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def order(self, entry: Entry) -> None:
        """Open a trade at the mark price, or reject the order."""
        order, account = entry.data, self._books.account(entry.user)
        notional = usd(order["notional_usd"])
        needed, charge = margin(notional, order["leverage"]), fee(notional)
        mark = self._books.marks.get(order["market"])
        reason = self._refusal(entry, account, needed, charge)
        if reason is None and mark is None:
            reason = "no_price"
        if reason is not None or mark is None:
            named = {
                "market": order["market"],
                "trade_id": trade_of(entry.id),
                "client_ref": order.get("client_ref"),
            }
            self._reject(entry, str(reason), named)
            return
        self._open(entry, account, mark["price"], needed, charge)

    def _refusal(self, entry: Entry, account: Row, needed: int, charge: int) -> str | None:
        """Return the first reason to reject an order (docs/rules.md has their order)."""
        order, live = entry.data, entry.data.get("mode", PRACTICE) == "live"
        today = account["opened_count"] if account["opened_day"] == entry.at // DAY_US else 0
        reasons = {
            "verification_required": live and TIERS.index(account["tier"]) < TIERS.index(LIVE_TIER),
            "account_suspended": account["suspended"],
            "no_venue_connected": live,
            "leverage_above_market_maximum": order["leverage"] > market_leverage(order["market"]),
            "leverage_above_user_maximum": order["leverage"] > account["max_leverage"],
            "day_is_over": entry.at // DAY_US < account["opened_day"],
            "daily_limit_reached": today >= OPENED_A_DAY_MAX,
            "insufficient_balance": needed + charge > account["balance"] - account["margin"],
            "margin_above_limit": needed * PPM > account["balance"] * MARGIN_PPM_MAX,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _reject(self, entry: Entry, reason: str, named: dict[str, str | None]) -> None:
        arguments = {name: value for name, value in named.items() if value is not None}
        self._books.community.user.notify(
            entry.user,
            "order_rejected",
            entry.at,
            (entry.id,),
            text=f"order_rejected.{entry.name}",
            arguments={"reason": reason, **arguments},
        )

    def _open(self, entry: Entry, account: Row, price: int, needed: int, charge: int) -> None:
        order, user, causes = entry.data, entry.user, (entry.id,)
        trade_id, market, side, notional = (
            trade_of(entry.id),
            order["market"],
            order["side"],
            usd(order["notional_usd"]),
        )
        today = entry.at // DAY_US
        opened = account["opened_count"] + 1 if account["opened_day"] == today else 1
        charged = {
            **account,
            "balance": account["balance"] - charge,
            "margin": account["margin"] + needed,
            "opened_day": today,
            "opened_count": opened,
        }
        self._books.accounts.put(user, charged, causes)
        size, limit = size_of(notional, price), liquidation_price(side, price, order["leverage"])
        trade = {
            "market": market,
            "side": side,
            "mode": PRACTICE,
            "venue": PRACTICE,
            "status": "open",
            "fills": 1,
            "notional": notional,
            "size": size,
            "fees": charge,
            "pnl": 0,
            "entry_price": price,
            "exit_price": None,
            "leverage": order["leverage"],
            "margin": needed,
            "liquidation_price": limit,
            "client_ref": order.get("client_ref"),
            "opened_at": entry.at,
            "updated_at": entry.at,
        }
        self._books.trades.put(f"{user}|{trade_id}", trade, causes)
        self._books.ages.touch(user, PRACTICE, f"{user}|{trade_id}", entry.at)
        exposure = {"user_id": user, "side": side, "liquidation_price": limit}
        self._books.open.put(f"{market}|{trade_id}", exposure, causes)
        self._books.owned.put(f"of:{user}|{trade_id}", {"trades/open": entry.at}, causes)
        signed = size if side == "long" else -size
        change = Change(quantity=signed, price=price, notional=notional, pnl=0, at=entry.at)
        self._books.move(user, market, PRACTICE, change, causes)
        added = {"fills": 1, "trades": 1, "volume": notional, "fees": charge}
        self._books.count(user, PRACTICE, entry.at, causes, added)
        self._alert(entry, account, needed, trade_id)
        self._books.executed(
            Execution(
                user=user,
                trade=trade_id,
                fill=trade_id,
                venue=PRACTICE,
                market=market,
                side="buy" if side == "long" else "sell",
                mode=PRACTICE,
                notional=notional,
                fee=charge,
                pnl=0,
                closes=False,
                at=entry.at,
                causes=causes,
            )
        )

    def _alert(self, entry: Entry, before: Row, needed: int, trade_id: str) -> None:
        share, equity = needed * PPM, before["balance"]
        if share <= equity * MARGIN_PPM_MEDIUM:
            return
        level = "high" if share > equity * MARGIN_PPM_HIGH else "medium"
        arguments = {"trade_id": trade_id, "margin_usd": usd_text(needed)}
        self._books.community.user.notify(
            entry.user, "risk_alert", entry.at, (entry.id,), text=f"risk_alert.{level}", arguments=arguments
        )

    # --- ends of trades -----------------------------------------------------------------------------------------------

    def close(self, entry: Entry) -> None:
        """Close an open practice trade of the user at the mark price."""
        trade_id = entry.data["trade_id"]
        trade = self._books.trade(entry.user, trade_id)
        mark = self._books.marks.get(trade["market"]) if trade else None
        if trade is None:
            reason = "unknown_trade"
        elif trade["mode"] == "live":
            reason = "closed_at_its_venue_only"
        elif trade["status"] != "open":
            reason = "trade_not_open"
        elif mark is None:
            reason = "no_price"
        else:
            self._books.ended(self._settle(entry, entry.user, trade_id, mark["price"], liquidated=False))
            return
        self._reject(entry, reason, {"trade_id": trade_id})

    def mark(self, entry: Entry) -> None:
        """Store a price unless a newer one is known, and liquidate what it has passed, by trade id."""
        market, price = entry.data["market"], quantity(entry.data["price"])
        known = self._books.marks.get(market)
        if known is not None and entry.at < known["at"]:
            return
        self._books.marks.put(market, {"price": price, "at": entry.at}, (entry.id,))
        passed = [
            (key.partition("|")[2], exposure["user_id"])
            for key, exposure in self._books.open.rows.items()
            if key.startswith(f"{market}|") and is_beyond(exposure["side"], price, exposure["liquidation_price"])
        ]
        for settlement in [self._settle(entry, user, trade, price, liquidated=True) for trade, user in sorted(passed)]:
            arguments = {"market": market, "trade_id": settlement.trade, "pnl_usd": usd_text(settlement.pnl)}
            self._books.community.user.notify(
                settlement.user, "liquidation", entry.at, settlement.causes, text="liquidation", arguments=arguments
            )
            self._books.ended(settlement)

    def _settle(self, entry: Entry, user: str, trade_id: str, price: int, *, liquidated: bool) -> Settlement:
        key, causes = f"{user}|{trade_id}", (entry.id,)
        trade, account = self._books.trades.rows[key], self._books.account(user)
        gain = max(pnl(trade["side"], trade["notional"], trade["entry_price"], price), -trade["margin"])
        money = {"balance": account["balance"] + gain, "margin": account["margin"] - trade["margin"]}
        self._books.accounts.put(user, {**account, **money}, causes)
        self._books.trades.change(
            key,
            causes,
            status="liquidated" if liquidated else "closed",
            pnl=gain,
            exit_price=price,
            updated_at=entry.at,
        )
        self._books.ages.touch(user, PRACTICE, key, entry.at)
        self._books.open.delete(f"{trade['market']}|{trade_id}", causes)
        self._books.owned.delete(f"of:{user}|{trade_id}", causes)
        size = -trade["size"] if trade["side"] == "long" else trade["size"]
        value = value_of(trade["size"], price)
        change = Change(quantity=size, price=price, notional=value, pnl=gain, at=entry.at)
        self._books.move(user, trade["market"], PRACTICE, change, causes)
        self._books.count(user, PRACTICE, entry.at, causes, {"closes": 1, "realised_pnl": gain})
        return Settlement(
            user=user,
            trade=trade_id,
            market=trade["market"],
            side=trade["side"],
            mode=PRACTICE,
            notional=trade["notional"],
            pnl=gain,
            liquidated=liquidated,
            at=entry.at,
            causes=causes,
        )
