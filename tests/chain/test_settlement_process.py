"""The processes of settlement and indexer on a real node, and the commands around them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from faust_redis.log import Log

from deploy.cli.main import cli
from tests.chain.fees import PAYMASTER, SHARES, STAKING, TREASURY, Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.settling import DAY, Ledger, settings_of
from tests.support.indexer_process import indexer_process

WITHIN_S = 120


@pytest.fixture
def node(fees: Fees) -> Iterator[HashingNode]:
    with HashingNode(fees.chain.node.url).served() as node:
        yield node


@pytest.fixture
def environment(fees: Fees, node: HashingNode, broker_url: str, namespace: str, tmp_path: Path) -> dict[str, str]:
    return settings_of(fees, node.url, {"url": broker_url, "namespace": namespace}, tmp_path)


@pytest.mark.heavy
async def test_the_commands_deploy_check_and_audit(
    fees: Fees, node: HashingNode, log: Log, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    folder = Path(environment["ASTRA_DATA_DIR"])
    shares = "".join(f'[[shares]]\nto = "{hex(address)}"\nppm = {ppm}\n' for address, ppm in SHARES)
    accounts = {"deployer": fees.settler, "owner": fees.settler, "pauser": fees.pauser, "settler": fees.settler}
    named = {name: account.address for name, account in accounts.items()} | {"token": fees.usd.address}
    (folder / "plan.toml").write_text("".join(f'{name} = "{hex(at)}"\n' for name, at in named.items()) + shares)
    plan = ("--plan", str(folder / "plan.toml"))
    deploy = ["chain", "deploy", *plan, "--keystore", environment["ASTRA_SETTLEMENT_KEYSTORE"], "--yes"]

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
    assert (await asyncio.to_thread(run, "chain", "verify")).count("holds: ") == 4
    assert "FAILS" not in await asyncio.to_thread(run, "chain", "verify", *plan)
    files = Path(environment["ASTRA_DATA_DIR"]) / "processes.log"
    ledger, settings = Ledger(log), environment | {"ASTRA_INDEXER_CONTRACTS": setting.split("=", 1)[1]}
    with indexer_process(settings, files), indexer_process(settings, files, "settlement"):
        await ledger.accrue("trading", 123_456)
        await ledger.accrue("trading", 1, DAY + 1)
        await until_status_says("settled 1234")
        with node.on_l1(fees.chain.node.height()):
            await until_status_says("released 1234")
            await until_status_says("batch 1 is the last closed one, 1 the last confirmed one")
        report = await asyncio.to_thread(run, "audit", "chain")
    assert "0 differences" in report
    assert sum(fees.balance(each) for each in (TREASURY, PAYMASTER, STAKING)) == 1_234


@pytest.mark.heavy
async def test_a_restored_log_stops_settlement(
    fees: Fees, node: HashingNode, log: Log, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    files, ledger = Path(environment["ASTRA_DATA_DIR"]) / "processes.log", Ledger(log)

    async def settle(units: int) -> None:
        with indexer_process(environment, files), indexer_process(environment, files, "settlement"):
            async with asyncio.timeout(WITHIN_S):
                while fees.collector.call("total_settled") != units:  # noqa: ASYNC110 - processes work
                    await asyncio.sleep(0.2)

    await ledger.accrue("trading", 1_000)
    await ledger.accrue("trading", 5_000, DAY + 1)
    await settle(10)
    saved = {key: await log.redis.dump(key) for key in await log.redis.keys("*")}
    await ledger.accrue("nft", 7_000, DAY + 1)
    await ledger.accrue("nft", 300, DAY + 2)
    await settle(130)
    await log.redis.flushdb()
    for key, content in saved.items():
        await log.redis.restore(key, 0, content or b"")
    ledger = Ledger(log, accrued={"trading": 6_000})
    with indexer_process(environment, files), indexer_process(environment, files, "settlement") as settlement:
        assert await asyncio.to_thread(settlement.wait, WITHIN_S) == 1
    assert "the log was restored to an earlier state" in files.read_text("utf-8")
    with indexer_process(environment, files), node.on_l1(fees.chain.node.height()):
        adopted = await asyncio.to_thread(CliRunner().invoke, cli, ["chain", "adopt", "--yes"])
        assert adopted.exit_code == 0, adopted.output
        assert "take over batch 2 of 120 units" in adopted.output
        assert "open fees of nft: 0 become -7000 (1e-8 USD), which it owes" in adopted.output
        await ledger.accrue("nft", 7_100, DAY + 3)
        await ledger.accrue("trading", 1, DAY + 4)
        with indexer_process(environment, files, "settlement"):
            async with asyncio.timeout(WITHIN_S):
                while fees.collector.call("total_settled") != 131:  # noqa: ASYNC110 - processes work
                    await asyncio.sleep(0.2)
            report = await asyncio.to_thread(CliRunner().invoke, cli, ["audit", "chain"])
    assert "0 differences" in report.output, report.output
