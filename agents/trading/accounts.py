"""Practice accounts and portfolios: their first state, and the effects of executions and closes. Pure functions."""

from __future__ import annotations

from msgspec.structs import replace

from agents.trading.policy import TradingPolicy
from streams.events.trading import Mode, TradeExecuted
from tables.trading import Account, Portfolio, Totals


def new_account(policy: TradingPolicy, max_leverage: int) -> Account:
    """Return the practice account of a new user."""
    return Account(balance=policy.practice_balance_usd, max_leverage=max_leverage)


def new_portfolio(policy: TradingPolicy) -> Portfolio:
    """Return a portfolio without trades."""
    return Portfolio(practice_balance=policy.practice_balance_usd, updated_at=0)


def raised(account: Account, leverage: int) -> Account:
    """Return the account after a level up. The maximum never falls, in whatever order level ups arrive."""
    return replace(account, max_leverage=max(account.max_leverage, leverage))


def counted(portfolio: Portfolio, fill: TradeExecuted, *, new_trade: bool, new_close: bool, at: int) -> Portfolio:
    """Return the portfolio with one more execution in the totals of its mode."""
    totals = portfolio.live if fill.mode == "live" else portfolio.practice
    after = Totals(
        fills=totals.fills + 1,
        trades=totals.trades + new_trade,
        closes=totals.closes + new_close,
        volume=totals.volume + fill.notional_usd,
        realised_pnl=totals.realised_pnl + fill.closed_pnl_usd,
        fees=totals.fees + fill.fee_usd,
    )
    return _with_totals(portfolio, fill.mode, after, at)


def realised(portfolio: Portfolio, pnl: int, at: int) -> Portfolio:
    """Return the portfolio after a practice trade was closed or liquidated."""
    totals = portfolio.practice
    done = replace(totals, closes=totals.closes + 1, realised_pnl=totals.realised_pnl + pnl)
    return _with_totals(portfolio, "practice", done, at)


def with_account(portfolio: Portfolio, account: Account) -> Portfolio:
    """Return the portfolio with the practice account's money."""
    return replace(portfolio, practice_balance=account.balance, practice_margin=account.margin)


def _with_totals(portfolio: Portfolio, mode: Mode, totals: Totals, at: int) -> Portfolio:
    updated_at = max(portfolio.updated_at, at)
    if mode == "live":
        return replace(portfolio, live=totals, updated_at=updated_at)
    return replace(portfolio, practice=totals, updated_at=updated_at)
