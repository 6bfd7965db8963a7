"""The lending contracts as they are deployed together, and what tests of them repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.chain.deployed import Chain, ContractClass, Deployed, Receipt
from tests.chain.transactions import Account

USD: Final = 10**6
ASTRA: Final = 10**18
DOLLAR: Final = 10**24
"""The price of one ASTRA at one dollar."""
SUPPLY_CAP: Final = 10**9 * USD
BORROW_CAP: Final = 8 * 10**8 * USD
MIN_DEBT: Final = 10 * USD
PLENTY: Final = 2**120
YEAR_S: Final = 365 * 24 * 3600
MAX: Final = 2**256 - 1


@dataclass(frozen=True)
class Lending:
    """A USD token, ASTRA as its collateral, the oracle and the pool. The deployer owns both contracts."""

    chain: Chain
    usd: Deployed
    astra: Deployed
    oracle: Deployed
    pool: Deployed
    owner: Account
    pauser: Account
    feeder: Account
    alice: Account
    bob: Account
    carol: Account
    dave: Account

    @classmethod
    def deploy(
        cls,
        chain: Chain,
        *,
        pool_class: ContractClass | str = "LendingPool",
        oracle_class: ContractClass | str = "PriceOracle",
    ) -> Lending:
        """Deploy the contracts at a price of one dollar.

        Four accounts have plenty of both tokens, and allow the pool to take them.
        """
        owner, pauser, feeder, _, *users = chain.accounts[:8]
        usd = chain.deploy("TestToken", "US Dollar", "USD", 6)
        astra = chain.deploy("TestToken", "Astra", "ASTRA", 18)
        oracle = chain.deploy(oracle_class, owner.address, pauser.address, feeder.address, DOLLAR)
        addresses = owner.address, pauser.address, usd.address, astra.address, oracle.address
        pool = chain.deploy(pool_class, *addresses, SUPPLY_CAP, BORROW_CAP, MIN_DEBT)
        for user in users:
            for token in (usd, astra):
                token.invoke("mint", user.address, PLENTY)
                token.invoke("approve", pool.address, MAX, by=user)
        return cls(chain, usd, astra, oracle, pool, owner, pauser, feeder, *users)

    def report(self, price: int) -> Receipt:
        """Report a price that was observed now."""
        self.chain.node.advance(1)
        return self.oracle.invoke("report", price, self.chain.node.timestamp(), by=self.feeder)

    def set_price(self, price: int) -> None:
        """Report a price until it counts."""
        if any(event.name == "PriceHeld" for event in self.report(price).events):
            self.chain.node.advance(60)
            self.report(price).one("PriceUpdated")

    def same_price(self) -> None:
        """Report the price again, so that it is fresh."""
        self.report(self.oracle.call("latest")[0])

    def fresh(self) -> Lending:
        """Return these contracts with a fresh price."""
        self.same_price()
        return self

    def lend(self, amount: int = 100_000 * USD) -> None:
        """Let Alice supply dollars."""
        self.pool.invoke("supply", amount, by=self.alice)

    def owe(self, amount: int, collateral: int, *, by: Account | None = None) -> None:
        """Let Bob, or another one, deposit collateral and borrow."""
        borrower = by or self.bob
        self.pool.invoke("deposit_collateral", collateral, by=borrower)
        self.same_price()
        self.pool.invoke("borrow", amount, by=borrower)

    def market(self) -> dict[str, Any]:
        market: dict[str, Any] = self.pool.call("market")
        return market

    def worth(self, account: Account) -> int:
        """Return the dollars of an account in and outside of the pool, less its debt."""
        return int(self.usd.call("balance_of", account.address)) + self.inside(account)

    def inside(self, account: Account) -> int:
        supplied, debt = (self.pool.call(name, account.address) for name in ("supplied_by", "debt_of"))
        return int(supplied) - int(debt)
