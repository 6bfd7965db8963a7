"""Random commands of many users: partitions balance, no user owes, reservations resolve, revenue is fees and plans.

The machine plays the tokens' partitions: it sells a token to the first valid reservation, and answers every other one.
Commands come in any order. An event for another key is delivered at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.events import AnyEvent
from streams.events.constellations import ContributionRequested
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    FeeAccrued,
    FundsReserved,
    ReportDeposit,
    ReportPayout,
    ReservationExpired,
    ReviewWithdrawal,
    SaleFeeAccrued,
    Subscribe,
    SubscriptionStarted,
    SubscriptionUpgraded,
    Withdraw,
    deposit_key,
)
from streams.events.nft import PurchaseDecided, PurchaseRequested
from streams.times import SECOND_US, Instant
from streams.units import Quantity
from tables.accounts import account_of, is_of_user, user_part
from tables.financial import (
    FINANCIAL_LEDGER,
    FINANCIAL_PLAN_USERS,
    FINANCIAL_PLANS,
    FINANCIAL_RESERVATIONS,
    FINANCIAL_REVENUE,
    FINANCIAL_WITHDRAWALS,
)
from tests.unit.agents.financial.bank import Bank, of_type
from tests.unit.agents.financial.test_ledger import executed

USERS = ("ada", "bob", "cyd", "dan")
TOKENS = ("token-1", "token-2")
USER = st.sampled_from(USERS)
USD_AMOUNT = st.sampled_from(["0.00000001", "9.95", "100", "1000.01", "12000", "30000"])


class Money(RuleBasedStateMachine):
    """Users of several partitions, whose money moves in every way that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = Bank(3)
        self.now = Instant.parse("2026-01-31T12:00:00Z")
        self.made = 0
        self.withdrawals: list[tuple[str, str]] = []
        self.owner = dict.fromkeys(TOKENS, "eve")
        self.open: dict[str, AnyEvent] = {}
        """Reservations that the tokens have not answered."""
        self.verify_all()

    def verify_all(self) -> None:
        for user in USERS[:2]:
            self.bank.verify(user, at=self.now.text())

    def send(self, model: Any, user: str, **fields: Any) -> list[AnyEvent]:
        events = self.bank.send(model, user, self.now.text(), **fields)
        self.note(events)
        return events

    def note(self, events: list[AnyEvent]) -> None:
        for event in events:
            if isinstance(event.data, FundsReserved):
                self.open[event.data.reservation_id] = event

    def name(self) -> str:
        self.made += 1
        return f"n-{self.made}"

    # --- commands -----------------------------------------------------------------------------------------------------

    @rule(user=USER, amount=USD_AMOUNT, repeated=st.booleans())
    def deposit(self, user: str, amount: str, repeated: bool) -> None:
        reference = "wire-1" if repeated else self.name()
        fields = {"user_id": user, "asset": "USD", "amount": amount, "provider": "bank", "reference": reference}
        self.bank.put(ReportDeposit.of(fields), deposit_key("bank", reference), self.now.text())

    @rule(user=USER, shards=st.integers(1, 500))
    def earn(self, user: str, shards: int) -> None:
        self.bank.grant(user, shards)

    @rule(user=USER, amount=USD_AMOUNT)
    def withdraw(self, user: str, amount: str) -> None:
        name = self.name()
        self.withdrawals.append((user, name))
        self.send(Withdraw, user, withdrawal_id=name, asset="USD", amount=amount, destination="iban")

    @precondition(lambda self: self.withdrawals)
    @rule(data=st.data(), approve=st.booleans())
    def review(self, data: st.DataObject, approve: bool) -> None:
        user, name = data.draw(st.sampled_from(self.withdrawals))
        self.send(ReviewWithdrawal, user, user_id=user, withdrawal_id=name, approve=approve, moderator="mod")

    @precondition(lambda self: self.withdrawals)
    @rule(data=st.data(), paid=st.booleans())
    def pay(self, data: st.DataObject, paid: bool) -> None:
        user, name = data.draw(st.sampled_from(self.withdrawals))
        fields: dict[str, Any] = {"user_id": user, "withdrawal_id": name, "paid": paid, "provider": "bank"}
        self.send(ReportPayout, user, reference="p", **fields)

    @rule(
        user=USER, plan=st.sampled_from(["navigator", "captain", "admiral"]), cycle=st.sampled_from(["month", "year"])
    )
    def subscribe(self, user: str, plan: str, cycle: str) -> None:
        self.send(Subscribe, user, plan=plan, cycle=cycle)

    @rule(user=USER, plan=st.sampled_from(["explorer", "navigator", "captain", "admiral"]))
    def change(self, user: str, plan: str) -> None:
        self.send(ChangePlan, user, plan=plan)

    @rule(user=USER)
    def cancel(self, user: str) -> None:
        self.send(CancelPlan, user)

    @rule(user=USER, amount=st.integers(1, 300))
    def contribute(self, user: str, amount: int) -> None:
        self.send(ContributionRequested, user, contribution_id=self.name(), constellation_id="c", amount=amount)

    @rule(user=USER, fee=st.sampled_from(["0", "0.00000007", "1.50"]))
    def trade(self, user: str, fee: str) -> None:
        self.bank.put(executed(fill_id=self.name(), fee_usd=fee), user, self.now.text())

    @rule(user=USER, token=st.sampled_from(TOKENS), price=st.integers(1, 300))
    def buy(self, user: str, token: str, price: int) -> None:
        wanted: dict[str, Any] = {"token_id": token, "listing_id": "l", "asset": "SS", "amount": str(price)}
        self.send(PurchaseRequested, user, reservation_id=self.name(), **wanted)

    # --- the tokens' side ---------------------------------------------------------------------------------------------

    @precondition(lambda self: self.open)
    @rule(data=st.data(), sold=st.booleans())
    def decide(self, data: st.DataObject, sold: bool) -> None:
        self.answer(data.draw(st.sampled_from(sorted(self.open))), sold=sold)

    def answer(self, name: str, *, sold: bool) -> None:
        reserved: Any = self.open.pop(name)
        token, funds = reserved.partitionkey, reserved.data
        sold = sold and funds.buyer != self.owner[token]
        whole = funds.amount // 10**18
        platform, creator = (whole * 25 // 1000, whole * 50 // 1000) if sold else (0, 0)
        proceeds = whole - platform - creator if sold else 0
        fields = {
            "platform_fee": str(platform), "creator_fee": str(creator), "proceeds": str(proceeds), "sold": sold,
            "seller": self.owner[token] if sold else None, "creator": "maker", "reason": "decided",
        }  # fmt: skip
        sale = {"reservation_id": name, "token_id": token, "listing_id": funds.listing_id, "asset": funds.asset}
        self.send(PurchaseDecided, funds.buyer, **sale, **fields)
        if sold:
            self.owner[token] = funds.buyer

    @rule(seconds=st.sampled_from([1, 59, 60, 86_400, 28 * 86_400, 100 * 86_400]))
    def tick(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds * SECOND_US)
        for event in self.bank.tick(self.now.text()):
            if isinstance(event.data, ReservationExpired) and event.data.reservation_id in self.open:
                self.answer(event.data.reservation_id, sold=False)

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def every_partition_balances_and_no_user_owes(self) -> None:
        self.bank.check()

    @invariant()
    def nothing_stays_in_transit(self) -> None:
        assert [self.bank.total("transit", asset) for asset in ("USD", "SS")] == ["0", "0"]

    @invariant()
    def what_is_reserved_is_the_sum_of_open_withdrawals_and_reservations(self) -> None:
        expected: dict[tuple[str, str], int] = defaultdict(int)
        for user, [row] in self.bank.rows(FINANCIAL_WITHDRAWALS).items():
            for one in row.open:
                expected[user, one.asset] += one.amount
        for [row] in self.bank.rows(FINANCIAL_RESERVATIONS).values():
            expected[row.buyer, row.asset] += row.amount
        found = {}
        for key, [*rows] in self.bank.rows(FINANCIAL_LEDGER).items():
            account, asset = account_of(key)
            if is_of_user(account) and account.endswith(":reserved") and rows[0].amount:
                owner = user_part(account)
                assert owner is not None
                found[owner[0], asset] = int(rows[0].amount)
        assert found == dict(expected)

    @invariant()
    def revenue_is_the_sum_of_fees_and_plans(self) -> None:
        events = self.bank.events
        fees = sum(one.amount for one in of_type(events, FeeAccrued)) * 10**10
        paid: list[Any] = [*of_type(events, SubscriptionStarted), *of_type(events, SubscriptionUpgraded)]
        plans = sum(one.paid_usd for one in paid) * 10**10
        sales = sum(one.amount for one in of_type(events, SaleFeeAccrued))
        streams: dict[str, int] = defaultdict(int)
        for key, rows in self.bank.rows(FINANCIAL_REVENUE).items():
            stream, _, period = key.split("|")
            if len(period) == len("2026-01"):
                streams[stream] += sum(row.amount for row in rows)
        assert (streams["trading_fees"], streams["subscriptions"], streams["nft_marketplace"]) == (fees, plans, sales)
        assert self.bank.total("platform:treasury") == Quantity(plans).text()

    @invariant()
    def users_by_plan_are_counted(self) -> None:
        plans = Counter(row.plan for [row] in self.bank.rows(FINANCIAL_PLANS).values())
        users = {plan: sum(row.users for row in rows) for plan, rows in self.bank.rows(FINANCIAL_PLAN_USERS).items()}
        assert {plan: number for plan, number in users.items() if number} == plans

    def teardown(self) -> None:
        for name in sorted(self.open):
            self.answer(name, sold=True)
        assert self.bank.rows(FINANCIAL_RESERVATIONS) == {}, "a reservation was not resolved"
        self.bank.check()


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
