"""The staking contract beside the fee contracts, whose splitter pays it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.chain.deployed import Chain, ContractClass, Deployed, Receipt
from tests.chain.fees import PAYMASTER, TREASURY, Fees, change, shares
from tests.chain.transactions import Account

STREAM_S: Final = 7 * 24 * 3600
EXIT_S: Final = 7 * 24 * 3600
SCALE: Final = 10**36
STAKED_MAX: Final = 10**36
FUNDED_MAX: Final = 2**128 - 1
WEALTH: Final = 10**27
"""The stake tokens that each staker has at the start."""


@dataclass(frozen=True)
class Staking:
    """The manager, the token that is staked, and accounts that have it and allowed the manager to take it."""

    fees: Fees
    astra: Deployed
    manager: Deployed
    stakers: Sequence[Account]

    @classmethod
    def deploy(cls, chain: Chain, fees: Fees, *, manager_class: ContractClass | str = "StakingManager") -> Staking:
        """Deploy the manager and make it the beneficiary of the staking share, which takes 48 hours."""
        astra = chain.deploy("TestToken", "AstraTrade", "ASTRA", 18)
        manager = chain.deploy(
            manager_class,
            fees.owner.address,
            fees.pauser.address,
            astra.address,
            fees.usd.address,
            fees.splitter.address,
        )
        beneficiaries = (TREASURY, 600_000), (PAYMASTER, 250_000), (manager.address, 150_000)
        change(chain, fees.splitter, "set_shares", shares(*beneficiaries))
        stakers = chain.accounts[4:7]
        for account in stakers:
            astra.invoke("mint", account.address, WEALTH)
            astra.invoke("approve", manager.address, 2**256 - 1, by=account)
        return cls(fees, astra, manager, stakers)

    def arrive(self, amount: int) -> None:
        """Let reward tokens arrive, as if someone had released them."""
        self.fees.usd.invoke("mint", self.manager.address, amount)

    def reward(self, amount: int) -> Receipt:
        """Let reward tokens arrive and collect them."""
        self.arrive(amount)
        return self.manager.invoke("collect", by=self.fees.stranger)

    def wait(self, seconds: int) -> None:
        self.fees.chain.node.advance(seconds)

    def now(self) -> int:
        """Return the time of the newest block, which may be a second after the time that a transaction in it saw."""
        return self.fees.chain.node.timestamp()

    def updated_at(self) -> int:
        """Return the time that the last change of stakes or rewards saw."""
        return int(self.manager.call("stream")["updated_at"])

    def rewards_of(self, account: Account) -> int:
        """Return the reward tokens of an account."""
        return self.fees.balance(account.address)
