"""Measure the memory of the services that follow the chain: `python -m tests.chain.memory [FACTS]`.

Indexer, settlement and sink run as real processes on a devnet, with a broker. It prints the memory of each at rest, and
after so many facts, half of which settlement reads and half the sink; then what each had at most.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from faust_redis.log import Log

from streams.topics import CHAIN_EVENTS, NAMESPACE
from tests.chain.killed_node import Base, deployed
from tests.chain.kills_checks import Contracts
from tests.chain.kills_run import running
from tests.support.aside import run_aside
from tests.support.indexer_process import indexer_process

SERVICES: Final = ("indexer", "settlement", "sink")
FACTS: Final = 10_000
REST_S: Final = 20.0
"""After the start, and after the last fact."""
CALLS: Final = 30
"""Calls of a transaction."""
SERVICE_ACCOUNT: Final = 3
BENEFICIARIES: Final = 3
FIRST_WALLET: Final = 10**6
EXPERIENCE: Final = 100


def main(facts: int = FACTS) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base = deployed(folder)
        (run_folder := folder / "run").mkdir()
        measure(base, run_folder, facts)


def measure(base: Base, folder: Path, facts: int) -> None:
    with running(base, folder) as run, ExitStack() as stack:
        environment = run.pipeline.environment(**run.settings)
        started = {
            name: stack.enter_context(indexer_process(environment, folder / f"{name}.log", name)) for name in SERVICES
        }
        time.sleep(REST_S)
        say("at rest", {name: memory(process.pid, "VmRSS") for name, process in started.items()})
        make_facts(run.contracts, facts)
        made = run.contracts.facts().total()
        while run_aside(facts_in(run.pipeline.server.url)) < made:
            time.sleep(1)
        time.sleep(REST_S)
        say(f"after {made} facts", {name: memory(process.pid, "VmRSS") for name, process in started.items()})
        say("at most", {name: memory(process.pid, "VmHWM") for name, process in started.items()})


def make_facts(contracts: Contracts, facts: int) -> None:
    """Pay all beneficiaries again and again, and record the experience of ever new wallets."""
    owner, service = contracts.chain.accounts[0], contracts.chain.accounts[SERVICE_ACCOUNT]
    splitter, paymaster = contracts.splitter, contracts.all["Paymaster"]
    pay = [contracts.usd.prepare("mint", splitter.address, 1_000), splitter.prepare("distribute")]
    for _ in range(facts // 2 // (BENEFICIARIES * CALLS) + 1):
        owner.execute(*pay * CALLS)
    for first in range(FIRST_WALLET, FIRST_WALLET + facts // 2, CALLS):
        wallets = range(first, first + CALLS)
        service.execute(*(paymaster.prepare("record", wallet, EXPERIENCE) for wallet in wallets))


async def facts_in(url: str) -> int:
    """Return how many facts the log has."""
    async with Log(url, NAMESPACE) as log:
        return sum((await log.end_offsets(CHAIN_EVENTS)).values())


def memory(pid: int, line: str) -> int:
    """Return a line of the memory of a process, in KiB."""
    found = re.search(rf"^{line}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text("utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


def say(when: str, found: dict[str, int]) -> None:
    sys.stdout.write(f"{when}: {', '.join(f'{name} {value / 1024:.0f} MiB' for name, value in found.items())}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
