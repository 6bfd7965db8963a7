"""Ways to break a scratch installation, the alerts that each must raise, and how to mend it again."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis
from faust_redis.log import Log, Record
from faust_redis.log.keys import Keys

from streams import topics
from streams.topology import changelog_topic
from streams.units import Quantity
from tables.financial import FINANCIAL_FEES, FINANCIAL_LEDGER, TOTAL, Balance, FeeTotal, fee_key
from tests.observe.chain import REPLACED
from tests.observe.installation import Installation
from tests.source import ROOT
from tests.support.aside import run_aside

APP_ID: Final = "astratrade"
AUDIT_EVERY_S: Final = 2
LETTERS: Final = 60
PARTITION: Final = 1
NEARLY_FULL: Final = 1.1
FILLER: Final = "filler"
INTRUDER: Final = b"user:eve:available|USD"
TORN: Final = topics.TRADING_COMMANDS
RULEBOOK: Final = ROOT / "agents" / "rulebook.toml"


@dataclass(frozen=True, slots=True)
class Breakage:
    """One way to break an installation.

    Attributes:
        does: Breaks it.
        mends: Mends it.
        alerts: What must fire, and end again once it is mended.
        says: What it is, in words.
    """

    does: Callable[[Installation], None]
    mends: Callable[[Installation], None]
    alerts: tuple[str, ...]
    says: str


def settings(directory: Path) -> dict[str, str]:
    """Return settings that audit the ledger every two seconds, so that a run need not wait for an hour."""
    text, count = re.subn(r"(?m)^audit_every_s = \d+$", f"audit_every_s = {AUDIT_EVERY_S}", RULEBOOK.read_text("utf-8"))
    assert count == 1
    book = directory / "rulebook.toml"
    book.write_text(text, "utf-8")
    return {"ASTRA_RULEBOOK": str(book)}


def broker(installed: Installation) -> redis.Redis:
    """Return a connection to the broker."""
    return redis.Redis.from_url(installed.server.url)


def append(installed: Installation, *records: Record) -> None:
    """Append records to the log."""

    async def write() -> None:
        async with Log(installed.server.url, "astra") as log:
            await log.append(list(records))

    run_aside(write())


def poison(installed: Installation) -> None:
    """Append commands that no agent can decode."""
    append(installed, *(Record(topics.TRADING_COMMANDS, 0, b"x", b"not an event", 0) for _ in range(LETTERS)))


def tear(installed: Installation) -> None:
    """Write to a stream behind the log's back."""
    broker(installed).xadd(Keys("astra").stream(TORN, PARTITION), {"k": "x", "v": "{}"})


def repair_partition(installed: Installation) -> None:
    """Repair the partition while no worker runs, as docs/runbooks/partition-torn.md says."""
    assert installed.processes["worker"].stop()
    installed.run("topics", "repair", TORN, str(PARTITION), "--yes")
    installed.start_job("worker")


def fill(installed: Installation) -> None:
    """Leave the broker a tenth of its memory."""
    connection = broker(installed)
    used = connection.info("memory")["used_memory"]
    connection.config_set("maxmemory", int(used * NEARLY_FULL))


def empty(installed: Installation) -> None:
    """Let the broker use all memory."""
    broker(installed).config_set("maxmemory", 0)


def forge(installed: Installation) -> None:
    """Write the balance of a user into the changelog, without a debit elsewhere, while no worker runs."""
    forged = Balance(amount=Quantity.parse("100")).dump()
    _put(installed, forged)


def remove_row(installed: Installation) -> None:
    """Remove the row again."""
    _put(installed, None)


def _put(installed: Installation, row: bytes | None) -> None:
    assert installed.processes["worker"].stop()
    topic = changelog_topic(APP_ID, FINANCIAL_LEDGER.name)
    append(installed, Record(topic, PARTITION, INTRUDER, row, 0))
    installed.start_job("worker")
    installed.wait_until_ready()
    time.sleep(2 * AUDIT_EVERY_S)


def cut_off(installed: Installation) -> None:
    """Kill the broker, and change an account meanwhile."""
    installed.kill_server()
    installed.run("accounts", "create", "eve", "--no-password")


def full_disk(installed: Installation) -> None:
    """Fill the disk under the broker's files; it writes its log of changes once a second."""
    with suppress(OSError), (installed.server.directory / FILLER).open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


def freed_disk(installed: Installation) -> None:
    """Make room."""
    (installed.server.directory / FILLER).unlink()


def process(job: str, act: str) -> Callable[[Installation], None]:
    """Return what pauses, resumes or kills a process."""
    return lambda installed: getattr(installed.processes[job], act)()


def start(job: str) -> Callable[[Installation], None]:
    """Return what starts a process again."""

    def again(installed: Installation) -> None:
        installed.start_job(job)

    return again


def forge_fee(installed: Installation) -> None:
    """Write a fee into the ledger's totals that no event accrued."""
    append(installed, _fee_row(FeeTotal(amount=500, count=1).dump()))


def remove_fee(installed: Installation) -> None:
    """Remove it, and start settlement again."""
    append(installed, _fee_row(None))
    installed.start_job("settlement")


def _fee_row(row: bytes | None) -> Record:
    key = fee_key("ghost", "USD", None, TOTAL).encode()
    return Record(changelog_topic(APP_ID, FINANCIAL_FEES.name), PARTITION, key, row, 0)


def on_chain(act: str) -> Callable[[Installation], None]:
    """Return what befalls the chain, or its node."""
    return lambda installed: getattr(installed.chain, act)()


BREAKAGES: Final[Mapping[str, Breakage]] = {
    "frozen-worker": Breakage(
        process("worker", "pause"), process("worker", "resume"),
        ("AstraDomainBehind", "AstraVisibleFastBurn", "AstraFreshFastBurn", "AstraRebalanceStuck", "AstraProcessDown"),
        "the worker is stopped by SIGSTOP",
    ),
    "dead-worker": Breakage(
        process("worker", "kill"), start("worker"), ("AstraRebalanceStuck", "AstraProcessDown"),
        "the worker is killed and nothing starts it again",
    ),
    "dead-broker": Breakage(
        cut_off, lambda installed: installed.restart_server(),
        ("AstraBrokerDown", "AstraAvailableFastBurn", "AstraOutboxBehind"),
        "the broker is killed, and an account changes meanwhile",
    ),
    "torn-partition": Breakage(
        tear, repair_partition, ("AstraPartitionTorn",), "another program writes to a stream"
    ),
    "poison": Breakage(
        poison, lambda _: None, ("AstraPoisonFlood",), f"{LETTERS} commands come that no agent can decode"
    ),
    "forged-row": Breakage(forge, remove_row, ("AstraLedgerBreach",), "a row of the ledger is written by hand"),
    "full-broker": Breakage(fill, empty, ("AstraBrokerFull",), "the broker may use a tenth more than it uses"),
    "full-disk": Breakage(full_disk, freed_disk, ("AstraBrokerDiskFailing",), "the broker's disk is full"),
    "stopped-clock": Breakage(
        process("clock", "pause"), process("clock", "resume"), ("AstraClockStopped",), "the clock is stopped by SIGSTOP"
    ),
    "chain-node": Breakage(
        on_chain("go_away"), on_chain("come_back"), ("AstraChainNodeAway", "AstraSettlementWaits", "AstraSinkWaits"),
        "the chain's node answers errors",
    ),
    "chain-reorg": Breakage(
        on_chain("replace_blocks"), lambda _: None, ("AstraChainDeepReorg",), f"the chain replaces {REPLACED} blocks"
    ),
    "forged-fee": Breakage(
        forge_fee, remove_fee, ("AstraProcessDown", "AstraSettlementUnaudited"),
        "a fee that nobody paid is in the ledger's totals, and settlement ends",
    ),
}  # fmt: skip
