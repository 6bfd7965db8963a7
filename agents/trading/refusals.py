"""Why an order opens no trade: the limits of the rule book, the account and the market, each with its figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agents.trading import prices
from agents.trading.policy import TradingPolicy
from agents.trading.standing import reaches
from streams.events.trading import OpenTrade
from streams.units import PPM, WHOLE_LIMIT, Usd
from tables.trading import Account, Mark


class Terms(NamedTuple):
    """Margin and fee of an order in 1e-8 USD, and its UTC day (days since 1970)."""

    margin: int
    fee: int
    day: int


class Refusal(NamedTuple):
    """A rejection of an order.

    Attributes:
        reason: A code for programs.
        detail: A text for people: what the order needed, and what the account or the market allows.
    """

    reason: str
    detail: str = ""


def refuse_open(
    account: Account, mark: Mark | None, order: OpenTrade, terms: Terms, policy: TradingPolicy
) -> Refusal | None:
    """Return why an order opens no trade, or None. The first refusal counts."""
    return next(_refusals(account, order, terms, policy), None) or _unpriced(mark, order.notional_usd)


def _refusals(account: Account, order: OpenTrade, terms: Terms, policy: TradingPolicy) -> Iterator[Refusal]:
    """Yield the refusals that need no price.

    A live order goes to a venue, and no venue takes orders from here: venues report their fills.
    """
    if order.mode == "live" and not reaches(account.tier, policy.live_tier):
        yield Refusal("verification_required", f"needs the tier {policy.live_tier}, the account has {account.tier}")
    if account.suspended:
        yield Refusal("account_suspended")
    if order.mode == "live":
        yield Refusal("no_venue_connected")
    yield from _leverage(account, order, policy)
    yield from _closed_day(account, terms.day, policy)
    yield from _money(account, terms, policy)


def _leverage(account: Account, order: OpenTrade, policy: TradingPolicy) -> Iterator[Refusal]:
    most = policy.market_leverage_max.get(order.market)
    if most is None:
        yield Refusal("unknown_market")
    elif order.leverage > most:
        detail = f"{order.market} allows at most {most}, the order has {order.leverage}"
        yield Refusal("leverage_above_market_maximum", detail)
    if order.leverage > account.max_leverage:
        detail = f"the account allows at most {account.max_leverage}, the order has {order.leverage}"
        yield Refusal("leverage_above_user_maximum", detail)


def _closed_day(account: Account, day: int, policy: TradingPolicy) -> Iterator[Refusal]:
    """Refuse an order of a UTC day that takes no further trade. An account counts the trades of the newest day only."""
    if day < account.opened_day:
        yield Refusal("day_is_over")
    elif day == account.opened_day and account.opened_count >= policy.opened_per_day_max:
        yield Refusal("daily_limit_reached", f"at most {policy.opened_per_day_max} trades are opened in a UTC day")


def _money(account: Account, terms: Terms, policy: TradingPolicy) -> Iterator[Refusal]:
    """Refuse an order that the balance cannot pay, fee included, or whose margin is too large a part of it."""
    needed, margin = Usd(terms.margin + terms.fee), Usd(terms.margin)
    if needed > account.available:
        available = Usd(account.available).text()
        detail = f"needs {needed.text()} USD of margin and fee, {available} are available"
        yield Refusal("insufficient_balance", detail)
    most = Usd(account.balance * policy.margin_ppm_max // PPM)
    if margin > most:
        yield Refusal("margin_above_limit", f"needs {margin.text()} USD of margin, at most {most.text()} are allowed")


def _unpriced(mark: Mark | None, notional: int) -> Refusal | None:
    if mark is None:
        return Refusal("no_price")
    tradable = prices.size_of(notional, mark.price) < WHOLE_LIMIT
    return None if tradable else Refusal("price_out_of_range")
