"""What always holds of practice trading, over random commands of many users and any order of delivery.

The rule book makes accounts small and margins wide, so that random orders reach the end of the money.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.events import AnyEvent, EventData
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, TradeClosed, TradeExecuted, TradeLiquidated
from streams.events.user import AccountClosed, AccountReinstated, AccountSuspended
from streams.times import MINUTE_US, Instant
from streams.units import USD_UNIT
from tables.trading import TRADING_ACCOUNTS, TRADING_OPEN, TRADING_TRADES
from tests.community.cluster_run import stored
from tests.community.invariants.facts import Broken, Facts, no_event_exists_twice
from tests.community.invariants.game import practice_accounts_are_covered, practice_trades_end_once_and_are_few_a_day
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.rulebooks import rulebook_with

USERS = ["ada", "bob", "carol", "dave"]
START_USD = 1_000
RULES = rulebook_with({"trading": {"practice_balance_usd": str(START_USD), "margin_ppm_max": 1_000_000}})
START = Instant.parse("2026-01-05T23:30:00Z")
"""Half an hour before midnight, at which the count of a day's trades starts over."""

users, markets, numbers = st.sampled_from(USERS), st.sampled_from(["BTC", "SOL"]), st.integers(0, 1_000)
orders = st.fixed_dictionaries(
    {
        "market": markets,
        "side": st.sampled_from(["long", "short"]),
        "notional_usd": st.sampled_from(["10", "990", "2500", "9900"]),
        "leverage": st.sampled_from([1, 3, 10, 20]),
    }
)
SMALL_ORDER = {"market": "BTC", "side": "long", "notional_usd": "10", "leverage": 10}


class Trading(RuleBasedStateMachine):
    """Orders, closes, marks and suspensions, handled in any order between domains and partitions."""

    @initialize(seed=st.integers(0, 1_000))
    def begin(self, seed: int) -> None:
        self.cluster = Cluster(3, RULES, random=Random(seed))
        self.now = START
        self.commands: list[AnyEvent] = []
        self.suspended: set[str] = set()
        self.refusable: set[str] = set()
        """The commands that were sent while their user was suspended."""
        self.mark("BTC", 100)
        self.mark("SOL", 100)
        self.cluster.run()

    @rule(minutes=st.sampled_from([1, 10, 30]))
    def wait(self, minutes: int) -> None:
        self.now = Instant(self.now + minutes * MINUTE_US)

    @rule(market=markets, percent=st.sampled_from([1, 40, 90, 95, 99, 100, 101, 105, 110, 200]))
    def mark(self, market: str, percent: int) -> None:
        """Mark a price; all trades were opened at some such price."""
        data = PriceUpdated.of({"market": market, "price": str(percent)})
        self.cluster.post(data, market, self.now)

    @rule(user=users, fields=orders, behind=st.sampled_from([0, 0, 5, 60]))
    def order(self, user: str, fields: dict[str, Any], behind: int) -> None:
        """Order, at times under an earlier time than other orders before it."""
        self.send(OpenTrade.of(fields), user, behind)

    @rule(user=users, behind=st.sampled_from([[0] * 12, [0] * 21, [60] * 8, [0, 60] * 12, [*[0] * 12, 60, *[0] * 12]]))
    def order_often(self, user: str, behind: list[int]) -> None:
        """Send many small orders through gateways whose clocks differ, so that around midnight their days do, too."""
        for minutes in behind:
            self.send(OpenTrade.of(SMALL_ORDER), user, minutes)

    @precondition(lambda self: self.opened())
    @rule(number=numbers, other=st.sampled_from([*USERS, *[None] * 8]), times=st.integers(1, 2))
    def close(self, number: int, other: str | None, times: int) -> None:
        """Close a trade that was opened once, at times as somebody else, or twice."""
        opened = self.opened()
        event = opened[number % len(opened)]
        for _ in range(times):
            self.send(CloseTrade(trade_id=event.data.trade_id), other or event.partitionkey)  # type: ignore[attr-defined]

    @precondition(lambda self: self.commands)
    @rule(number=numbers)
    def repeat(self, number: int) -> None:
        event = self.commands[-1 - number % len(self.commands)]
        self.cluster.post(event.data, event.partitionkey, event.time, event.id)

    @rule(user=users, suspended=st.sampled_from([True, False, False]))
    def suspend(self, user: str, suspended: bool) -> None:
        data = AccountSuspended(user_id=user) if suspended else AccountReinstated(user_id=user)
        self.cluster.post(data, user, self.now)
        (self.suspended.add if suspended else self.suspended.discard)(user)

    @precondition(lambda self: "dave" not in self.suspended)
    @rule()
    def close_account(self) -> None:
        self.cluster.post(AccountClosed(user_id="dave"), "dave", self.now)
        self.suspended.add("dave")

    @rule(steps=st.integers(0, 12))
    def handle_some(self, steps: int) -> None:
        for _ in range(steps):
            self.cluster.step()

    @rule()
    def handle_all(self) -> None:
        self.cluster.run()
        accounts = self.cluster.rows(TRADING_ACCOUNTS)
        assert {user for user, row in accounts.items() if row.suspended} == self.suspended
        assert self.cluster.replayed("trading") == self.cluster.stored("trading")

    def teardown(self) -> None:
        if hasattr(self, "cluster"):
            self.handle_all()

    @invariant()
    def accounts_are_covered_and_trades_end_once_and_are_few_a_day(self) -> None:
        if hasattr(self, "cluster"):
            facts = Facts(stored(self.cluster, TRADING_ACCOUNTS, TRADING_OPEN, TRADING_TRADES), self.cluster.events)
            assert_none(practice_accounts_are_covered(facts))
            assert_none(practice_trades_end_once_and_are_few_a_day(facts))
            assert_none(no_event_exists_twice(facts))

    @invariant()
    def no_order_of_a_suspended_user_is_executed(self) -> None:
        if hasattr(self, "cluster"):
            assert not {event.causationid for event in self.opened()} & self.refusable

    @invariant()
    def a_balance_is_the_start_less_fees_and_with_what_ended_trades_gained(self) -> None:
        if not hasattr(self, "cluster"):
            return
        moved: Counter[str] = Counter()
        for event in self.cluster.events:
            if isinstance(event.data, TradeExecuted):
                moved[event.partitionkey] -= int(event.data.fee_usd)
            if isinstance(event.data, TradeClosed | TradeLiquidated):
                moved[event.partitionkey] += int(event.data.pnl_usd)
        for user, row in self.cluster.rows(TRADING_ACCOUNTS).items():
            assert row.balance == START_USD * USD_UNIT + moved[user]

    def opened(self) -> list[AnyEvent]:
        return [event for event in self.cluster.events if isinstance(event.data, TradeExecuted)]

    def send(self, data: EventData, user: str, minutes_behind: int = 0) -> None:
        command = self.cluster.post(data, user, Instant(self.now - minutes_behind * MINUTE_US))
        self.commands.append(command)
        if isinstance(data, OpenTrade) and user in self.suspended:
            self.refusable.add(command.id)


def assert_none(broken: Broken) -> None:
    assert list(broken) == []


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
