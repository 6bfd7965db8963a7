"""One seeded run: the product and a chain as real processes, under what the plan says, until all has settled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from streams.units import TOKEN_UNIT
from tests.chain.deployed import Chain
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID
from tests.chain.killed_node import Base, KilledNode, killed_node
from tests.chain.kills_checks import Contracts, Left, differences, left
from tests.chain.kills_people import People
from tests.chain.kills_plan import (
    LEASE_S,
    SERVICES,
    Accept,
    Act,
    Blocks,
    Kill,
    KillNode,
    Pause,
    Reorganise,
    SignIn,
    Trades,
    plan,
)
from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.support import forked

DOMAINS: Final = ("trading", "financial", "gamification", "nft")
IMPORTED: Final = tuple(f"deploy.run.{service}" for service in ("relay", "indexer", "settlement", "sink"))
"""Imported before the services are forked, each time one is started."""
WITHIN_S: Final = 300
CLOSED_BY_USD: Final = "0.1"
SETTINGS: Final = {
    "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_SETTLEMENT_AMOUNT_USD": CLOSED_BY_USD, "ASTRA_BEHIND_MAX_S": "0",
    "ASTRA_INDEXER_POLL_MS": "100", "ASTRA_SETTLEMENT_POLL_MS": "100", "ASTRA_SETTLEMENT_SEND_AGAIN_S": "1",
    "ASTRA_SETTLEMENT_AUDIT_S": "1", "ASTRA_SINK_POLL_MS": "100", "ASTRA_SINK_SEND_AGAIN_S": "1",
    "ASTRA_RATE_LIMIT_FACTOR": "1000",
}  # fmt: skip


class Run:
    """The product, the chain, and what was done to them.

    Attributes:
        people: Users and a venue.
        depths: How many blocks each reorganisation replaced.
        story: The acts, each with the second at which it began.
    """

    def __init__(
        self, pipeline: Pipeline, killed: KilledNode, chain: Chain, proxy: HashingNode, settings: Mapping[str, str]
    ) -> None:
        self.pipeline, self.chain, self.settings = pipeline, chain, settings
        self.contracts = Contracts(chain, settings["ASTRA_INDEXER_CONTRACTS"])
        self.people = People(pipeline)
        self.depths: list[int] = []
        self.story: list[str] = []
        self._killed, self._proxy = killed, proxy
        self._final = chain.node.height()
        self._on_l1 = ExitStack()
        self._services: dict[str, Child] = {}
        self._began = time.monotonic()

    def left(self) -> Left:
        """Return what the log has."""
        return left(self.pipeline.server.url, self.settings)

    def differences(self) -> Sequence[str]:
        """Return what does not hold of what the log and the chain have."""
        wallets = [user.wallet for user in self.people.users.values()]
        return [*differences(self.left(), self.contracts, self.people.fees, wallets)]

    def start(self) -> None:
        """Start everything but broker and node."""
        self.pipeline.start_api(**self.settings)
        for service in SERVICES:
            self._start(service)
        self.pipeline.wait_until_ready()

    def _start(self, service: str) -> None:
        command = service.partition("-")[0]
        if command == "worker":
            self._services[service] = self.pipeline.start_worker(*DOMAINS, **self.settings)
        else:
            self._services[service] = self.pipeline.start(service, command, **self.settings)

    def say(self, text: object) -> None:
        self.story.append(f"{time.monotonic() - self._began:6.2f} s  {text}")

    def do(self, act: Act) -> None:
        """Carry out an act. Fail if a process has ended by itself."""
        self.say(act)
        self.pipeline.check()
        match act:
            case SignIn(user):
                self.people.sign_in(user)
            case Trades():
                self.people.trade(act)
            case Blocks(number):
                self._blocks(number)
            case Reorganise(depth):
                self._reorganise(depth)
            case Accept(share):
                self.accept(self._final + int(share * (self.chain.node.height() - self._final)))
            case Kill(service, away_s):
                self._services[service].kill()
                time.sleep(away_s)
                self._start(service)
            case Pause(service, seconds):
                self._services[service].pause()
                time.sleep(seconds)
                self._services[service].resume()
            case KillNode():
                self._kill_node(act)

    # --- the chain ----------------------------------------------------------------------------------------------------

    def _blocks(self, count: int) -> None:
        for _ in range(count):
            self.chain.node.ask("devnet_createBlock")

    def _reorganise(self, depth: int) -> None:
        node = self.chain.node
        with self._proxy.changing(height := max(self._final, node.height() - depth)):
            self.depths.append(replaced := node.height() - height)
            node.abort_to(height)
            self._blocks(replaced + 1)

    def accept(self, height: int) -> None:
        """Make the blocks up to a height final."""
        with self._proxy.changing():
            self._final = height
            self._on_l1.enter_context(self._proxy.on_l1(height))

    def accept_all(self) -> None:
        with self._proxy.changing():
            self.accept(self.chain.node.height())

    def _kill_node(self, act: KillNode) -> None:
        node = self.chain.node
        with self._proxy.changing():
            self._killed.note()
        self._blocks(act.forgotten)
        self._killed.kill()
        node.close()
        time.sleep(act.away_s)
        with self._proxy.changing():
            self._killed.start()
            height = node.height()
        with self._proxy.changing(height):
            self.say("the node is back")


@contextmanager
def running(base: Base, folder: Path) -> Iterator[Run]:
    """Run product and chain while the block runs."""
    forked.FORKS.set_forkserver_preload(["tests.support.imported", *IMPORTED])
    shutil.copy(base.noted, folder / "noted")
    with (
        killed_node(folder) as (killed, chain),
        HashingNode(chain.node.url).served() as proxy,
        Pipeline(folder, workers=0, api=False, lease_ms=int(LEASE_S * 1_000)) as pipeline,
    ):
        settings = SETTINGS | dict(base.settings) | {"ASTRA_STARKNET_NODE_URL": proxy.url}
        yield Run(pipeline, killed, chain, proxy, settings)


def play(seed: int, base: Base, folder: Path) -> Run:
    """Play a seed, let all settle, and compare everything. The story goes to a file."""
    with running(base, folder) as run:
        try:
            run.start()
            run.say("ready")
            for after_s, act in plan(seed):
                time.sleep(after_s)
                run.do(act)
            settle(run)
        finally:
            (folder / "story.txt").write_text("\n".join(run.story) + "\n", "utf-8")
    return run


def settle(run: Run) -> None:
    """Let all that was begun end: each fee is accrued, settled and paid, each token minted, and every fact final.

    Raises:
        AssertionError: something does not end, or differs.
    """
    wait(run, lambda: run.left().ledger.by_source.get("trading") == run.people.fees, "each fee is accrued")
    whole_units = run.people.fees // TOKEN_UNIT
    run.people.report_last_fee()
    wait(run, lambda: run.contracts.splitter.call("total_released") == whole_units, "each whole unit is paid")
    wait(run, run.people.have_tokens, "each user has a token")
    found: list[str] = []

    def is_equal() -> bool:
        found[:] = run.differences()
        return not found

    try:
        wait(run, is_equal, "all is equal")
    except AssertionError as exc:
        exc.add_note("\n".join(found))
        raise
    report = run.pipeline.run("audit", **run.settings)
    assert "0 differences" in report, report
    assert not run.differences(), "an audit changes nothing"
    batches, retracted = run.contracts.collector.events("BatchSettled"), run.left().retracted
    run.say(f"{len(batches)} batches, {retracted} retracted facts; blocks replaced at once: {run.depths}")


def wait(run: Run, true: Callable[[], bool], what: str) -> None:
    """Wait for something, while all blocks become final."""

    def look() -> bool:
        run.pipeline.check()
        run.accept_all()
        return true()

    eventually(look, within_s=WITHIN_S, what=what)
    run.say(what)
