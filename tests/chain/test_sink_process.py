"""From a user's request to what the user sees of it: gateway, workers, sink, a real node, indexer, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from faust_redis.log import Log

from contracts.indexer.addresses import padded
from streams.events import AnyEvent
from streams.topics import NAMESPACE
from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID
from tests.chain.sinking import GAS_PRICE, METADATA_URL, Rewards, tell
from tests.chain.test_sponsored_calls import FRIEND, signed
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.settlement.test_service import PASSWORD, keystore_of
from tests.sink.facts import gained, linked, risen
from tests.support.aside import run_aside
from tests.support.indexer_process import indexer_process

WITHIN_S = 400
USER, WALLET = "ann", 0xA22


@pytest.fixture
def rewards(chain: Chain, fees: Fees) -> Rewards:
    return Rewards.deploy(chain, fees)


@pytest.fixture
def node(rewards: Rewards, chain: Chain) -> Iterator[HashingNode]:
    with HashingNode(chain.node.url).served() as node:
        yield node


def settings_of(rewards: Rewards, node: HashingNode, folder: Path) -> dict[str, str]:
    """Return the settings of indexer and sink."""
    (folder / "password").write_text(PASSWORD)
    return {
        "ASTRA_STARKNET_NODE_URL": node.url, "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
        "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{address}" for name, address in rewards.contracts),
        "ASTRA_INDEXER_POLL_MS": "100", "ASTRA_SINK_POLL_MS": "100", "ASTRA_SINK_SEND_AGAIN_S": "1",
        "ASTRA_SINK_ACCOUNT": hex(rewards.account.address), "ASTRA_SINK_METADATA_URL": METADATA_URL,
        "ASTRA_SINK_GAS_PRICE": str(GAS_PRICE),
        "ASTRA_SINK_PASSWORD_FILE": str(folder / "password"),
        "ASTRA_SINK_KEYSTORE": str(keystore_of(folder, rewards.account.signer.private_key)),
    }  # fmt: skip


async def say(url: str, *events: AnyEvent) -> None:
    """Append what the relay and gamification say of the user."""
    log = Log(url, NAMESPACE)
    try:
        await tell(log, *events)
    finally:
        await log.close()


@pytest.mark.heavy
def test_a_requested_mint_becomes_a_token_that_its_user_sees(
    chain: Chain, rewards: Rewards, node: HashingNode, tmp_path: Path
) -> None:
    with Pipeline(tmp_path, lease_ms=15_000) as pipeline:
        user = pipeline.client("user", USER)
        answer = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(USER)]})
        assert answer.is_success, answer.text
        eventually(lambda: asked(user), within_s=WITHIN_S, what="the user may mint, and asks")
        settings = pipeline.environment(**settings_of(rewards, node, tmp_path))
        files = tmp_path / "processes.log"
        with (
            indexer_process(settings, files) as indexer,
            indexer_process(settings, files, "sink") as sink,
            indexer_process(settings, files, "sink"),
        ):
            run_aside(say(pipeline.server.url, linked(USER, padded(WALLET))))
            sink.restart()
            eventually(
                lambda: rewards.genesis.call("total_supply") == 1, within_s=WITHIN_S, what="the token is on the chain"
            )
            indexer.restart()
            sink.restart()
            assert user.get("/v1/nft/tokens/1").status_code == 404, "the block is not on L1"
            with node.on_l1(chain.node.height()):
                token = eventually(lambda: found(user), within_s=WITHIN_S, what="the user sees the token")
        assert (token["owner"], token["type"]) == (USER, "first_trade")
        assert rewards.genesis.call("owner_of", 1) == WALLET
        assert rewards.genesis.call("total_supply") == 1


@pytest.mark.heavy
def test_calls_that_a_wallet_signed_are_sent_and_its_user_sees_them(
    chain: Chain, rewards: Rewards, node: HashingNode, tmp_path: Path
) -> None:
    wallet, fees = chain.accounts[6], rewards.sponsoring.fees
    rewards.sponsoring.fund(10_000_000)
    fees.usd.invoke("mint", wallet.address, 1_000)
    services = settings_of(rewards, node, tmp_path)
    with Pipeline(tmp_path, lease_ms=15_000, api=False) as pipeline:
        pipeline.start_api(ASTRA_SINK_ACCOUNT=services["ASTRA_SINK_ACCOUNT"], ASTRA_STARKNET_CHAIN_ID=CHAIN_ID)
        pipeline.wait_until_ready()
        user = pipeline.client("user", USER)
        known = linked(USER, padded(wallet.address)), gained(USER, 100), risen(USER, 2)
        run_aside(say(pipeline.server.url, *known))
        sponsor = user.get("/v1/sponsor").json()
        assert sponsor["chain_id"] == CHAIN_ID
        body = msgspec.to_builtins(signed(wallet, rewards, "", caller=int(sponsor["account"], 16)))
        del body["call_id"]
        answer = user.post("/v1/sponsored-calls", json=body)
        assert answer.status_code == 202, answer.text
        eventually(lambda: call_of(user, "pending"), within_s=WITHIN_S, what="the user sees that the call waits")
        settings, files = pipeline.environment(**services), tmp_path / "processes.log"
        with indexer_process(settings, files), indexer_process(settings, files, "sink") as sink:
            eventually(lambda: fees.balance(FRIEND) == 10, within_s=WITHIN_S, what="the call is on the chain")
            sink.restart()
            with node.on_l1(chain.node.height()):
                call = eventually(lambda: call_of(user, "executed"), within_s=WITHIN_S, what="the user sees its end")
        [event] = rewards.sponsoring.paymaster.events("TransactionSponsored")
        assert (call["call_id"], call["gas"]) == (answer.json()["call_id"], event["gas"])
        assert fees.balance(FRIEND) == 10


def call_of(user: Any, status: str) -> dict[str, Any] | None:
    """Return the user's only sponsored call once it has a status."""
    answer = user.get(f"/v1/users/{USER}/sponsored-calls")
    calls = answer.json()["calls"] if answer.is_success else []
    return next((dict(call) for call in calls if call["status"] == status), None)


def asked(user: Any) -> bool:
    """Ask for the token, and return whether the mint is pending."""
    user.post("/v1/nft/mints", json={"type": "first_trade"})
    mints = user.get(f"/v1/users/{USER}/collector").json().get("mints", {})
    return bool(mints)


def found(user: Any) -> dict[str, Any] | None:
    answer = user.get("/v1/nft/tokens/1")
    return dict(answer.json()) if answer.is_success else None
