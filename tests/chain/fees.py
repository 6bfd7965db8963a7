"""The fee contracts as they are deployed together, and what tests of them repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from poseidon_py.poseidon_hash import poseidon_hash_many

from tests.chain.abi import selector, short_string
from tests.chain.deployed import Chain, ContractClass, Deployed, Receipt
from tests.chain.transactions import Account

PPM: Final = 1_000_000
DELAY_S: Final = 48 * 3600
TREASURY, PAYMASTER, STAKING = 0x7EA5, 0x9A, 0x57A
SHARES: Final = ((TREASURY, 600_000), (PAYMASTER, 250_000), (STAKING, 150_000))
PLENTY: Final = 2**200
DETAILS: Final = 0xD37A


def shares(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    """Return shares as the contract takes them."""
    return [{"beneficiary": beneficiary, "ppm": ppm} for beneficiary, ppm in pairs]


def totals(amounts: dict[str, int]) -> list[dict[str, int]]:
    """Return the totals of a batch in the order that the contract wants."""
    return sorted(
        ({"source": short_string(source), "amount": amount} for source, amount in amounts.items()),
        key=lambda total: total["source"],
    )


def batch_hash(batch: int, previous: int, details: int, listed: Sequence[dict[str, int]]) -> int:
    """Return the hash that the collector gives a batch."""
    felts = [batch, previous, details, len(listed)]
    for total in listed:
        felts += [total["source"], total["amount"] % 2**128, total["amount"] >> 128]
    return int(poseidon_hash_many(felts))


def announce(contract: Deployed, function: str, *arguments: Any) -> tuple[int, list[int]]:
    """Announce a call as the owner, and return what `execute` takes."""
    change = selector(function), contract.contract_class.abi.encode(function, arguments)
    contract.invoke("announce", *change)
    return change


def change(chain: Chain, contract: Deployed, function: str, *arguments: Any) -> Receipt:
    """Announce a call, wait, and execute it."""
    announced = announce(contract, function, *arguments)
    chain.node.advance(DELAY_S)
    return contract.invoke("execute", *announced)


@dataclass(frozen=True)
class Fees:
    """A USD token, the splitter and the collector. The deployer owns both contracts."""

    chain: Chain
    usd: Deployed
    splitter: Deployed
    collector: Deployed
    owner: Account
    pauser: Account
    settler: Account
    stranger: Account

    @classmethod
    def deploy(
        cls,
        chain: Chain,
        *,
        splitter_class: ContractClass | str = "FeeSplitter",
        collector_class: ContractClass | str = "FeeCollector",
        token: Deployed | None = None,
    ) -> Fees:
        """Deploy the contracts; the settler has tokens and has allowed the collector to take them."""
        owner, pauser, settler, stranger = chain.accounts[:4]
        usd = token or chain.deploy("TestToken", "US Dollar", "USD", 6)
        splitter = chain.deploy(splitter_class, owner.address, pauser.address, usd.address, shares(*SHARES))
        collector = chain.deploy(
            collector_class, owner.address, pauser.address, settler.address, usd.address, splitter.address
        )
        usd.invoke("mint", settler.address, PLENTY)
        usd.invoke("approve", collector.address, 2**256 - 1, by=settler)
        return cls(chain, usd, splitter, collector, owner, pauser, settler, stranger)

    def settle(self, amounts: dict[str, int], *, by: Account | None = None) -> Receipt:
        """Settle the next batch."""
        batch, previous = self.collector.call("last_batch")
        return self.collector.invoke(
            "settle_batch", batch + 1, previous, DETAILS, totals(amounts), by=by or self.settler
        )

    def balance(self, address: int) -> int:
        """Return the dollars of an address, in millionths."""
        return int(self.usd.call("balance_of", address))
