"""The sink on a real node: what users earned arrives once, whatever happens."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from faust_redis.log import Log

from contracts.account.account import RevertsError
from contracts.indexer.addresses import padded
from contracts.indexer.indexer import Indexer
from contracts.sink.errors import SinkError
from contracts.sink.sink import Sink
from streams.events import AnyEvent
from streams.events.chain import NFTMintConfirmed, NFTMintFailed
from streams.events.nft import GenesisType
from tests.chain.conftest import GATE
from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import catch_up, events_of
from tests.chain.sinking import (
    METADATA_URL,
    Rewards,
    data_of,
    killed_when_it_sends,
    replace_some_blocks,
    rewards_indexer_of,
    sink_of,
    tell,
)
from tests.sink.facts import gained, linked, requested, risen, unlinked

STEPS_MAX = 300
SEEDS = range(50 if os.environ.get(GATE) else 1)
ANN, BOB = 0xA22, 0xB0B
USERS = {"ann": ANN, "bob": BOB}


@pytest.fixture
def rewards(chain: Chain, fees: Fees) -> Rewards:
    return Rewards.deploy(chain, fees)


@pytest.fixture
def node(rewards: Rewards, chain: Chain) -> Iterator[HashingNode]:
    with HashingNode(chain.node.url).served() as node:
        yield node


async def carry_all(sink: Sink, indexer: Indexer) -> None:
    """Do all there is to do, in the log and on the chain."""
    for _ in range(STEPS_MAX):
        await catch_up(indexer)
        if not await sink.step() and not await indexer.step() and not await sink.step():
            return
    raise AssertionError("the sink does not come to an end")


async def test_a_mint_and_a_level_arrive_and_are_reported_when_final(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log
) -> None:
    genesis, reputation = rewards.genesis, rewards.sponsoring.reputation
    await tell(log, requested("m-1", "ann"), gained("ann", 5_100), risen("ann", 8))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
        assert genesis.call("total_supply") == 0, "there is no wallet yet"
        assert (sink.counts.open_mints, sink.counts.without_wallet) == (1, 1)
        await tell(log, linked("ann", padded(ANN)))
        await carry_all(sink, indexer)
        assert genesis.call("owner_of", 1) == ANN
        assert genesis.call("token_uri", 1) == f"{METADATA_URL}first_trade.json"
        assert (reputation.call("experience", ANN), reputation.call("tier", ANN)) == (5_100, 2)
        assert not data_of(await events_of(log), NFTMintConfirmed), "the block is not on L1"
        with node.on_l1(chain.node.height()):
            await carry_all(sink, indexer)
        [said] = data_of(await events_of(log), NFTMintConfirmed)
        assert (said.mint_id, said.user_id, said.token_id, said.finality) == ("m-1", "ann", "1", "final")
        assert (sink.counts.sent, sink.counts.minted, sink.counts.open_mints) == (2, 1, 0)
        await tell(log, gained("ann", 5_200), risen("ann", 9))
        await carry_all(sink, indexer)
        assert reputation.call("experience", ANN) == 5_200


async def test_a_wallet_that_has_the_type_gets_no_second_token(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log
) -> None:
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await tell(log, requested("m-1", "ann"), linked("ann", padded(ANN)))
        await carry_all(sink, indexer)
        await tell(log, unlinked("ann", padded(ANN)), linked("bob", padded(ANN)), requested("m-2", "bob"))
        await carry_all(sink, indexer)
        [said] = data_of(await events_of(log), NFTMintFailed)
        assert (said.mint_id, said.user_id, said.reason) == ("m-2", "bob", "already_minted")
        assert (rewards.genesis.call("total_supply"), sink.counts.failed) == (1, 1)


@pytest.mark.heavy
async def test_replaced_blocks_are_made_good(chain: Chain, rewards: Rewards, node: HashingNode, log: Log) -> None:
    height = chain.node.height()
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await tell(log, requested("m-1", "ann"), linked("ann", padded(ANN)), gained("ann", 100), risen("ann", 2))
        await carry_all(sink, indexer)
        with node.changing(height):
            chain.node.abort_to(height)
            for _ in range(4):
                chain.node.ask("devnet_createBlock")
        assert rewards.genesis.call("total_supply") == 0
        await carry_all(sink, indexer)
        assert rewards.genesis.call("owner_of", 1) == ANN
        assert rewards.sponsoring.reputation.call("experience", ANN) == 100


@pytest.mark.parametrize("sends", [False, True])
@pytest.mark.sample(1)
async def test_a_sink_that_is_killed_when_it_sends_goes_on(
    rewards: Rewards, node: HashingNode, log: Log, *, sends: bool
) -> None:
    await tell(log, requested("m-1", "ann"), linked("ann", padded(ANN)))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        with killed_when_it_sends(sink, sends=sends):
            await carry_all(sink, indexer)
    assert rewards.genesis.call("total_supply") == int(sends)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
        assert sink.counts.sent == int(not sends)
    assert rewards.genesis.call("total_supply") == 1


@pytest.mark.heavy
async def test_a_pause_of_the_mints_does_not_stop_experience(rewards: Rewards, node: HashingNode, log: Log) -> None:
    fees = rewards.sponsoring.fees
    rewards.genesis.invoke("pause", by=fees.pauser)
    await tell(log, requested("m-1", "ann"), linked("ann", padded(ANN)), gained("ann", 100), risen("ann", 2))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        with pytest.raises(RevertsError, match="Pausable: paused"):
            await carry_all(sink, indexer)
        assert rewards.sponsoring.reputation.call("experience", ANN) == 100
        rewards.genesis.invoke("unpause", by=fees.owner)
        await carry_all(sink, indexer)
        assert rewards.genesis.call("owner_of", 1) == ANN


async def test_another_chain_or_other_contracts_stop_the_sink(rewards: Rewards, node: HashingNode, log: Log) -> None:
    async with sink_of(rewards, log, node.url) as sink:
        await sink.open()
        await tell(log, linked("ann", padded(ANN)))
        await sink.step()
    other = Rewards(rewards.sponsoring, rewards.sponsoring.fees.usd, rewards.account)
    async with sink_of(other, log, node.url) as sink:
        with pytest.raises(SinkError, match="other contracts"):
            await sink.step()


class Earned:
    """What two users gain, ask for and link, by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._left: dict[str, list[GenesisType]] = {
            user: ["first_trade", "viral_legend", "trading_master"] for user in USERS
        }
        self.xp = dict.fromkeys(USERS, 0)
        self.asked = 0

    def more(self, level: int) -> list[AnyEvent]:
        """Return the next events."""
        events: list[AnyEvent] = []
        for user, address in USERS.items():
            if self._chance.random() < 0.5:
                self.xp[user] += self._chance.randint(1, 9_000)
                events += [gained(user, self.xp[user]), risen(user, level)]
            if self._left[user] and self._chance.random() < 0.7:
                self.asked += 1
                events.append(requested(f"m-{self.asked}", user, self._left[user].pop()))
            if self._chance.random() < 0.4:
                events.append(linked(user, padded(address)))
        return events


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.heavy
async def test_everything_arrives_once_through_kills_and_reorganisations(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, seed: int
) -> None:
    chance, final, earned = random.Random(seed), chain.node.height(), Earned(random.Random(seed))
    for level in range(2, 7):
        await tell(log, *earned.more(level))
        async with (
            sink_of(rewards, log, node.url) as sink,
            sink_of(rewards, log, node.url) as other,
            rewards_indexer_of(rewards, log, node.url) as indexer,
        ):
            for _ in range(chance.randint(1, 15)):
                await chance.choice([sink.step, other.step, indexer.step])()
            if chance.random() < 0.5:
                replace_some_blocks(chance, chain, node, final)
            if chance.random() < 0.3:
                await catch_up(indexer)
                final = indexer.counts.cursor
                with node.on_l1(final):
                    await catch_up(indexer)
    await tell(log, *(linked(user, padded(address)) for user, address in USERS.items()))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        for _ in range(3):
            with node.on_l1(chain.node.height()):
                await carry_all(sink, indexer)
        assert not (await sink.open()).people.mints
    said = data_of(await events_of(log), NFTMintConfirmed)
    assert sorted(each.mint_id for each in said) == sorted(f"m-{number}" for number in range(1, earned.asked + 1))
    assert {int(each.token_id) for each in said} == set(range(1, earned.asked + 1))
    assert rewards.genesis.call("total_supply") == earned.asked
    for user, address in USERS.items():
        assert rewards.sponsoring.reputation.call("experience", address) == earned.xp[user]
        assert rewards.genesis.call("balance_of", address) == sum(each.user_id == user for each in said)
