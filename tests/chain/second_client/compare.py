"""Read every contract with our clients and with starknet.js, and compare what both say.

Each function of each contract is called once before (`gas_calls.py`), so that there is something to read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.clients.classes import CLIENTS
from contracts.clients.contract import At, Event
from contracts.clients.fee_collector import BatchSettled
from contracts.clients.generate.meanings import TEXTS
from contracts.clients.panics import ContractError
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node, NodeRefusedError
from contracts.settlement.hashing import batch_hash
from tests.chain import gas_calls
from tests.chain.abi import Abi
from tests.chain.deployed import Chain, ContractClass, Deployed, committed

FOLDER: Final = Path(__file__).parent
CLIENT: Final = "client.mjs"
INSTALL_S: Final = 300
PARTS: Final = (
    gas_calls._fees, gas_calls._token, gas_calls._staking, gas_calls._paymaster, gas_calls._genesis, gas_calls._lending,
)  # fmt: skip
TEXT: Final = int.from_bytes(b"trading", "big")


class MissingToolError(Exception):
    """Node or npm is not here, or the package cannot be installed."""


@dataclass
class RecordingChain(Chain):
    """A chain that remembers what was deployed on it, by class."""

    deployed: list[tuple[str, Deployed]] = field(default_factory=list)

    def deploy(self, contract_class: ContractClass | str, *arguments: Any) -> Deployed:
        made = super().deploy(contract_class, *arguments)
        if isinstance(contract_class, str) and contract_class in CLIENTS:
            self.deployed.append((contract_class, made))
        return made


@dataclass
class Seen:
    """What both clients said of a contract that one of them could get wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def same(self, what: str, place: str, ours: Any, theirs: Any) -> None:
        self.counts[what] += 1
        if not equal(ours, theirs):
            self.differences.append(f"{what} {place}: ours is {ours!r}, theirs is {theirs!r}")


def installed() -> Path:
    """Return the folder with the second client, installed by the digests of its lock.

    Raises:
        MissingToolError: it cannot be had here.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise MissingToolError("node and npm are not found: the second client needs both")
    names = ("package.json", "package-lock.json", CLIENT)
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in names)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "astratrade-chain"
    folder = cache / f"second-client-{digest}"
    if not (folder / "node_modules" / "starknet").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(FOLDER / name, folder / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if done.returncode:
            raise MissingToolError(f"npm cannot install starknet.js: {done.stderr.strip()[-500:]}")
    return folder


def compared(chain: Chain) -> Seen:
    """Call every function of every contract, and compare what both clients read of it afterwards.

    Raises:
        MissingToolError: the second client cannot be had here.
    """
    folder, seen = installed(), Seen()
    for part in PARTS:
        recording = RecordingChain(chain.node, chain.accounts, chain.salt)
        with recording.rolled_back():
            part(gas_calls.Meter(recording), recording)
            contracts = [(name, padded(made.address)) for name, made in recording.deployed]
            contracts += [
                ("Reputation", padded(made.call("reputation")))
                for name, made in recording.deployed
                if name == "Paymaster"
            ]
            _compare(seen, folder, chain, contracts)
        chain.salt = recording.salt
    return seen


def _compare(seen: Seen, folder: Path, chain: Chain, contracts: list[tuple[str, str]]) -> None:
    jobs = [_job(chain, name, address) for name, address in contracts]
    ours = [asyncio.run(_ours(chain, job)) for job in jobs]
    batches = [event for one in ours for event in one[1] if isinstance(event, BatchSettled)]
    hashed = [_felts(batch) for batch in batches]
    asked = {"url": chain.node.url, "contracts": jobs, "hashed": [[str(felt) for felt in felts] for felts in hashed]}
    done = subprocess.run(
        ["node", CLIENT],
        cwd=folder,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=INSTALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    for job, (views, events), other in zip(jobs, ours, theirs["contracts"], strict=True):
        for view, mine, their in zip(job["views"], views, other["views"], strict=True):
            place = f"{job['name']}.{view['function']}"
            if isinstance(mine, Exception):
                seen.same("refusal", place, True, refused_alike(mine, their.get("refused", "")))
            else:
                seen.same("view", place, mine, their.get("value", their))
        assert len(events) == len(other["events"]), job["name"]
        for mine, parsed in zip(events, other["events"], strict=True):
            [(path, fields)] = [(key, value) for key, value in parsed.items() if "::" in key]
            seen.same("event", job["name"], type(mine).__name__, path.rpartition("::")[2])
            seen.same("event", f"{job['name']} {path}", msgspec.structs.asdict(mine), fields)
    for batch, their_hash in zip(batches, theirs["hashes"], strict=True):
        totals = {total.source: total.amount for total in batch.totals}
        our_hash = batch_hash(batch.batch, batch.previous_hash, batch.details, totals)
        seen.same("batch hash", str(batch.batch), our_hash, str(int(their_hash, 16)))
        seen.same("batch hash", str(batch.batch), batch.hash, str(int(their_hash, 16)))


def _job(chain: Chain, name: str, address: str) -> dict[str, Any]:
    """Return what the second client is asked of a contract."""
    abi = committed(name).abi
    entries = json.loads(committed(name).content["abi"])
    views = [each for each in abi.functions.values() if each["state_mutability"] == "view"]
    asked = [_asked(chain, abi, each) for each in views]
    events = Deployed(chain.node, int(address, 16), committed(name), chain.accounts[0]).raw_events()
    return {"name": name, "address": address, "abi": entries, "views": asked, "events": events}


def _asked(chain: Chain, abi: Abi, function: dict[str, Any]) -> dict[str, Any]:
    """Return a question that has an answer in most states: for both clients, each in its own types."""
    felts: list[int] = []
    arguments: list[str | int] = []
    for each in function["inputs"]:
        kind = each["type"].rpartition("::")[2]
        felts.append({"ContractAddress": chain.accounts[0].address, "felt252": TEXT}.get(kind, 1))
        if each["name"] in TEXTS:
            arguments.append("trading")
        else:
            arguments.append(padded(felts[-1]) if kind in {"ContractAddress", "felt252"} else felts[-1])
    calldata = [str(felt) for felt in abi.encode(function["name"], felts)]
    return {"function": function["name"], "calldata": calldata, "arguments": arguments}


async def _ours(chain: Chain, job: dict[str, Any]) -> tuple[list[Any], list[Event]]:
    """Return the results of the views, and the events."""
    kind = CLIENTS[job["name"]]
    client, node = kind(job["address"]), Node(chain.node.url)
    try:
        at = At(node, (await node.head()).ref)
        views = [await _view(client, at, each) for each in job["views"]]
    finally:
        await node.close()
    events = [
        kind.event(*([int(felt, 16) for felt in each[part]] for part in ("keys", "data"))) for each in job["events"]
    ]
    return views, events


async def _view(client: Any, at: At, asked: dict[str, Any]) -> Any:
    """Return the result of a view, or the panic."""
    try:
        return await getattr(client, asked["function"])(at, *asked["arguments"])
    except (ContractError, NodeRefusedError) as exc:
        return exc


def _felts(batch: BatchSettled) -> list[int]:
    """Return what the collector hashes, written out by hand."""
    felts = [batch.batch, int(batch.previous_hash, 16), int(batch.details, 16), len(batch.totals)]
    for total in batch.totals:
        felts += [int.from_bytes(total.source.encode(), "big"), total.amount % 2**128, total.amount >> 128]
    return felts


def equal(ours: Any, theirs: Any) -> bool:
    """Return whether two values of different languages are the same."""
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, int):
        return str(ours) == str(theirs)
    if isinstance(ours, str):
        return ours == theirs or _number(ours) == str(theirs)
    if isinstance(ours, tuple):
        listed = [*theirs.values()] if isinstance(theirs, dict) else theirs
        return len(ours) == len(listed) and all(map(equal, ours, listed))
    fields = ours if isinstance(ours, dict) else msgspec.structs.asdict(ours)
    named = {name.removesuffix("_"): value for name, value in fields.items()}
    return named.keys() == theirs.keys() and all(equal(value, theirs[name]) for name, value in named.items())


def _number(text: str) -> str:
    is_hex = text.startswith("0x") and len(text) == len(padded(0))
    return str(int(text, 16) if is_hex else int.from_bytes(text.encode(), "big"))


def refused_alike(mine: Exception, theirs: str) -> bool:
    """Return whether the other client was refused for the same panic, as text or as a felt."""
    panic = mine.panic if isinstance(mine, ContractError) else "is not deployed"
    return panic in theirs or f"0x{panic.encode().hex()}" in theirs
