"""One call of every function that changes a contract, in an ordinary state, and the gas that each one took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from tests.chain.abi import selector
from tests.chain.deployed import Chain, Deployed, committed
from tests.chain.fees import DELAY_S, DETAILS, PAYMASTER, STAKING, TREASURY, Fees, announce, shares, totals
from tests.chain.lending import ASTRA, BORROW_CAP, DOLLAR, SUPPLY_CAP, USD, Lending
from tests.chain.sponsoring import Sponsoring
from tests.chain.staking import Staking
from tests.chain.transactions import Account

SHARED: Final = "all with an owner"
FRIEND: Final = 0xF01D
SOURCES: Final = ("loans", "nft", "subscriptions", "trading")


@dataclass
class Meter:
    """Sends calls and keeps the l2 gas of their transactions, by contract and function."""

    chain: Chain
    found: dict[tuple[str, str], int] = field(default_factory=dict)

    def call(self, name: str, contract: Deployed, function: str, *arguments: Any, by: Account | None = None) -> None:
        self.found[name, function] = contract.invoke(function, *arguments, by=by).l2_gas

    def change(self, name: str, contract: Deployed, function: str, *arguments: Any) -> None:
        """Measure the execution of an announced call."""
        announced = announce(contract, function, *arguments)
        self.chain.node.advance(DELAY_S)
        self.found[name, function] = contract.invoke("execute", *announced).l2_gas


def measure(chain: Chain) -> dict[tuple[str, str], int]:
    """Return the l2 gas of a transaction for each function of each contract, and of one without a call."""
    meter = Meter(chain)
    empty = chain.accounts[0].execute()
    meter.found["none", "a transaction without a call"] = int(empty["execution_resources"]["l2_gas"])
    for part in (_fees, _token, _staking, _paymaster, _genesis, _lending, _governance):
        with chain.rolled_back():
            part(meter, chain)
    return meter.found


def _fees(meter: Meter, chain: Chain) -> None:
    fees = Fees.deploy(chain)
    fees.settle({"trading": 10 * USD})
    batch, previous = fees.collector.call("last_batch")
    listed = totals(dict.fromkeys(SOURCES, 10 * USD))
    meter.call("FeeCollector", fees.collector, "settle_batch", batch + 1, previous, DETAILS, listed, by=fees.settler)
    meter.call("FeeCollector", fees.collector, "sweep_fees")
    meter.call("FeeSplitter", fees.splitter, "release", PAYMASTER)
    fees.usd.invoke("mint", fees.splitter.address, 10 * USD)
    meter.call("FeeSplitter", fees.splitter, "distribute")
    meter.change("FeeSplitter", fees.splitter, "set_shares", shares((TREASURY, 900_000), (STAKING, 100_000)))
    meter.change("FeeCollector", fees.collector, "set_splitter", FRIEND)
    owner, pauser = fees.owner.address, fees.pauser.address
    later = chain.deploy("FeeSplitter", owner, pauser, fees.usd.address, [])
    listed = shares((TREASURY, 600_000), (PAYMASTER, 250_000), (STAKING, 150_000))
    meter.call("FeeSplitter", later, "set_first_shares", listed)


def _token(meter: Meter, chain: Chain) -> None:
    holder, friend = chain.accounts[:2]
    token = chain.deploy("AstraToken", 10**9 * ASTRA, holder.address)
    meter.call("AstraToken", token, "transfer", FRIEND, ASTRA)
    meter.call("AstraToken", token, "approve", friend.address, ASTRA)
    meter.call("AstraToken", token, "transfer_from", holder.address, FRIEND, ASTRA, by=friend)


def _staking(meter: Meter, chain: Chain) -> None:
    staking = Staking.deploy(chain, Fees.deploy(chain))
    manager, (staker, other, _) = staking.manager, staking.stakers
    manager.invoke("stake", ASTRA, by=other)
    meter.call("StakingManager", manager, "stake", ASTRA, by=staker)
    staking.fees.usd.invoke("mint", staking.fees.splitter.address, 100 * USD)
    meter.call("StakingManager", manager, "collect")
    staking.wait(DELAY_S)
    meter.call("StakingManager", manager, "claim", by=staker)
    meter.call("StakingManager", manager, "unstake", ASTRA // 2, by=staker)
    staking.wait(8 * 24 * 3600)
    meter.call("StakingManager", manager, "withdraw", by=staker)
    meter.change("StakingManager", manager, "set_splitter", FRIEND)


def _paymaster(meter: Meter, chain: Chain) -> None:
    sponsoring = Sponsoring.deploy(chain, Fees.deploy(chain))
    paymaster = sponsoring.paymaster
    sponsoring.receive_fees(100 * USD)
    meter.call("Paymaster", paymaster, "collect")
    sponsoring.record(FRIEND, 10)
    meter.call("Paymaster", paymaster, "record", FRIEND, 6000, by=sponsoring.recorder)
    meter.call("Paymaster", paymaster, "sponsor", 1, FRIEND, 30_000, 5_000, by=sponsoring.sponsor)
    meter.change("Paymaster", paymaster, "set_max_price", 300_000)
    meter.change("Paymaster", paymaster, "set_splitter", sponsoring.fees.collector.address)


def _genesis(meter: Meter, chain: Chain) -> None:
    owner, pauser, minter, holder, friend = chain.accounts[:5]
    genesis = chain.deploy("GenesisNFT", owner.address, pauser.address, minter.address)
    uri = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi/1"
    meter.call("GenesisNFT", genesis, "mint", 1, holder.address, "first_trade", "common", uri, by=minter)
    meter.call("GenesisNFT", genesis, "approve", friend.address, 1, by=holder)
    meter.call("GenesisNFT", genesis, "set_approval_for_all", friend.address, True, by=holder)
    meter.call("GenesisNFT", genesis, "transfer_from", holder.address, friend.address, 1, by=holder)
    meter.call("GenesisNFT", genesis, "safe_transfer_from", friend.address, holder.address, 1, [], by=friend)


def _lending(meter: Meter, chain: Chain) -> None:
    lending = Lending.deploy(chain)
    lending.report(DOLLAR)
    lending.chain.node.advance(1)
    now = chain.node.timestamp()
    meter.call("PriceOracle", lending.oracle, "report", DOLLAR, now, by=lending.feeder)
    pool, bob = lending.pool, lending.bob

    def call(function: str, *arguments: Any, by: Account) -> None:
        """Let an hour pass, so that every call adds interest, and measure one."""
        chain.node.advance(3600)
        lending.same_price()
        meter.call("LendingPool", pool, function, *arguments, by=by)

    lending.lend()
    lending.owe(70_000 * USD, 10**6 * ASTRA, by=lending.dave)
    call("supply", 1000 * USD, by=lending.carol)
    call("withdraw", 100 * USD, by=lending.carol)
    call("redeem", 100 * USD * 10**6, by=lending.carol)
    call("deposit_collateral", 2000 * ASTRA, by=bob)
    call("borrow", 750 * USD, by=bob)
    call("withdraw_collateral", 900 * ASTRA, by=bob)
    call("repay", bob.address, 10 * USD, by=bob)
    call("accrue", by=bob)
    lending.set_price(DOLLAR * 82 // 100)
    call("liquidate", bob.address, 100 * USD, by=lending.carol)
    meter.change("LendingPool", pool, "set_caps", SUPPLY_CAP, BORROW_CAP)
    meter.change("LendingPool", pool, "withdraw_reserves", FRIEND, 1)
    meter.change("LendingPool", pool, "set_oracle", FRIEND)


def _governance(meter: Meter, chain: Chain) -> None:
    """Measure on one contract what all contracts with an owner have."""
    fees = Fees.deploy(chain)
    contract, owner, friend = fees.splitter, fees.owner, fees.stranger
    granted = selector("grant_role"), contract.contract_class.abi.encode("grant_role", ("PAUSER", friend.address))
    meter.call(SHARED, contract, "announce", *granted)
    chain.node.advance(DELAY_S)
    meter.call(SHARED, contract, "execute", *granted)
    meter.found[SHARED, "grant_role"] = meter.found[SHARED, "execute"]
    meter.call(SHARED, contract, "pause")
    meter.call(SHARED, contract, "unpause")
    meter.call(SHARED, contract, "renounce_role", "PAUSER", friend.address, by=friend)
    meter.call(SHARED, contract, "revoke_role", "PAUSER", fees.pauser.address)
    announced = contract.invoke("announce", *granted).one("CallAnnounced")
    meter.call(SHARED, contract, "cancel", announced["id"])
    meter.call(SHARED, contract, "transfer_ownership", friend.address)
    meter.call(SHARED, contract, "accept_ownership", by=friend)
    contract.invoke("transfer_ownership", owner.address, by=friend)
    contract.invoke("accept_ownership")
    same = committed("FeeSplitter").class_hash
    meter.change(SHARED, contract, "upgrade", same)
