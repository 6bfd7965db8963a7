"""The processes of settlement and indexer on a real node, and the commands around them."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from faust_redis.log import Log

from deploy.cli.main import cli
from tests.chain.conftest import GATE
from tests.chain.fees import PAYMASTER, SHARES, STAKING, TREASURY, Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID, contracts
from tests.chain.settling import DAY, Ledger
from tests.settlement.test_service import PASSWORD, keystore_of
from tests.support.indexer_process import indexer_process

WITHIN_S = 120
ROUNDS = 4
SEEDS = range(50 if os.environ.get(GATE) else 1)


@pytest.fixture
def node(fees: Fees) -> Iterator[HashingNode]:
    with HashingNode(fees.chain.node.url).served() as node:
        yield node


@pytest.fixture
def environment(fees: Fees, node: HashingNode, broker_url: str, namespace: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of an indexer and of a settlement."""
    (tmp_path / "password").write_text(PASSWORD)
    return {
        "ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": namespace, "ASTRA_DATA_DIR": str(tmp_path),
        "ASTRA_STARKNET_NODE_URL": node.url, "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
        "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{address}" for name, address in contracts(fees)),
        "ASTRA_INDEXER_POLL_MS": "50", "ASTRA_SETTLEMENT_POLL_MS": "50", "ASTRA_SETTLEMENT_SEND_AGAIN_S": "1",
        "ASTRA_SETTLEMENT_ACCOUNT": hex(fees.settler.address),
        "ASTRA_SETTLEMENT_PASSWORD_FILE": str(tmp_path / "password"),
        "ASTRA_SETTLEMENT_KEYSTORE": str(keystore_of(tmp_path, fees.settler.signer.private_key)),
    }  # fmt: skip


async def until_settled(fees: Fees, units: int) -> None:
    """Wait until the collector has settled so many units."""
    async with asyncio.timeout(WITHIN_S):
        while fees.collector.call("total_settled") != units:  # noqa: ASYNC110 - another process settles
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("seed", SEEDS)
async def test_processes_are_killed_while_blocks_are_replaced(
    fees: Fees, node: HashingNode, log: Log, environment: dict[str, str], seed: int
) -> None:
    chance, ledger, base = random.Random(seed), Ledger(log), fees.chain.node.height()
    files = [Path(environment["ASTRA_DATA_DIR"]) / name for name in ("indexer.log", "settlement.log")]
    with (
        indexer_process(environment, files[0]) as indexer,
        indexer_process(environment, files[1], "settlement") as settlement,
        indexer_process(environment, files[1], "settlement"),
    ):
        for day in range(DAY, DAY + ROUNDS):
            for _ in range(chance.randint(1, 5)):
                await ledger.accrue(chance.choice(["trading", "nft"]), chance.randint(100, 100_000), day)
            await asyncio.sleep(3 * chance.random())
            chance.choice([indexer, settlement]).restart()
            await asyncio.sleep(3 * chance.random())
            if fees.chain.node.height() > base and chance.random() < 0.7:
                with node.changing(height := chance.randint(base, fees.chain.node.height() - 1)):
                    fees.chain.node.abort_to(height)
                    for _ in range(60):
                        fees.chain.node.ask("devnet_createBlock")
        last = dict(ledger.accrued)
        await ledger.accrue("trading", 1, DAY + ROUNDS)
        await until_settled(fees, sum(amount // 100 for amount in last.values()))
    batches = fees.collector.events("BatchSettled")
    assert [event["batch"] for event in batches] == list(range(1, len(batches) + 1))
    assert sum(event["amount"] for event in batches) == sum(amount // 100 for amount in last.values())


async def test_the_commands_deploy_check_and_audit(
    fees: Fees, node: HashingNode, log: Log, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    deploy = [
        "chain", "deploy", "--account", hex(fees.settler.address), "--keystore",
        environment["ASTRA_SETTLEMENT_KEYSTORE"], "--owner", hex(fees.owner.address), "--pauser",
        hex(fees.pauser.address), "--settler", hex(fees.settler.address), "--token", hex(fees.usd.address), "--yes",
        *(part for address, ppm in SHARES for part in ("--share", f"{hex(address)}:{ppm}")),
    ]  # fmt: skip

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    async def until_status_says(text: str) -> None:
        async with asyncio.timeout(WITHIN_S):
            while text not in await asyncio.to_thread(run, "chain", "status"):  # noqa: ASYNC110 - processes work
                await asyncio.sleep(0.2)

    first = await asyncio.to_thread(run, *deploy)
    assert "1. deploy FeeSplitter at 0x" in first
    again = await asyncio.to_thread(run, *deploy)
    assert "deploy FeeSplitter" not in again, "nothing is deployed twice"
    [setting] = [line for line in again.splitlines() if line.startswith("ASTRA_INDEXER_CONTRACTS=")]
    monkeypatch.setenv(*setting.split("=", 1))
    verified = await asyncio.to_thread(run, "chain", "verify")
    assert verified.count("holds: ") == 4
    files = Path(environment["ASTRA_DATA_DIR"]) / "processes.log"
    ledger, settings = Ledger(log), environment | {"ASTRA_INDEXER_CONTRACTS": setting.split("=", 1)[1]}
    with indexer_process(settings, files), indexer_process(settings, files, "settlement"):
        await ledger.accrue("trading", 123_456)
        await ledger.accrue("trading", 1, DAY + 1)
        await until_status_says("settled 1234")
        with node.on_l1(fees.chain.node.height()):
            await until_status_says("released 1234")
        report = await asyncio.to_thread(run, "audit", "chain")
    assert "0 differences" in report
    assert sum(fees.balance(each) for each in (TREASURY, PAYMASTER, STAKING)) == 1_234
