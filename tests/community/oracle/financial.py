"""The financial domain of the oracle: fees, the ledger, deposits, withdrawals, plans, purchases (domain.md §7, §12).

`financial-audits` is not computed: it says what a partition found. `financial-deadlines` has the end of each plan's
period; a purchase is decided at once, so that none waits. `financial-plan-users` counts the plans.

One round: a user sends one command that moves the user's money. A report of a deposit or a payout, a review and a sale
move the money of others; none of these users sends such a command in the same round, and each is concerned once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from tests.community.journal import TICK, Entry
from tests.community.oracle import crossing, tables
from tests.community.oracle.amounts import E18, SMALLEST, quantity
from tests.community.oracle.chain import ChainFees
from tests.community.oracle.crossing import Causes, Domains, Execution, Rows
from tests.community.oracle.customers import Customers
from tests.community.oracle.fee_totals import FeeTotals
from tests.community.oracle.ledger import EMISSION, TRANSIT, Ledger, available, fees_of, outside, reserved
from tests.community.oracle.plans import Plans
from tests.community.oracle.tables import Table
from tests.community.oracle.withdrawals import Withdrawals

TRADING: Final = "trading"
NFT: Final = "nft"

Steps = dict[str, Callable[[Entry], None]]


class Financial(crossing.Financial):
    """Applies what moves money."""

    def __init__(self, community: Domains) -> None:
        self.community = community
        self.ledger, self.totals, self.customers = Ledger(), FeeTotals(), Customers()
        self.deposits, self.reservations = Table("financial-deposits"), Table("financial-reservations")
        self.withdrawals = Withdrawals(community, self.ledger, self.customers)
        self.plans = Plans(community, self.ledger, self.totals, self.customers)
        self.chain = ChainFees()
        of_money: Steps = {"ReportDeposit": self._deposit, TICK: self.plans.turn_all}
        self._steps = (self.chain.steps, self.customers.steps, self.withdrawals.steps, self.plans.steps, of_money)
        self._tables = (
            self.ledger.table,
            self.totals.fees,
            self.totals.revenue,
            self.chain.table,
            self.customers.table,
            self.deposits,
            self.withdrawals.table,
            self.withdrawals.reviews,
            self.plans.table,
            self.reservations,
        )

    def apply(self, entry: Entry) -> None:
        """Apply a command or report about money, a tick, or an event of an account."""
        for steps in self._steps:
            if step := steps.get(entry.name):
                step(entry)

    def rows(self) -> Rows:
        """Return all tables."""
        ends = {user: plan["ends_at"] for user, plan in self.plans.table.rows.items()}
        deadlines = {f"{at:019d}|plan|{user}": {"at": at} for user, at in ends.items()}
        have = Counter(plan["plan"] for plan in self.plans.table.rows.values())
        users = {plan: {"users": number} for plan, number in have.items()}
        derived: Rows = {"financial-deadlines": deadlines, "financial-plan-users": users}
        return {**tables.rows_of(self._tables), **derived}

    def folded(self, table: str, key: str) -> set[str]:
        """Return the entries behind a row."""
        return tables.folded(self._tables, table, key)

    # --- deposits -----------------------------------------------------------------------------------------------------

    def _deposit(self, entry: Entry) -> None:
        """Credit a deposit, unless its provider has used the reference."""
        report, causes = entry.data, (entry.id,)
        user, asset, amount = report["user_id"], report["asset"], quantity(report["amount"])
        key = f"{report['provider']}|{report['reference']}"
        if self.deposits.get(key) is not None:
            return
        row = {"user_id": user, "asset": asset, "amount": amount, "accepted_at": entry.at}
        self.deposits.put(key, row, causes)
        self.ledger.move(asset, amount, causes, source=outside(report["provider"]), target=TRANSIT)
        self.ledger.move(asset, amount, causes, source=TRANSIT, target=available(user))
        self.community.gamification.deposited(user, asset, amount // SMALLEST[asset], at=entry.at, causes=causes)

    # --- what other domains bring -------------------------------------------------------------------------------------

    def traded(self, execution: Execution) -> None:
        """Accrue the fee of a live execution."""
        if execution.mode != "live" or not execution.fee:
            return
        at, causes, amount = execution.at, execution.causes, execution.fee * SMALLEST["USD"]
        self.totals.accrue(TRADING, "USD", execution.fee, at, causes)
        self.totals.earn("trading_fees", "USD", amount, at, causes)
        self.ledger.move("USD", amount, causes, source=outside(execution.venue), target=fees_of(TRADING))

    def granted(self, user: str, amount: int, *, reason: str, at: int, causes: Causes, event_id: str = "") -> None:
        """Credit stellar shards."""
        if amount:
            self.ledger.move("SS", amount * E18, causes, source=EMISSION, target=available(user))

    def contribution_requested(
        self, user: str, constellation: str, amount: int, *, at: int, causes: Causes, contribution: str = ""
    ) -> bool:
        """Move a member's stellar shards to the constellation, if the member has them."""
        if self.ledger.balance(available(user), "SS") < amount * E18:
            return False
        target = f"constellation:{constellation}"
        self.ledger.move("SS", amount * E18, causes, source=available(user), target=target)
        return True

    # --- purchases ----------------------------------------------------------------------------------------------------

    def reserve(
        self,
        reservation: str,
        buyer: str,
        at: int,
        causes: Causes,
        *,
        token: str,
        listing: str,
        asset: str,
        amount: int,
    ) -> bool:
        """Set the price of a token aside, in 1e-18 of the asset, if the buyer has it."""
        if self.ledger.balance(available(buyer), asset) < amount:
            return False
        self.ledger.move(asset, amount, causes, source=available(buyer), target=reserved(buyer))
        row = {"buyer": buyer, "token_id": token, "listing_id": listing, "asset": asset, "amount": amount}
        self.reservations.put(reservation, row, causes)
        return True

    def release(self, reservation: str, buyer: str, at: int, causes: Causes) -> None:
        """Give back what a purchase set aside."""
        asset, amount = self._taken(reservation, causes)
        self.ledger.move(asset, amount, causes, source=reserved(buyer), target=available(buyer))

    def capture(
        self,
        reservation: str,
        buyer: str,
        at: int,
        causes: Causes,
        *,
        seller: str,
        creator: str | None,
        platform_fee: int,
        creator_fee: int,
        proceeds: int,
    ) -> None:
        """Debit the buyer; credit the platform, the creator and the seller."""
        asset, amount = self._taken(reservation, causes)
        changes = {reserved(buyer): -amount, fees_of(NFT): platform_fee, TRANSIT: proceeds}
        if creator_fee:
            changes[f"creator:{creator}"] = creator_fee
        self.ledger.post(asset, changes, causes)
        if proceeds:
            self.ledger.move(asset, proceeds, causes, source=TRANSIT, target=available(seller))
        if platform_fee:
            self.totals.accrue(NFT, asset, platform_fee // SMALLEST[asset], at, causes)
            self.totals.earn("nft_marketplace", asset, platform_fee, at, causes)

    def _taken(self, reservation: str, causes: Causes) -> tuple[str, int]:
        """Remove a reservation, and return its asset and amount."""
        row = self.reservations.rows[reservation]
        self.reservations.delete(reservation, causes)
        return row["asset"], row["amount"]
