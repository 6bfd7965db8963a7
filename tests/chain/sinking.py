"""Users in a log, and sinks for them on the node of the tests."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from faust_redis.log import Log, Record, TopicSpec, WriteBatch
from faust_redis.log.partitioner import partition_for
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account, Signed
from contracts.account.signer import KeystoreSigner
from contracts.indexer.addresses import Contract, contracts_of
from contracts.indexer.blocks import Blocks
from contracts.indexer.errors import NodeError
from contracts.indexer.indexer import Indexer
from contracts.indexer.indexer import Policy as IndexerPolicy
from contracts.indexer.node import Node
from contracts.indexer.store import StateStore
from contracts.sink.people import Contracts
from contracts.sink.reader import TOPICS, EventReader
from contracts.sink.sink import Policy, Sink
from contracts.sink.store import SinkStore
from streams.events import AnyEvent, encode
from tests.chain.deployed import Chain, Deployed
from tests.chain.fees import Fees, change
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID, FACTS, NOW, STATE
from tests.chain.sponsoring import Sponsoring
from tests.chain.transactions import Account as TestAccount

SINK = TopicSpec("test-sink-changelog", 1, "compact")
GAS_PRICE = 50_000
METADATA_URL = "https://astra.example/genesis/"


@dataclass(frozen=True)
class Rewards:
    """The contracts of users; one account mints, records and sponsors."""

    sponsoring: Sponsoring
    genesis: Deployed
    account: TestAccount

    @classmethod
    def deploy(cls, chain: Chain, fees: Fees) -> Rewards:
        sponsoring = Sponsoring.deploy(chain, fees)
        account = sponsoring.recorder
        genesis = chain.deploy("GenesisNFT", fees.owner.address, fees.pauser.address, account.address)
        change(chain, sponsoring.paymaster, "grant_role", "SPONSOR", account.address)
        return cls(sponsoring, genesis, account)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """Return the setting of the contracts, parsed."""
        deployed = {
            "GenesisNFT": self.genesis,
            "Reputation": self.sponsoring.reputation,
            "Paymaster": self.sponsoring.paymaster,
        }
        return contracts_of(",".join(f"{name}:{hex(each.address)}" for name, each in deployed.items()))


async def tell(log: Log, *events: AnyEvent) -> None:
    """Append events to their topics."""
    for event in events:
        topic, key = TopicSpec(event.data.topic, 4), event.partitionkey.encode()
        await log.create_topic(topic)
        place = partition_for(key, topic.partitions)
        await log.commit(WriteBatch([Record(topic.name, place, key, encode(event), event.time.milliseconds())]))


@asynccontextmanager
async def sink_of(rewards: Rewards, log: Log, url: str) -> AsyncIterator[Sink]:
    """Return a sink that sends again at once what the node does not know."""
    node = Node(url)
    contracts = Contracts(CHAIN_ID, *(each.address for each in rewards.contracts))
    signer = KeystoreSigner(KeyPair.from_private_key(rewards.account.signer.private_key))
    try:
        yield Sink(
            store=SinkStore(log, SINK, FACTS, contracts),
            reader=EventReader(log, [TopicSpec(name, 4) for name in TOPICS]),
            node=node,
            account=Account(node, rewards.account.address, CHAIN_ID, signer),
            policy=Policy(contracts, METADATA_URL, send_again_s=0, gas_price=GAS_PRICE),
            now=lambda: NOW,
        )
    finally:
        await node.close()


@asynccontextmanager
async def rewards_indexer_of(rewards: Rewards, log: Log, url: str) -> AsyncIterator[Indexer]:
    """Return an indexer of the contracts of users."""
    node = Node(url)
    try:
        blocks = Blocks(node, CHAIN_ID, rewards.contracts)
        store = StateStore(log, CHAIN_ID, FACTS, STATE)
        yield Indexer(blocks, store, IndexerPolicy(CHAIN_ID, 0, 0), lambda: NOW)
    finally:
        await node.close()


def data_of(events: list[Any], kind: type[Any]) -> list[Any]:
    """Return the data of the events of one type."""
    return [event.data for event in events if isinstance(event.data, kind)]


@contextmanager
def killed_when_it_sends(sink: Sink, *, sends: bool) -> Iterator[None]:
    """Kill a sink before or after the node gets its first transaction."""
    send = sink._account.send

    async def killed(signed: Signed) -> None:
        if sends:
            await send(signed)
        raise NodeError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sink._account, "send", killed)
        with pytest.raises(NodeError, match="killed"):
            yield


def replace_some_blocks(chance: random.Random, chain: Chain, node: HashingNode, final: int) -> None:
    """Replace blocks above the final one, if there are any, by empty ones."""
    if (height := chain.node.height()) > final:
        with node.changing(height := chance.randint(final, height - 1)):
            chain.node.abort_to(height)
            for _ in range(12):
                chain.node.ask("devnet_createBlock")
