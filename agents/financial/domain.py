"""The financial domain: fees, the ledger, deposits and withdrawals, plans, purchases, grants. Imports no Faust."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from agents.deadlines import Deadlines
from agents.dispatch import Dispatch
from agents.facts import Facts
from agents.financial.audits import Audits
from agents.financial.chain import ChainTotals
from agents.financial.customers import Customers
from agents.financial.deposits import Deposits
from agents.financial.entries import entry
from agents.financial.fees import accrued
from agents.financial.grants import Grants
from agents.financial.ledger import Ledger
from agents.financial.plans import Plans
from agents.financial.purchases import Purchases
from agents.financial.revenue import Revenues
from agents.financial.totals import Totals
from agents.financial.withdrawals import WithdrawalRules
from agents.rulebook import Rulebook
from streams.assets import USD_IN_QUANTITY
from streams.events import AnyEvent, Event
from streams.events.battles import BattleFought
from streams.events.clock import Ticked
from streams.events.constellations import ContributionRequested
from streams.events.financial import (
    CancelPlan,
    ChangePlan,
    DepositAccepted,
    FeeAccrued,
    ProceedsDue,
    ReportDeposit,
    ReportPayout,
    RequestDeposit,
    ReviewWithdrawal,
    Subscribe,
    Withdraw,
)
from streams.events.gamification import AchievementUnlocked, RewardClaimed
from streams.events.nft import PurchaseDecided, PurchaseRequested
from streams.events.trading import TradeExecuted
from streams.events.user import AccountClosed
from streams.times import DAY_US, Instant
from tables.accounts import fees_of, outside
from tables.financial import FINANCIAL_DEADLINES, FINANCIAL_PROCESSED, DeadlineKind
from tables.financial_audit import AUDITED
from tables.typed import OpenTable
from tables.unit_of_work import UnitOfWork


class Financial:
    """The handlers of the financial agents, over the domain's tables."""

    def __init__(self, open_table: OpenTable, rulebook: Rulebook, *, at_least_once: bool = False) -> None:
        self.policy = policy = rulebook.financial
        self._rules_version = rulebook.version
        self.tables = tables = UnitOfWork(open_table)
        self._facts = Facts(tables, FINANCIAL_PROCESSED, rulebook.repeats_days, at_least_once=at_least_once)
        self.fees = Totals(tables, rulebook.late_grace_h, rulebook.windows)
        self.ledger = Ledger(tables)
        self.revenues = Revenues(tables)
        self.customers = Customers(tables)
        self._deadlines: Deadlines[DeadlineKind] = Deadlines(
            tables.rows(FINANCIAL_DEADLINES), rulebook.deadlines_per_tick_max
        )
        self.deposits = Deposits(tables, self.ledger, self.customers)
        self.withdrawals = WithdrawalRules(tables, self.ledger, self.customers, policy.withdrawals)
        books: Any = {"ledger": self.ledger, "deadlines": self._deadlines, "revenues": self.revenues}
        self.plans = Plans(tables, **books, customers=self.customers, policy=policy.plans)
        self.purchases = Purchases(tables, **books, fees=self.fees, policy=policy)
        audited: tuple[Any, ...] = (self.ledger, self.fees, self.revenues, self.withdrawals, self.purchases)
        rows = {spec.name: one.rows for spec, one in zip(AUDITED, audited, strict=True)}
        self._audits = Audits(tables, rows, policy.audit_every_s)
        grants = Grants(self.ledger)
        chain: Any = ChainTotals(tables).rules
        self.handle = Dispatch(
            {
                RequestDeposit: self.deposits.request,
                ReportDeposit: self.deposits.report,
                DepositAccepted: self.deposits.credit,
                Withdraw: self.withdrawals.withdraw,
                ReviewWithdrawal: self.withdrawals.review,
                ReportPayout: self.withdrawals.pay,
                Subscribe: self.plans.subscribe,
                ChangePlan: self.plans.change,
                CancelPlan: self.plans.cancel,
                PurchaseRequested: self.purchases.request,
                PurchaseDecided: self.purchases.decide,
                ProceedsDue: self.purchases.credit,
                AchievementUnlocked: grants.achieved,
                RewardClaimed: grants.claimed,
                BattleFought: grants.fought,
                ContributionRequested: grants.contribute,
                **chain,
                **dict.fromkeys(Customers.EVENTS, self.customers.fold),
                AccountClosed: self._closed,
                Ticked: self._ticked,
            },
            self._facts,
            rulebook.version,
        )

    def traded_together(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Accrue the fees of executions, except for those that are, or may be, repetitions.

        Each step runs over all executions before the next begins. `FeeAccrued` is the record of a fee's ledger entry;
        the entries of a batch are added up.
        """
        facts = [cast("Event[TradeExecuted]", event) for event in events if isinstance(event.data, TradeExecuted)]
        fees = [(event, fee) for event in facts if (fee := accrued(event, self.policy)) is not None]
        new = [(event, fee) for event, fee in fees if self._facts.judge(event).kind == "new"]
        for event, fee in new:
            self.fees.add(fee, event.time)
        self._post(new)
        return [event.under(self._rules_version).then(fee) for event, fee in new]

    def _post(self, fees: Sequence[tuple[Event[TradeExecuted], FeeAccrued]]) -> None:
        """Post fees from the accounts of their venues to that of the source, and count them as revenue."""
        if not fees:
            return
        venues: defaultdict[str, int] = defaultdict(int)
        days: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for event, fee in fees:
            venues[event.data.venue] -= fee.amount
            day = days[event.time // DAY_US]
            day[0] += fee.amount
            day[1] += 1
        policy = self.policy
        changes = {outside(venue): amount * USD_IN_QUANTITY for venue, amount in venues.items()}
        changes[fees_of(policy.source)] = -sum(changes.values())
        self.ledger.apply(entry("fees", policy.asset, changes))
        for number, (amount, count) in days.items():
            time = Instant(number * DAY_US)
            self.revenues.count("trading_fees", policy.asset, time, amount * USD_IN_QUANTITY, count)

    def _closed(self, event: Event[AccountClosed]) -> list[AnyEvent]:
        return [*self.customers.fold(event), *self.plans.account_closed(event)]

    def _ticked(self, event: Event[Ticked]) -> list[AnyEvent]:
        """Act on passed deadlines, audit the partition, and count users by plan where that has to be done."""
        events = self._deadlines.act(event)
        self.plans.rows.count(anew=self._audits.tick(event.time))
        return events
