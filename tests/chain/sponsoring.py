"""The paymaster and its reputation token beside the fee contracts, whose splitter pays it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.chain.deployed import Chain, ContractClass, Deployed, Receipt, committed
from tests.chain.fees import STAKING, TREASURY, Fees, change, shares
from tests.chain.transactions import Account

DAY_S: Final = 24 * 3600
ALLOWANCES: Final = (100_000, 200_000, 400_000, 800_000, 1_600_000)
TIERS: Final = (0, 5_000, 15_000, 50_000, 150_000)
MAX_PRICE: Final = 250_000
"""Units for a million gas: a quarter of a dollar."""


@dataclass(frozen=True)
class Sponsoring:
    """The contracts, and the accounts of the roles `SPONSOR` and `RECORDER`."""

    fees: Fees
    paymaster: Deployed
    reputation: Deployed
    sponsor: Account
    recorder: Account

    @classmethod
    def deploy(
        cls,
        chain: Chain,
        fees: Fees,
        *,
        paymaster_class: ContractClass | str = "Paymaster",
        reputation_class: ContractClass | str = "Reputation",
    ) -> Sponsoring:
        """Deploy both and make the paymaster the beneficiary of its share, which takes 48 hours."""
        token_class = committed(reputation_class) if isinstance(reputation_class, str) else reputation_class
        chain.declare(token_class)
        sponsor, recorder = chain.accounts[4:6]
        addresses = (fees.owner, fees.pauser, sponsor, recorder)
        paymaster = chain.deploy(
            paymaster_class,
            *(account.address for account in addresses),
            fees.usd.address,
            fees.splitter.address,
            token_class.class_hash,
            MAX_PRICE,
        )
        beneficiaries = (TREASURY, 600_000), (paymaster.address, 250_000), (STAKING, 150_000)
        change(chain, fees.splitter, "set_shares", shares(*beneficiaries))
        reputation = Deployed(chain.node, paymaster.call("reputation"), token_class, chain.accounts[0])
        return cls(fees, paymaster, reputation, sponsor, recorder)

    def receive_fees(self, amount: int) -> None:
        """Let fees arrive in the splitter."""
        self.fees.usd.invoke("mint", self.fees.splitter.address, amount)

    def fund(self, amount: int) -> Receipt:
        """Let fees arrive of which the paymaster's share is an amount, and collect it."""
        self.receive_fees(4 * amount)
        return self.paymaster.invoke("collect", by=self.fees.stranger)

    def record(self, user: int, experience: int) -> Receipt:
        return self.paymaster.invoke("record", user, experience, by=self.recorder)

    def pay(self, request: int, user: int, gas: int, cost: int) -> Receipt:
        """Report a sponsored transaction."""
        return self.paymaster.invoke("sponsor", request, user, gas, cost, by=self.sponsor)
