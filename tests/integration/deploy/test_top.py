"""`astratrade top`: one plain screen, and a screen that outlives an outage of the broker."""

from __future__ import annotations

import asyncio
import io

import pytest
from click.testing import CliRunner
from faust_redis.log import Log
from faust_redis.log.services import Services
from rich.console import Console

from deploy.cli.commands.top import watch
from deploy.cli.main import cli
from deploy.settings import Settings, load
from streams.services import Kind
from streams.topics import TRADING_COMMANDS
from tables.domains import TOPOLOGY
from tests.integration.api.support import Worker
from tests.ports import free_port


async def test_one_screen_has_rates_lag_commits_and_members(log: Log, broker_url: str) -> None:
    worker = Worker(log, "astratrade")
    await worker.create_topics()
    await worker.set_group(
        "trading", "stable", {"w-1": {"generation": 3, "recovered": False, "restored": 5, "total": 9}}
    )
    await worker.assign("trading", "w-1", {TRADING_COMMANDS: [0, 2]})
    await worker.emit_one(TRADING_COMMANDS, 1)
    commits = {"trading": {"per_second": 4.0, "mean_ms": 2.5}}
    await Services(log).renew("w", {"kind": Kind.WORKER, "commits": commits}, lease_ms=60_000)
    environment = {"ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": log.keys.namespace}
    run = await asyncio.to_thread(CliRunner().invoke, cli, ["top", "--once"], env=environment)
    assert run.exit_code == 0, run.output
    lines = {line.split()[0]: line.split() for line in run.output.splitlines() if line}
    assert run.output.startswith(f"0 of {len(TOPOLOGY.names)} domains ready, 1 processes, 0 dead letters")
    assert lines["trading"][:5] == ["trading", "stable", "3", "0.0", "1"]
    assert lines["trading"][-2:] == ["4.0", "2.5"]
    assert lines["w-1"][1:3] == ["trading", "0,2"]
    assert lines["w-1"][-3:] == ["5", "of", "9"]
    assert lines[TRADING_COMMANDS] == [TRADING_COMMANDS, "0.0", "1", "1"]
    assert "\x1b" not in run.output, "it is plain"


async def test_an_outage_of_the_broker_is_one_line_and_the_screen_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_BROKER_URL", f"redis://127.0.0.1:{free_port()}")
    settings: Settings = load()
    screen = io.StringIO()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.5):
            await watch(settings, Console(file=screen, force_terminal=True, width=200, height=40))
    assert screen.getvalue().count("the broker is away") >= 2
