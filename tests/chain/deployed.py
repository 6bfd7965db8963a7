"""Declare classes, deploy contracts and call them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
from starknet_py.constants import DEFAULT_DEPLOYER_ADDRESS
from starknet_py.hash.address import compute_address

from contracts.toolchain.artifacts import FOLDER, LOCK, SIERRA, class_hashes, path_of
from contracts.toolchain.compiler import contracts_of, read_sources
from tests.chain.abi import Abi, Event, selector
from tests.chain.node import Node, RpcError
from tests.chain.transactions import Account, Call, RevertedError
from tests.support.starknet import Signer

YEAR_S: Final = 365 * 24 * 3600
DEPLOYER: Final = int(DEFAULT_DEPLOYER_ADDRESS, 16)


@dataclass(frozen=True)
class ContractClass:
    """A class that can be declared."""

    abi: Abi
    content: dict[str, Any]
    class_hash: int
    compiled_class_hash: int

    @classmethod
    def of(cls, sierra: str, class_hash: int, compiled_class_hash: int) -> ContractClass:
        parsed = json.loads(sierra)
        names = ("sierra_program", "contract_class_version", "entry_points_by_type")
        content = {name: parsed[name] for name in names} | {"abi": json.dumps(parsed["abi"])}
        return cls(Abi.of(parsed["abi"]), content, class_hash, compiled_class_hash)

    @classmethod
    def compiled(cls, sierra: str, casm: str) -> ContractClass:
        """Return a class whose hashes are not known yet."""
        return cls.of(sierra, *(int(each, 16) for each in class_hashes(sierra, casm)))


@cache
def committed(name: str) -> ContractClass:
    """Return a class of `contracts/artifacts`."""
    contract = next(each for each in contracts_of(read_sources()) if each.name == name)
    locked = json.loads((FOLDER / LOCK).read_text("utf-8"))["contracts"][name]
    hashes = (int(locked[each], 16) for each in ("class_hash", "compiled_class_hash"))
    return ContractClass.of(path_of(contract, SIERRA).read_text("utf-8"), *hashes)


@dataclass(frozen=True)
class Receipt:
    """What a transaction did.

    Attributes:
        events: The events of the contract that was called.
        raw: The node's receipt.
    """

    events: list[Event]
    raw: dict[str, Any]

    def one(self, name: str) -> Event:
        """Return the only event of a name."""
        found = [event for event in self.events if event.name == name]
        assert len(found) == 1, f"{len(found)} events {name} among {[event.name for event in self.events]}"
        return found[0]

    @property
    def l2_gas(self) -> int:
        return int(self.raw["execution_resources"]["l2_gas"])


@dataclass(frozen=True)
class Deployed:
    """A contract on the node."""

    node: Node
    address: int
    contract_class: ContractClass
    deployer: Account

    def call(self, function: str, *arguments: Any) -> Any:
        """Return what a function returns in the newest block, without a transaction."""
        abi = self.contract_class.abi
        request = {
            "contract_address": hex(self.address),
            "entry_point_selector": hex(selector(function)),
            "calldata": [hex(felt) for felt in abi.encode(function, arguments)],
        }
        felts = self.node.ask("starknet_call", request=request, block_id="latest")
        return abi.decode(function, [int(felt, 16) for felt in felts])

    def invoke(self, function: str, *arguments: Any, by: Account | None = None) -> Receipt:
        """Call a function in a transaction of an account; of the deployer when none is named.

        Raises:
            RevertedError: the transaction was reverted.
        """
        return self.receipt((by or self.deployer).execute(self.prepare(function, *arguments)))

    def prepare(self, function: str, *arguments: Any) -> Call:
        """Return a call for a transaction that has several."""
        return Call(self.address, function, self.contract_class.abi.encode(function, arguments))

    def receipt(self, raw: dict[str, Any]) -> Receipt:
        """Decode the events of this contract in a receipt."""
        own = [event for event in raw["events"] if int(event["from_address"], 16) == self.address]
        return Receipt([self._event(event) for event in own], raw)

    def events(self, name: str | None = None) -> list[Event]:
        """Return all events of the contract, in their order."""
        found = [self._event(event) for event in self.raw_events()]
        return [event for event in found if name in (None, event.name)]

    def raw_events(self) -> list[dict[str, Any]]:
        """Return all events of the contract as the node has them."""
        found: list[dict[str, Any]] = []
        token: dict[str, str] = {}
        while True:
            asked = {"address": hex(self.address), "from_block": {"block_number": 0}, "to_block": "latest"}
            page = self.node.ask("starknet_getEvents", filter=asked | {"chunk_size": 1000} | token)
            found += page["events"]
            if "continuation_token" not in page:
                return found
            token = {"continuation_token": page["continuation_token"]}

    def _event(self, event: dict[str, Any]) -> Event:
        keys, data = ([int(felt, 16) for felt in event[part]] for part in ("keys", "data"))
        return self.contract_class.abi.event(self.address, keys, data)


@dataclass
class Chain:
    """A node with accounts that have money."""

    node: Node
    accounts: list[Account]
    salt: int = 0

    @classmethod
    def at(cls, url: str) -> Chain:
        node = Node(url)
        chain_id = int(node.ask("starknet_chainId"), 16)
        accounts = [
            Account(node, int(each["address"], 16), Signer(int(each["private_key"], 16)), chain_id)
            for each in node.ask("devnet_getPredeployedAccounts")
        ]
        return cls(node, accounts)

    def declare(self, contract_class: ContractClass) -> None:
        """Declare a class, unless the node has it."""
        try:
            self.node.ask("starknet_getClass", block_id="latest", class_hash=hex(contract_class.class_hash))
        except RpcError:
            self.accounts[0].declare(
                contract_class.content, contract_class.class_hash, contract_class.compiled_class_hash
            )

    def deploy(self, contract_class: ContractClass | str, *arguments: Any) -> Deployed:
        """Deploy a class, or a committed one by its name, at a new address.

        Raises:
            RevertedError: the constructor panicked.
        """
        if isinstance(contract_class, str):
            contract_class = committed(contract_class)
        self.declare(contract_class)
        address = self.deploy_at(contract_class.class_hash, contract_class.abi.encode(None, arguments))
        return Deployed(self.node, address, contract_class, self.accounts[0])

    def deploy_at(self, class_hash: int, calldata: list[int]) -> int:
        """Deploy a class that the node has, and return the new address."""
        self.salt += 1
        unique = 0
        asked = [class_hash, self.salt, unique, len(calldata), *calldata]
        self.accounts[0].execute(Call(DEPLOYER, "deployContract", asked))
        return compute_address(class_hash=class_hash, constructor_calldata=calldata, salt=self.salt)

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Undo all blocks that are made inside, and the years that passed."""
        height, salt = self.node.height(), self.salt
        try:
            yield
        finally:
            ahead = self.node.timestamp()
            self.node.abort_to(height)
            if ahead > self.node.timestamp() + YEAR_S:
                self.node.turn_back_clock()
            self.salt = salt


def reverts(reason: str) -> pytest.RaisesExc[RevertedError]:
    """Expect a transaction to be reverted with a panic of this text."""
    return pytest.raises(RevertedError, match=re.escape(f"('{reason}')"))
