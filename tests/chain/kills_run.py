"""One seeded run: the product and a chain as real processes, under what the plan says, until all has settled."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from click.testing import CliRunner

from deploy.cli.main import cli
from streams.units import TOKEN_UNIT
from tests.chain.deployed import Chain
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID
from tests.chain.killed_node import KilledNode, killed_node
from tests.chain.kills_checks import Contracts, Expected, Left, differences, left
from tests.chain.kills_plan import (
    DAYS,
    LEASE_S,
    SERVICES,
    USERS,
    Accept,
    Act,
    Blocks,
    Kill,
    KillNode,
    Pause,
    Reorganise,
    SignIn,
    Trade,
    Trades,
    plan,
)
from tests.e2e.children import Child
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.identity.wallets.requests import SIGN_IN, named, proof
from tests.support import forked
from tests.support.starknet import Signer

DOMAINS: Final = ("trading", "financial", "gamification", "nft")
FIRST_DAY: Final = datetime(2025, 1, 6, 12, tzinfo=UTC)
FIRST_KEY: Final = 0xA11CE
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


class Base(NamedTuple):
    """A chain that has the contracts, as a file of devnet, and the settings that follow them."""

    noted: Path
    settings: Mapping[str, str]


class User(NamedTuple):
    """A user who signed in with a wallet."""

    id: str
    wallet: int
    client: httpx.Client


class Run:
    """The product, the chain, and what was done to them.

    Attributes:
        users: Those who signed in, by their numbers in the plan.
        fees: The fees of all reported fills, in 1e-8 USD.
        depths: How many blocks each reorganisation replaced.
        story: The acts, each with the second at which it began.
    """

    def __init__(
        self, pipeline: Pipeline, killed: KilledNode, chain: Chain, proxy: HashingNode, settings: Mapping[str, str]
    ) -> None:
        self.pipeline, self.chain, self.settings = pipeline, chain, settings
        self.contracts = Contracts(chain, settings["ASTRA_INDEXER_CONTRACTS"])
        self.users: dict[int, User] = {}
        self.fees = 0
        self.depths: list[int] = []
        self.story: list[str] = []
        self._killed, self._proxy = killed, proxy
        self._final = chain.node.height()
        self._on_l1, self.clients = ExitStack(), ExitStack()
        self._services: dict[str, Child] = {}
        self._again: list[dict[str, Any]] = []
        self._began = time.monotonic()

    def left(self) -> Left:
        """Return what the log has."""
        return left(self.pipeline.server.url, self.settings)

    def differences(self) -> Sequence[str]:
        """Return what does not hold of what the log and the chain have."""
        wallets = {user.id: user.wallet for user in self.users.values()}
        return [*differences(self.left(), self.contracts, Expected(self.fees, wallets))]

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
                self.users[user] = self._signed_in(Signer(FIRST_KEY + user))
            case Trades():
                self._trade(act)
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

    # --- users and venues ---------------------------------------------------------------------------------------------

    def _signed_in(self, signer: Signer) -> User:
        wallet = named(signer.address)
        with self.pipeline.client_with(None) as client:
            challenge = client.post(f"{SIGN_IN}/challenge", json=wallet).json()
            answer = client.post(f"{SIGN_IN}/login", json=wallet | {"proof": proof(signer, challenge)})
        assert answer.status_code == 201, answer.text
        token, user_id = answer.json()["access_token"], answer.json()["user_id"]
        return User(user_id, int(signer.address, 16), self.clients.enter_context(self.pipeline.client_with(token)))

    def _trade(self, trades: Trades) -> None:
        """Report fills, and those again that are due for it."""
        executed_at = (FIRST_DAY + timedelta(days=trades.day)).isoformat().replace("+00:00", "Z")
        reports = self._again[:]
        self._again = []
        for trade in trades.fills:
            user = self.users[trade.user].id if trade.user in self.users else f"other-{trade.user}"
            report = fill(user, executed_at=executed_at, **(named_fee if trade.named else fee_by_rule)(trade.fee))
            reports.append(report)
            if trade.again:
                self._again.append(report)
            self.fees += trade.fee
        answer = self.pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": reports})
        assert answer.status_code == 202, answer.text

    def report_last_fee(self) -> None:
        """Report a fill of a later day, which closes the batch of the days before. Its own fee stays open."""
        self._trade(Trades(DAYS + 1, (Trade(USERS, fee=1, named=True, again=False),)))

    def have_tokens(self) -> bool:
        """Ask for the tokens of first trades that are not asked for yet, and return whether all users see theirs."""
        missing = [user for user in self.users.values() if user.id not in self._owners()]
        for user in missing:
            mints = user.client.get(f"/v1/users/{user.id}/collector")
            if not (mints.is_success and mints.json().get("mints")):
                user.client.post("/v1/nft/mints", json={"type": "first_trade"})
        return not missing

    def _owners(self) -> set[str]:
        client = self.pipeline.client("admin", "auditor")
        answers = [client.get(f"/v1/nft/tokens/{number}") for number in range(1, USERS + 1)]
        return {str(answer.json()["owner"]) for answer in answers if answer.is_success}

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


def named_fee(fee: int) -> Mapping[str, str | None]:
    return {"fee_usd": usd(fee)}


def fee_by_rule(fee: int) -> Mapping[str, str | None]:
    """Return the fields of a fill of which the rule book's fee is this one: a thousandth."""
    return {"fee_usd": None, "price": "1000", "size": usd(fee), "notional_usd": usd(1_000 * fee)}


def usd(amount: int) -> str:
    """Return an amount of 1e-8 USD as text."""
    return f"{amount // 10**8}.{amount % 10**8:08d}"


def deployed(folder: Path) -> Base:
    """Deploy the contracts as `astratrade chain devnet` does, and note the chain."""
    password, settler, minter = (folder / name for name in ("password", "settler.json", "minter.json"))
    password.write_text("correct horse")
    settings = {"ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_SETTLEMENT_PASSWORD_FILE": str(password)}
    with killed_node(folder) as (node, _):
        environment = settings | {"ASTRA_STARKNET_NODE_URL": node.url, "ASTRA_DATA_DIR": str(folder)}
        options = ("--keystore", str(settler), "--sink-keystore", str(minter))
        found = CliRunner().invoke(cli, ["chain", "devnet", *options], env=environment, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        node.note()
    printed = dict(line.split("=", 1) for line in found.output.splitlines() if line.startswith("ASTRA_"))
    keys = {"ASTRA_SETTLEMENT_KEYSTORE": str(settler), "ASTRA_SINK_KEYSTORE": str(minter)}
    return Base(folder / "noted", settings | printed | keys | {"ASTRA_SINK_PASSWORD_FILE": str(password)})


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
        run = Run(pipeline, killed, chain, proxy, settings)
        with run.clients:
            yield run


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
    wait(run, lambda: run.left().ledger.by_source.get("trading") == run.fees, "each fee is accrued")
    whole_units = run.fees // TOKEN_UNIT
    run.report_last_fee()
    wait(run, lambda: run.contracts.splitter.call("total_released") == whole_units, "each whole unit is paid")
    wait(run, run.have_tokens, "each user has a token")
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
