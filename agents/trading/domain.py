"""The trading domain: take one event, write rows, return events. Imports no Faust; the caller passes the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from agents.processed import ProcessedEvents, Verdict, name_hash_of, scope_of
from agents.rulebook import Rulebook
from agents.trading import reports, standing
from agents.trading.accounts import new_account, new_portfolio, raised
from agents.trading.candles import Candles
from agents.trading.fills import FillState, record_fill
from agents.trading.notices import with_notices
from agents.trading.orders import Books, open_trade, refuse_close, rejected_close, rejected_open
from agents.trading.prices import beyond
from agents.trading.refusals import Refusal
from agents.trading.settlement import Settled, close_trade, liquidate
from agents.trading.trades import Trades
from agents.trading.updates import Updates
from streams.events import AnyEvent, Event, UndecodableEventError
from streams.events.gamification import LevelUp
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill, TradeExecuted
from tables.boards import Standing
from tables.keys import SEPARATOR
from tables.trading import (
    OPEN,
    TRADING_ACCOUNTS,
    TRADING_MARKS,
    TRADING_OPEN,
    TRADING_OWNED,
    TRADING_PORTFOLIO,
    TRADING_POSITIONS,
    TRADING_PROCESSED,
    TRADING_TRADES,
    Account,
    Mark,
    Trade,
    open_key,
    owned_key,
    position_key,
)
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork

COMMANDS = (ReportFill, OpenTrade, CloseTrade)
ACCOUNT = "account"
"""The source of account events, whose ids are remembered apart from those of orders."""


class Trading:
    """The handlers of the trading agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook) -> None:
        self.policy = rulebook.trading
        self._leverage_first = rulebook.leverage_first
        self._rules_version = rulebook.version
        self._updates = Updates()
        self.tables = UnitOfWork(open_table)
        self.processed = ProcessedEvents(self.tables, TRADING_PROCESSED, rulebook.repeats_days)
        self.accounts = self.tables.rows(TRADING_ACCOUNTS)
        self.open = self.tables.rows(TRADING_OPEN)
        self.owned = self.tables.ranked(TRADING_OWNED)
        self.positions = self.tables.rows(TRADING_POSITIONS)
        self.portfolios = self.tables.rows(TRADING_PORTFOLIO)
        self.marks = self.tables.rows(TRADING_MARKS)
        self.candles = Candles(self.tables, rulebook.late_grace_h, rulebook.windows)
        self.trades = Trades(self.tables, self.candles, rulebook.rows.kept_days)

    def commands(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Carry out commands in their order, except for repetitions. Judge all of them before the first is carried out.

        Raises:
            UndecodableEventError: when the key of a fill names another user than the fill.
        """
        version = self._rules_version
        ruled = [event.under(version) for event in events if isinstance(event.data, COMMANDS)]
        verdicts = [self._judge(event) for event in ruled]
        self._updates.begin()
        effects = [
            effect for event, verdict in zip(ruled, verdicts, strict=True) for effect in self._do(event, verdict)
        ]
        for effect in effects:
            if isinstance(effect.data, TradeExecuted):
                self.candles.add(effect.data, effect.time)
        return effects + self._updates.events()

    def mark(self, event: AnyEvent) -> list[AnyEvent]:
        """Store a new mark price and liquidate the trades that it has passed. Ignore a price older than the newest."""
        if not isinstance(event.data, PriceUpdated):
            return []
        known = self.marks.get(event.data.market)
        if known is not None and event.time < known.at:
            return []
        self.marks.put(event.data.market, Mark(price=event.data.price, at=event.time))
        self._updates.begin()
        liquidated = self._liquidate(cast("Event[PriceUpdated]", event.under(self._rules_version)))
        return liquidated + self._updates.events()

    def gamified(self, event: AnyEvent) -> list[AnyEvent]:
        """Raise a user's maximum leverage after a level up."""
        if isinstance(event.data, LevelUp):
            user_id = event.partitionkey
            self.accounts.put(user_id, raised(self._account(user_id), event.data.max_leverage))
        return []

    def account_changed(self, event: AnyEvent) -> list[AnyEvent]:
        """Suspend a user's trading with the account, give it back, or note another verification tier."""
        if not isinstance(event.data, standing.EVENTS) or self._judge(event, ACCOUNT).kind != "new":
            return []
        user_id = event.partitionkey
        account, facts = standing.judged(self._account(user_id), event.under(self._rules_version))
        self.accounts.put(user_id, account)
        return with_notices(facts)

    def _judge(self, event: AnyEvent, source: str = "") -> Verdict:
        fill = event.data
        if not isinstance(fill, ReportFill):
            return self.processed.judge_event(event, source)
        if fill.user_id != event.partitionkey:
            raise UndecodableEventError(f"a fill of {fill.user_id!r} came under the key {event.partitionkey!r}")
        scope, id_hash = scope_of(fill.user_id, fill.venue), name_hash_of(fill.fill_id)
        return self.processed.judge(scope, id_hash, event.time, reports.content(event.time, fill))

    def _do(self, event: AnyEvent, verdict: Verdict) -> list[AnyEvent]:
        if isinstance(event.data, ReportFill):
            return self._report(cast("Event[ReportFill]", event), verdict)
        return self._order(event, verdict)

    def _report(self, event: Event[ReportFill], verdict: Verdict) -> list[AnyEvent]:
        match verdict.kind:
            case "new":
                return self._record(event)
            case "repeated":
                return []
        return [reports.rejected(event, verdict)]

    def _order(self, event: AnyEvent, verdict: Verdict) -> list[AnyEvent]:
        if verdict.kind in {"repeated", "conflicting"}:
            return []
        reason = "too_late" if verdict.kind == "too_late" else None
        if isinstance(event.data, OpenTrade):
            return with_notices(self._open(cast("Event[OpenTrade]", event), reason))
        return with_notices(self._close(cast("Event[CloseTrade]", event), reason))

    def _record(self, event: Event[ReportFill]) -> list[AnyEvent]:
        user_id, fill = event.partitionkey, event.data
        position = position_key(user_id, fill.market, "live")
        trade = self.trades.get(user_id, fill.trade_id)
        state = FillState(trade, self.positions.get(position), self.portfolios.get(user_id))
        recorded, executed = record_fill(state, event, self.policy, self.trades.day("live", event.time))
        self.trades.put_dated(user_id, fill.trade_id, recorded.trade)
        self.trades.executed("live", event.time)
        if trade is None:
            self.trades.sweep()
        self.positions.put(position, recorded.position)
        self.portfolios.put(user_id, recorded.portfolio)
        self._updates.position(event, user_id, fill.market, "live", recorded.position)
        self._updates.portfolio(event, user_id, recorded.portfolio)
        return [executed]

    def _open(self, event: Event[OpenTrade], refused: str | None) -> list[AnyEvent]:
        if refused is not None:
            return [rejected_open(event, Refusal(refused))]
        user_id, market = event.partitionkey, event.data.market
        books = self._books(user_id, market)
        opened, events = open_trade(books, self.marks.get(market), event, self.policy)
        if opened is not None:
            self._put(event, opened.trade_id, opened.books, opened.trade, user_id=user_id)
            self.open.put(open_key(market, opened.trade_id), opened.exposure)
            latest_first = {OPEN: Standing(opened.trade.opened_at, 0).ranked}
            self.owned.put(owned_key(user_id, opened.trade_id), latest_first)
            self.trades.executed("practice", event.time)
            self.trades.sweep()
        return events

    def _close(self, event: Event[CloseTrade], refused: str | None) -> list[AnyEvent]:
        if refused is not None:
            return [rejected_close(event, refused)]
        user_id, trade_id = event.partitionkey, event.data.trade_id
        trade = self.trades.get(user_id, trade_id)
        mark = self.marks.get(trade.market) if trade else None
        reason = refuse_close(trade, mark)
        if reason is not None or trade is None or mark is None:
            return [rejected_close(event, reason or "unknown_trade")]
        settled, events = close_trade(self._books(user_id, trade.market), trade, mark.price, event)
        self._settle(event, trade_id, settled, user_id=user_id)
        return events

    def _liquidate(self, event: Event[PriceUpdated]) -> list[AnyEvent]:
        events: list[AnyEvent] = []
        for key, exposure in self.open.prefix(open_key(event.data.market, "")):
            if beyond(exposure.side, event.data.price, exposure.liquidation_price):
                user_id, trade_id = exposure.user_id, key.rpartition(SEPARATOR)[2]
                trade = self._exposed(user_id, trade_id)
                books = self._books(user_id, trade.market)
                settled, facts = liquidate(books, trade, event, user_id=user_id, trade_id=trade_id)
                self._settle(event, trade_id, settled, user_id=user_id)
                events += with_notices(facts)
        return events

    def _exposed(self, user_id: str, trade_id: str) -> Trade:
        trade = self.trades.get(user_id, trade_id)
        if trade is None:
            raise LookupError(f"open trade {trade_id!r} of {user_id!r} is not in {TRADING_TRADES.name}")
        return trade

    def _settle(self, event: AnyEvent, trade_id: str, settled: Settled, *, user_id: str) -> None:
        self._put(event, trade_id, settled.books, settled.trade, user_id=user_id)
        self.open.delete(open_key(settled.trade.market, trade_id))
        self.owned.delete(owned_key(user_id, trade_id))

    def _account(self, user_id: str) -> Account:
        return self.accounts.get(user_id) or new_account(self.policy, self._leverage_first)

    def _books(self, user_id: str, market: str) -> Books:
        return Books(
            self._account(user_id),
            self.portfolios.get(user_id) or new_portfolio(self.policy),
            self.positions.get(position_key(user_id, market, "practice")),
        )

    def _put(self, event: AnyEvent, trade_id: str, books: Books, trade: Trade, *, user_id: str) -> None:
        self.accounts.put(user_id, books.account)
        self.portfolios.put(user_id, books.portfolio)
        self._updates.portfolio(event, user_id, books.portfolio)
        if books.position is not None:
            self.positions.put(position_key(user_id, trade.market, trade.mode), books.position)
            self._updates.position(event, user_id, trade.market, trade.mode, books.position)
        self.trades.put(user_id, trade_id, trade, event.time)
