"""`astratrade audit ledger` on a real broker: sound books pass; a row that was damaged by hand is named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from faust_redis.log import Log, Record, TopicSpec

from deploy.cli.main import cli
from deploy.errors import DeployError
from streams.events.financial import Subscribe, Withdraw
from streams.topology import changelog_topic
from streams.units import Quantity
from tables.financial import FINANCIAL_LEDGER, Balance
from tables.financial_audit import AUDITED
from tests.unit.agents.financial.bank import Bank
from tests.unit.agents.financial.test_ledger import executed

APP, PARTITIONS = "astratrade", 2


async def audit(log: Log, broker_url: str, *command: str, **settings: str) -> Result:
    environment = {"ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": log.keys.namespace, "ASTRA_APP_ID": APP}
    return await asyncio.to_thread(
        CliRunner().invoke, cli, ["audit", *(command or ("ledger",))], env=environment | settings
    )


async def write(log: Log, rows: Iterable[tuple[Any, int, bytes, bytes]]) -> None:
    await log.append([Record(changelog_topic(APP, spec.name), part, key, row, 0) for spec, part, key, row in rows])


async def plant(log: Log) -> None:
    """Write the rows of two partitions in which money moved."""
    bank = Bank(PARTITIONS)
    for user in ("ada", "bob", "cyd"):
        bank.deposit(user, "500")
        bank.put(executed(), user)
        bank.send(Subscribe, user, plan="navigator", cycle="month")
        bank.send(Withdraw, user, withdrawal_id="w-1", asset="USD", amount="20", destination="iban")
    for spec in AUDITED:
        await log.create_topic(TopicSpec(changelog_topic(APP, spec.name), PARTITIONS, "compact"))
        for partition, part in enumerate(bank.parts):
            await write(log, [(spec, partition, key, row) for key, row in part.maps[spec.name].items()])


async def test_sound_books_are_printed_by_kind_of_account(log: Log, broker_url: str) -> None:
    await plant(log)
    run = await audit(log, broker_url)
    assert run.exit_code == 0, run.output
    lines = [" ".join(line.split()) for line in run.output.splitlines()]
    assert {"USD outside -1504.5", "USD platform:fees:trading 4.5", "USD platform:treasury 29.85"} <= set(lines)
    assert {"USD users, available 1410.15", "USD users, reserved 60"} <= set(lines)
    assert lines[-1] == "8 rules checked, 0 breaches"


async def test_a_damaged_row_fails_the_audit_with_account_and_difference(log: Log, broker_url: str) -> None:
    await plant(log)
    damaged = Balance(amount=Quantity.parse("-0.00000001")).dump()
    await write(log, [(FINANCIAL_LEDGER, 1, b"user:eve:available|USD", damaged)])
    run = await audit(log, broker_url)
    assert isinstance(run.exception, DeployError)
    assert str(run.exception).splitlines()[1:] == [
        "partition 1: user:eve:available: -0.00000001 USD (no account of a user is below 0)",
        "partition 1: all accounts: -0.00000001 USD (the accounts of an asset sum to 0)",
    ]


async def test_one_command_audits_everything(log: Log, broker_url: str, tmp_path: Path) -> None:
    """It runs all audits, says all faults, and asks the chain where contracts are configured."""
    folder = ("--data-dir", str(tmp_path))
    await asyncio.to_thread(CliRunner().invoke, cli, ["database", "upgrade", *folder])
    await plant(log)
    run = await audit(log, broker_url, *folder)
    assert run.exit_code == 0, run.output
    assert "the log is empty" in run.output
    assert "8 rules checked, 0 breaches" in run.output
    chain = {
        "ASTRA_STARKNET_NODE_URL": "http://127.0.0.1:9/rpc",
        "ASTRA_INDEXER_CONTRACTS": "FeeCollector:0x2a,FeeSplitter:0x2b",
    }
    await write(log, [(FINANCIAL_LEDGER, 1, b"user:eve:available|USD", Balance(amount=Quantity.parse("1")).dump())])
    run = await audit(log, broker_url, *folder, **chain)
    assert run.exit_code == 1
    assert isinstance(run.exception, DeployError)
    assert "the ledger does not hold" in str(run.exception)
    assert "no audit was possible: the node gave no answer" in str(run.exception)
