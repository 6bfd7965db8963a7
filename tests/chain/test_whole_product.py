"""From a trade to everyone whom its fee reaches: product, chain services and all contracts, through our clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.clients.astra_token import AstraTokenClient
from contracts.clients.contract import At, Call
from contracts.clients.fee_splitter import FeeSplitterClient
from contracts.clients.genesis_nft import GenesisNFTClient
from contracts.clients.lending_pool import LendingPoolClient
from contracts.clients.paymaster import PaymasterClient
from contracts.clients.price_oracle import PriceOracleClient
from contracts.clients.reputation import ReputationClient
from contracts.clients.staking_manager import StakingManagerClient
from contracts.deployment.plan import parse, planned
from contracts.deployment.steps import carry_out, steps_of
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node
from tests.chain import transactions
from tests.chain.deployed import Chain
from tests.chain.fees import TREASURY
from tests.chain.indexing import CHAIN_ID
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.settlement.test_service import PASSWORD, keystore_of

USD: Final = 10**6
ASTRA: Final = 10**18
DOLLAR: Final = 10**24
"""The price of one ASTRA at one dollar."""
FILLS, FEE_USD = 100, 1.5
FEES: Final = int(FILLS * FEE_USD) * USD
FINAL_AFTER_BLOCKS: Final = 3
STREAM_S: Final = 7 * 24 * 3600
WITHIN_S: Final = 120.0
POLL_S: Final = 0.2


class Person:
    """Someone with an account, who acts and reads through the clients."""

    def __init__(self, node: Node, account: transactions.Account) -> None:
        self.address = padded(account.address)
        self.key = account.signer.private_key
        self.account = Account(
            node, account.address, CHAIN_ID, KeystoreSigner(KeyPair.from_private_key(account.signer.private_key))
        )

    async def do(self, *calls: Call) -> None:
        """Make calls in one transaction."""
        signed = await self.account.prepare(calls, await self.account.nonce())
        await self.account.send(signed)
        outcome, reason = await self.account.outcome(signed.tx_hash)
        assert outcome == "succeeded", reason


class World:
    """The contracts of a plan, their clients and the people."""

    def __init__(self, chain: Chain, node: Node) -> None:
        self.chain, self.node = chain, node
        people = [Person(node, account) for account in chain.accounts[:6]]
        self.operator, self.settler, self.alice, self.bob, self.carol, self.dave = people
        self.usd = chain.deploy("TestToken", "US Dollar", "USD", 6)
        self.plan = parse(self.text())
        at = {contract.name: padded(contract.address) for contract in planned(self.plan)}
        self.contracts = at
        self.dollars = AstraTokenClient(padded(self.usd.address))
        self.astra = AstraTokenClient(at["AstraToken"])
        self.splitter = FeeSplitterClient(at["FeeSplitter"])
        self.staking = StakingManagerClient(at["StakingManager"])
        self.paymaster = PaymasterClient(at["Paymaster"])
        self.genesis = GenesisNFTClient(at["GenesisNFT"])
        self.oracle = PriceOracleClient(at["PriceOracle"])
        self.pool = LendingPoolClient(at["LendingPool"])

    def text(self) -> str:
        operator, settler = self.operator.address, self.settler.address
        return f"""
deployer = "{operator}"
owner = "{operator}"
pauser = "{operator}"
settler = "{settler}"
token = "{hex(self.usd.address)}"
salt = 77
shares = [
    {{to = "{hex(TREASURY)}", ppm = 600_000}},
    {{to = "Paymaster", ppm = 250_000}},
    {{to = "StakingManager", ppm = 150_000}},
]
astra = {{supply = {10**9 * ASTRA}, recipient = "{self.alice.address}"}}
staking = {{}}
paymaster = {{sponsor = "{settler}", recorder = "{settler}", max_price = 1_000_000}}
genesis = {{minter = "{settler}"}}
oracle = {{feeder = "{settler}", price = {DOLLAR}}}
lending = {{supply_cap = {10**6 * USD}, borrow_cap = {10**6 * USD}, min_debt = {10 * USD}}}
"""

    async def at(self) -> At:
        """Return the newest block."""
        return At(self.node, (await self.node.head()).ref)

    async def worth(self, address: str) -> int:
        """Return the dollars of an address, in millionths."""
        return await self.dollars.balance_of(await self.at(), address)

    async def price(self, price: int) -> None:
        """Report a price that was observed now."""
        self.chain.node.advance(1)
        await self.settler.do(self.oracle.report(price, self.chain.node.timestamp()))

    def settings(self, folder: Path) -> dict[str, str]:
        (folder / "password").write_text(PASSWORD)
        named = (f"{name}:{self.contracts[name]}" for name in ("FeeCollector", "FeeSplitter"))
        return {
            "ASTRA_STARKNET_NODE_URL": self.chain.node.url, "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
            "ASTRA_INDEXER_CONTRACTS": ",".join(named), "ASTRA_INDEXER_POLL_MS": "50",
            "ASTRA_INDEXER_FINAL_AFTER": str(FINAL_AFTER_BLOCKS),
            "ASTRA_SETTLEMENT_ACCOUNT": self.settler.address, "ASTRA_SETTLEMENT_POLL_MS": "50",
            "ASTRA_SETTLEMENT_AMOUNT_USD": "1", "ASTRA_SETTLEMENT_AUDIT_S": "1",
            "ASTRA_SETTLEMENT_KEYSTORE": str(keystore_of(folder, self.settler.key)),
            "ASTRA_SETTLEMENT_PASSWORD_FILE": str(folder / "password"),
        }  # fmt: skip


@pytest.fixture
async def world(chain: Chain) -> AsyncIterator[World]:
    with chain.rolled_back():
        node = Node(chain.node.url)
        try:
            world = World(chain, node)
            deployer = world.operator.account
            async for _ in carry_out(deployer, await steps_of(node, world.plan)):
                pass
            for person in (world.settler, world.alice, world.dave):
                world.usd.invoke("mint", int(person.address, 16), 10**6 * USD)
            yield world
        finally:
            await node.close()


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with Pipeline(tmp_path, workers=1) as pipeline:
        yield pipeline


async def until(true: Callable[[], Awaitable[bool]], pipeline: Pipeline) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not await true():
            pipeline.check()
            await asyncio.sleep(POLL_S)


@pytest.mark.heavy
async def test_a_trades_fee_reaches_everyone(world: World, pipeline: Pipeline, tmp_path: Path) -> None:
    settings = world.settings(tmp_path)
    await world.alice.do(world.astra.approve(world.staking.address, 1_000 * ASTRA), world.staking.stake(1_000 * ASTRA))
    pipeline.start("indexer", "indexer", **settings)
    pipeline.start("settlement", "settlement", **settings)
    await trade(pipeline)

    async def is_distributed() -> bool:
        world.chain.node.ask("devnet_createBlock")  # a block is final after a few more
        return await world.splitter.total_released(await world.at()) == FEES

    await until(is_distributed, pipeline)
    assert await world.worth(padded(TREASURY)) == FEES * 60 // 100
    assert await world.worth(world.paymaster.address) == FEES * 25 // 100
    assert await world.worth(world.staking.address) == FEES * 15 // 100
    await stakers_are_paid(world)
    await users_are_sponsored(world)
    await a_token_is_minted_once(world)
    await a_loan_is_liquidated(world)
    report = await asyncio.to_thread(pipeline.run, "audit", "chain", **settings)
    assert "0 differences" in report, report


async def trade(pipeline: Pipeline) -> None:
    """Report fills with fees, as a venue does."""
    fills = [fill(f"user-{number % 7}", fee_usd=f"{FEE_USD:.2f}") for number in range(FILLS)]
    answer = await asyncio.to_thread(pipeline.client("venue", "venue-1").post, "/v1/fills", json={"fills": fills})
    assert answer.status_code == 202, answer.text


async def stakers_are_paid(world: World) -> None:
    before = await world.worth(world.alice.address)
    await world.alice.do(world.staking.collect())
    world.chain.node.advance(STREAM_S)
    await world.alice.do(world.staking.claim())
    assert await world.worth(world.alice.address) - before == FEES * 15 // 100, "the only staker gets the whole stream"


async def users_are_sponsored(world: World) -> None:
    reputation = ReputationClient(await world.paymaster.reputation(await world.at()))
    before = await world.worth(world.settler.address)
    await world.settler.do(world.paymaster.collect(), world.paymaster.record(world.bob.address, 5_000))
    assert await reputation.tier(await world.at(), world.bob.address) == 2
    left = await world.paymaster.gas_left(await world.at(), world.bob.address)
    await world.settler.do(world.paymaster.sponsor(padded(1), world.bob.address, 1_000, 500))
    assert await world.worth(world.settler.address) - before == 500
    assert await world.paymaster.gas_left(await world.at(), world.bob.address) == left - 1_000


async def a_token_is_minted_once(world: World) -> None:
    mint = world.genesis.mint(padded(5), world.bob.address, "first_trade", "common", "ipfs://first")
    await world.settler.do(mint)
    assert await world.genesis.owner_of(await world.at(), 1) == world.bob.address
    assert await world.genesis.token_of_request(await world.at(), padded(5)) == 1


async def a_loan_is_liquidated(world: World) -> None:
    """Dave lends, Alice gives Bob and Carol ASTRA, Bob borrows, the price falls, and Carol pays his debt."""
    pool = world.pool
    await world.dave.do(world.dollars.approve(pool.address, 10_000 * USD), pool.supply(10_000 * USD))
    await world.alice.do(world.astra.transfer(world.bob.address, 1_000 * ASTRA))
    await world.price(DOLLAR)
    await world.bob.do(
        world.astra.approve(pool.address, 1_000 * ASTRA), pool.deposit_collateral(1_000 * ASTRA), pool.borrow(740 * USD)
    )
    assert await world.worth(world.bob.address) == 740 * USD
    await world.bob.do(world.dollars.transfer(world.carol.address, 740 * USD))
    await world.price(DOLLAR * 91 // 100)
    await world.carol.do(world.dollars.approve(pool.address, 400 * USD), pool.liquidate(world.bob.address, 400 * USD))
    bonus = 400 * ASTRA * 105 // 91
    assert await world.astra.balance_of(await world.at(), world.carol.address) == bonus
    debt = await pool.debt_of(await world.at(), world.bob.address)
    assert 340 * USD <= debt <= 340 * USD + 10
    assert await pool.bad_debt(await world.at()) == 0
