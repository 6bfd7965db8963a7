"""Processes and node are killed while blocks are replaced: each fee is settled once, to the unit."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from faust_redis.log import Log

from deploy.cli.main import cli
from tests.chain.conftest import GATE
from tests.chain.deployed import Chain
from tests.chain.fees import PAYMASTER, STAKING, TREASURY, Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import amounts, amounts_on_chain, events_of, folded
from tests.chain.killed_node import KilledNode, killed_node
from tests.chain.settling import DAY, Ledger, settings_of
from tests.support.indexer_process import IndexerProcess, indexer_process

WITHIN_S = 600
DEPTH_MAX = 50
SEEDS = range(50 if os.environ.get(GATE) else 1)
ROUNDS = 3 if os.environ.get(GATE) else 2


class Installation:
    """Fees in a log, a chain, and the processes between them, all of which can fail."""

    def __init__(self, chain: Chain, killed: KilledNode, node: HashingNode, log: Log) -> None:
        self.chain, self.killed, self.node, self.log = chain, killed, node, log
        self.fees = Fees.deploy(chain)
        self.ledger = Ledger(log)
        self.final = chain.node.height()
        self._on_l1 = ExitStack()

    def blocks(self, count: int) -> None:
        """Make empty blocks."""
        for _ in range(count):
            self.chain.node.ask("devnet_createBlock")

    def reorganise(self, depth: int) -> None:
        """Replace the newest blocks by empty ones; final blocks stay."""
        with self.node.changing(height := max(self.final, self.chain.node.height() - depth)):
            replaced = self.chain.node.height() - height
            self.chain.node.abort_to(height)
            self.blocks(replaced + 1)

    def accept_on_l1(self, height: int) -> None:
        """Make blocks final."""
        self.final = height
        self._on_l1.enter_context(self.node.on_l1(height))

    async def kill_the_node(self, away_s: float, chance: random.Random) -> None:
        """Kill the node. It may forget blocks that are not final."""
        with self.node.changing():
            self.killed.note()
        if chance.random() < 0.5:
            self.blocks(chance.randint(1, 3))
        self.killed.kill()
        self.chain.node.close()
        await asyncio.sleep(away_s)
        with self.node.changing():
            self.killed.start()
            height = self.chain.node.height()
        with self.node.changing(height):
            pass

    def are_as_the_ledger_says(self, settled: int) -> None:
        """Check that all fees have arrived once."""
        batches = self.fees.collector.events("BatchSettled")
        assert [event["batch"] for event in batches] == list(range(1, len(batches) + 1))
        assert sum(event["amount"] for event in batches) == settled
        assert self.fees.collector.call("total_settled") == self.fees.collector.call("total_swept") == settled
        assert sum(self.fees.balance(each) for each in (TREASURY, PAYMASTER, STAKING)) == settled


@pytest.fixture
def installation(tmp_path: Path, log: Log) -> Iterator[Installation]:
    with killed_node(tmp_path) as (killed, chain), HashingNode(chain.node.url).served() as node:
        yield Installation(chain, killed, node, log)


@pytest.fixture
def settings(installation: Installation, broker_url: str, namespace: str, tmp_path: Path) -> dict[str, str]:
    log = {"url": broker_url, "namespace": namespace}
    return settings_of(installation.fees, installation.node.url, log, tmp_path)


@contextmanager
def processes(settings: dict[str, str], folder: Path) -> Iterator[list[IndexerProcess]]:
    """Run an indexer and two settlements. The first two are killed; the last one takes over."""
    with (
        indexer_process(settings, folder / "indexer.log") as indexer,
        indexer_process(settings, folder / "settlement.log", "settlement") as settlement,
        indexer_process(settings, folder / "standby.log", "settlement"),
    ):
        yield [indexer, settlement]


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
async def test_processes_and_node_are_killed_while_blocks_are_replaced(
    installation: Installation, settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance, ledger = random.Random(seed), installation.ledger
    fees, node, log = installation.fees, installation.chain.node, installation.log
    with processes(settings, tmp_path) as killable:
        for day in range(DAY, DAY + ROUNDS):
            for _ in range(chance.randint(1, 5)):
                await ledger.accrue(chance.choice(["trading", "nft"]), chance.randint(100, 100_000), day)
            await asyncio.sleep(3 * chance.random())
            installation.blocks(chance.randint(0, 40))
            for process in killable:
                if chance.random() < 0.6:
                    process.restart()
                    await asyncio.sleep(2 * chance.random())
            if chance.random() < 0.7:
                installation.reorganise(chance.randint(1, DEPTH_MAX))
            if chance.random() < 0.5:
                with installation.node.changing():
                    installation.accept_on_l1(chance.randint(installation.final, node.height()))
            if chance.random() < 0.3:
                await installation.kill_the_node(2 * chance.random(), chance)
        last = dict(ledger.accrued)
        await ledger.accrue("trading", 1, DAY + ROUNDS)
        settled = sum(amount // 100 for amount in last.values())
        async with asyncio.timeout(WITHIN_S):
            while fees.splitter.call("total_released") != settled or amounts(await events_of(log)) != amounts_on_chain(
                fees
            ):
                with installation.node.changing():
                    installation.accept_on_l1(node.height())
                await asyncio.sleep(0.5)
        installation.are_as_the_ledger_says(settled)
        assert set(folded(await events_of(log)).values()) <= {0, 1}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        report = await asyncio.to_thread(CliRunner().invoke, cli, ["audit", "chain"])
        assert report.exit_code == 0, report.output
        assert "0 differences" in report.output
