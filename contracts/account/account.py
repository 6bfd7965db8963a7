"""Makes, signs and sends transactions of version 3. A transaction is known by its hash before it is sent.

Source: https://github.com/starknet-io/SNIPs/blob/main/SNIPS/snip-8.md
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from starknet_py.hash.selector import get_selector_from_name

from contracts.account.signer import Signer
from contracts.clients.contract import Call
from contracts.clients.panics import refusal
from contracts.felts import poseidon, short_string
from contracts.indexer.addresses import padded
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node, NodeRefusedError, reading

VERSION: Final = 3
GAS: Final = {"L1_GAS": "l1_gas", "L2_GAS": "l2_gas", "L1_DATA": "l1_data_gas"}
"""The kinds of gas in the order of the hash, and their names in requests."""
AMOUNT_MARGIN_PERCENT: Final = 150
PRICE_MARGIN_PERCENT: Final = 200
"""A transaction may use so much of its estimate, at so much of the price."""
TXN_HASH_NOT_FOUND: Final = 29
CONTRACT_ERROR: Final = 40
TRANSACTION_EXECUTION_ERROR: Final = 41
REVERTS: Final = frozenset({CONTRACT_ERROR, TRANSACTION_EXECUTION_ERROR})
REASON_CHARS_MAX: Final = 2_000

Outcome = Literal["unknown", "pending", "succeeded", "reverted"]


class RevertsError(NodeError):
    """The transaction would revert, so it is not sent. The text has the contracts' reason.

    Attributes:
        panic: The contract's panic; empty when there is none.
    """

    def __init__(self, said: object) -> None:
        refused = refusal(said)
        self.panic = refused.panic if refused else ""
        super().__init__(f"the transaction would revert: {refused or said}"[:REASON_CHARS_MAX])


class Bound(NamedTuple):
    """The most gas of a kind that a transaction uses, and the most that it pays for one."""

    amount: int
    price: int


Bounds = Mapping[str, Bound]
"""The bounds of a transaction, by kind of gas."""
NO_BOUNDS: Final[Bounds] = dict.fromkeys(GAS, Bound(0, 0))


class DeclaredClass(NamedTuple):
    """A class as a node takes it, and its hashes."""

    content: Mapping[str, Any]
    class_hash: int
    compiled_class_hash: int


class Unsigned(NamedTuple):
    """What a transaction does: its kind, the fields of this kind, and what of them its hash ends with."""

    kind: Literal["invoke", "declare"]
    content: Mapping[str, Any]
    hashed: Sequence[int]


class Signed(NamedTuple):
    """A transaction that can be sent."""

    kind: Literal["invoke", "declare"]
    tx_hash: str
    nonce: int
    content: Mapping[str, Any]


class Account:
    """One account on one chain. Methods raise NodeError when the node gives no answer."""

    def __init__(self, node: Node, address: int, chain_id: str, signer: Signer) -> None:
        self.address = address
        self._node = node
        self._chain_id = short_string(chain_id)
        self._signer = signer

    async def nonce(self) -> int:
        """Return the account's nonce, as of the newest block."""
        return await self._node.nonce(padded(self.address))

    async def prepare(self, calls: Sequence[Call], nonce: int, bounds: Bounds | None = None) -> Signed:
        """Return the signed transaction of some calls, which happen together or not at all.

        Args:
            calls: The calls.
            nonce: The transaction's nonce.
            bounds: The most gas that the transaction may use. The default is the estimate plus a margin.

        Raises:
            RevertsError: it would revert. Nothing is estimated, so nothing is raised, if bounds are given.
        """
        return await self._prepared(_invocation(calls), nonce, bounds)

    async def bounds(self, calls: Sequence[Call], nonce: int, margin_percent: int) -> Bounds:
        """Return the gas that some calls are estimated to use, with the check of the account's signature.

        The signed transaction allows no gas, so no block can include it.

        Args:
            calls: The calls.
            nonce: The transaction's nonce.
            margin_percent: The bounds as percent of the estimate.

        Raises:
            RevertsError: they would revert.
        """
        unsigned = _invocation(calls)
        tx_hash = transaction_hash(unsigned, self.address, self._chain_id, nonce, NO_BOUNDS)
        signature = await self._signer.sign(tx_hash)
        return _with_margin(await self._consumed(unsigned, nonce, signature), margin_percent)

    async def prepare_declaration(self, declared: DeclaredClass, nonce: int) -> Signed:
        """Return the signed transaction that declares a class."""
        content = {
            "type": "DECLARE",
            "contract_class": declared.content,
            "compiled_class_hash": hex(declared.compiled_class_hash),
            "account_deployment_data": [],
        }
        hashed = [declared.class_hash, declared.compiled_class_hash]
        return await self._prepared(Unsigned("declare", content, hashed), nonce)

    async def send(self, signed: Signed) -> None:
        """Give a transaction to the node.

        Raises:
            NodeError: the node does not take it, or not again.
        """
        method = f"starknet_add{signed.kind.capitalize()}Transaction"
        answer = await self._node.ask(method, {f"{signed.kind}_transaction": signed.content})
        with reading(f"answer to the transaction {signed.tx_hash}"):
            found = padded(int(answer["transaction_hash"], 16))
        if found != signed.tx_hash:
            raise NodeError(f"the node gives the transaction {signed.tx_hash} the hash {found}")

    async def outcome(self, tx_hash: str) -> tuple[Outcome, str]:
        """Return what became of a transaction, and why it was reverted."""
        return await outcome_of(self._node, tx_hash)

    async def _prepared(self, unsigned: Unsigned, nonce: int, bounds: Bounds | None = None) -> Signed:
        if bounds is None:
            bounds = _with_margin(await self._consumed(unsigned, nonce), AMOUNT_MARGIN_PERCENT)
        tx_hash = transaction_hash(unsigned, self.address, self._chain_id, nonce, bounds)
        signature = await self._signer.sign(tx_hash)
        return Signed(unsigned.kind, padded(tx_hash), nonce, _content(unsigned, self.address, nonce, bounds, signature))

    async def _consumed(self, unsigned: Unsigned, nonce: int, signature: Sequence[int] = ()) -> Bounds:
        """Return what a transaction would use, and the present prices; without a signature, less its check."""
        content = _content(unsigned, self.address, nonce, NO_BOUNDS, signature)
        flags = [] if signature else ["SKIP_VALIDATE"]
        params = {"request": [content], "simulation_flags": flags, "block_id": "latest"}
        try:
            answer = await self._node.ask("starknet_estimateFee", params)
        except NodeRefusedError as exc:
            if exc.code in REVERTS:
                raise RevertsError(exc.data) from exc
            raise
        with reading("estimate"):
            [found] = answer
            return {
                name: Bound(int(found[f"{asked}_consumed"], 16), int(found[f"{asked}_price"], 16))
                for name, asked in GAS.items()
            }


async def outcome_of(node: Node, tx_hash: str) -> tuple[Outcome, str]:
    """Return what became of a transaction, and why it was reverted."""
    asked = {"transaction_hash": hex(int(tx_hash, 16))}
    try:
        answer = await node.ask("starknet_getTransactionReceipt", asked)
    except NodeRefusedError as exc:
        if exc.code == TXN_HASH_NOT_FOUND:
            return await _not_in_a_block(node, asked)
        raise
    with reading(f"receipt of {tx_hash}"):
        status, said = answer["execution_status"], answer.get("revert_reason")
    if status == "REVERTED":
        return "reverted", str(refusal(said) or said)[:REASON_CHARS_MAX]
    return "succeeded", ""


async def _not_in_a_block(node: Node, asked: Mapping[str, str]) -> tuple[Outcome, str]:
    try:
        await node.ask("starknet_getTransactionStatus", asked)
    except NodeRefusedError as exc:
        if exc.code == TXN_HASH_NOT_FOUND:
            return "unknown", ""
        raise
    return "pending", ""


def transaction_hash(unsigned: Unsigned, address: int, chain_id: int, nonce: int, bounds: Bounds) -> int:
    """Return the hash of a transaction without tip, paymaster and deployment."""
    gas = [(short_string(name) << 192) + (bound.amount << 128) + bound.price for name, bound in bounds.items()]
    tip, data_modes, nothing = 0, 0, poseidon([])
    prefix = short_string(unsigned.kind)
    felts = [prefix, VERSION, address, poseidon([tip, *gas]), nothing, chain_id, nonce, data_modes, nothing]
    return poseidon([*felts, *unsigned.hashed])


def _with_margin(used: Bounds, amount_percent: int) -> Bounds:
    return {
        name: Bound(each.amount * amount_percent // 100, each.price * PRICE_MARGIN_PERCENT // 100)
        for name, each in used.items()
    }


def _invocation(calls: Sequence[Call]) -> Unsigned:
    calldata = _calldata(calls)
    content = {"type": "INVOKE", "calldata": _hexes(calldata), "account_deployment_data": []}
    return Unsigned("invoke", content, [poseidon(calldata)])


def _calldata(calls: Sequence[Call]) -> list[int]:
    felts = [len(calls)]
    for call in calls:
        felts += [call.to, get_selector_from_name(call.function), len(call.calldata), *call.calldata]
    return felts


def _content(unsigned: Unsigned, sender: int, nonce: int, bounds: Bounds, signature: Sequence[int]) -> dict[str, Any]:
    return {
        **unsigned.content,
        "version": hex(VERSION),
        "sender_address": hex(sender),
        "nonce": hex(nonce),
        "signature": _hexes(signature),
        "resource_bounds": {
            GAS[name]: {"max_amount": hex(bound.amount), "max_price_per_unit": hex(bound.price)}
            for name, bound in bounds.items()
        },
        "tip": "0x0",
        "paymaster_data": [],
        "nonce_data_availability_mode": "L1",
        "fee_data_availability_mode": "L1",
    }


def _hexes(felts: Sequence[int]) -> list[str]:
    return [hex(felt) for felt in felts]
