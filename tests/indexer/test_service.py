"""The indexer process: what it refuses, what it waits for, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from faust_redis.log import Log, TopicSpec
from faust_redis.log.services import Services

from contracts.indexer.addresses import Contract, contracts_of, padded
from contracts.indexer.chain_state import BEFORE_GENESIS, ChainState, extended
from contracts.indexer.errors import OtherChainError
from contracts.indexer.store import StateStore
from deploy.errors import SettingsError
from deploy.run.indexer import facts_spec, run_indexer, state_spec
from deploy.settings import load
from streams.services import Kind
from streams.times import Instant
from tests.indexer.model import ModelChain, ModelLog, ModelNode, ModelStore
from tests.indexer.test_chain_state import block
from tests.indexer.test_model import indexer_of
from tests.support.indexer_process import indexer_process

WITHIN_S = 60
FACTS, STATE = TopicSpec("facts", 2), TopicSpec("blocks-changelog", 1, "compact")


def test_contracts_are_named_by_class_and_address() -> None:
    assert contracts_of(" FeeCollector:0x2a, FeeSplitter:0x2B") == (
        Contract("FeeCollector", padded(42)),
        Contract("FeeSplitter", padded(43)),
    )
    for wrong in (
        "FeeCollector",
        "AstraToken:0x2a",
        "FeeCollector:42",
        "FeeCollector:0x0",
        "FeeCollector:0x" + "f" * 64,
    ):
        with pytest.raises(ValueError, match=r"is not one of|is no address"):
            contracts_of(wrong)
    with pytest.raises(ValueError, match="twice"):
        contracts_of("FeeCollector:0x2a,FeeSplitter:0x2a")


def test_an_indexer_without_a_node_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ASTRA_STARKNET_NODE_URL"):
        run_indexer(load(data_dir=tmp_path))


def test_the_state_is_kept_where_the_settings_say(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    assert state_spec(settings).name == "astratrade-chain-blocks-changelog"
    assert facts_spec(settings).name == "astra.chain.events.v1"


async def test_another_chain_is_refused(log: Log) -> None:
    chain = ModelChain()
    chain.extend([])
    node = ModelNode(chain)
    node.name = "SN_MAIN"
    with pytest.raises(OtherChainError, match="SN_MAIN"):
        await indexer_of(node, ModelStore(ModelLog())).step()
    store = StateStore(log, "SN_MAIN", FACTS, STATE)
    assert await store.load() is None
    step = extended(ChainState.starting_after(BEFORE_GENESIS), [block(0, -1)])
    await store.write(None, step, Instant(0))
    assert await StateStore(log, "SN_MAIN", FACTS, STATE).load() == step.state
    with pytest.raises(OtherChainError, match="SN_SEPOLIA"):
        await StateStore(log, "SN_SEPOLIA", FACTS, STATE).load()


async def test_the_process_waits_for_its_node(log: Log, broker_url: str, namespace: str, tmp_path: Path) -> None:
    environment = {
        "ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": namespace, "ASTRA_DATA_DIR": str(tmp_path),
        "ASTRA_STARKNET_NODE_URL": "http://key:secret@127.0.0.1:9/rpc", "ASTRA_INDEXER_CONTRACTS": "FeeCollector:0x2a",
    }  # fmt: skip
    log_file = tmp_path / "indexer.log"
    with indexer_process(environment, log_file) as process:
        async with asyncio.timeout(WITHIN_S):
            while not (live := await Services(log).live()):  # noqa: ASYNC110 - another process registers
                await asyncio.sleep(0.2)
        [service] = live
        assert service.description["kind"] == Kind.INDEXER
        assert (
            "the node gave no answer" in service.description["why_not"] or "not read" in service.description["why_not"]
        )
        async with httpx.AsyncClient(base_url=f"http://{service.description['address']}") as client:
            assert (await client.get("/livez")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            assert "astra_indexer_indexing 0.0" in (await client.get("/metrics")).text
        assert process.ends() == 0
    assert "secret" not in log_file.read_text("utf-8")
