"""Accounts that sign and send transactions, and the receipts of these.

Transactions are built, hashed and signed here, since those of starknet-py take 200 ms of CPU each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from poseidon_py.poseidon_hash import poseidon_hash_many

from tests.chain.abi import selector, short_string
from tests.chain.node import Node
from tests.support.starknet import Signer

MAX_AMOUNT: Final = {"L1_GAS": 10**5, "L2_GAS": 10**10, "L1_DATA": 10**5}
"""The most gas that a transaction may use, in the order in which its hash has them."""
MAX_PRICE: Final = 10**12
VERSION: Final = 3
RPC_NAMES: Final = {"L1_GAS": "l1_gas", "L2_GAS": "l2_gas", "L1_DATA": "l1_data_gas"}


class RevertedError(Exception):
    """A transaction was reverted; the text has the panic of each contract that it went through."""


@dataclass(frozen=True)
class Call:
    """A call of a contract."""

    to: int
    function: str
    calldata: Sequence[int]


@dataclass(frozen=True)
class Account:
    """An account that is deployed on the node, and its key."""

    node: Node
    address: int
    signer: Signer
    chain_id: int

    def execute(self, *calls: Call) -> dict[str, Any]:
        """Send calls in one transaction and return its receipt.

        Raises:
            RevertedError: the transaction was reverted.
        """
        calldata = [len(calls)]
        for call in calls:
            calldata += [call.to, selector(call.function), len(call.calldata), *call.calldata]
        content = {"type": "INVOKE", "calldata": _hexes(calldata)}
        return self._send("Invoke", "invoke", content, [poseidon_hash_many(calldata)])

    def declare(self, contract_class: dict[str, Any], class_hash: int, compiled_class_hash: int) -> dict[str, Any]:
        """Declare a class and return the receipt."""
        content = {
            "type": "DECLARE",
            "contract_class": contract_class,
            "compiled_class_hash": hex(compiled_class_hash),
        }
        return self._send("Declare", "declare", content, [class_hash, compiled_class_hash])

    def signature(self, signed_hash: int) -> Sequence[int]:
        """Return what the account's contract takes as a signature."""
        return self.signer.sign_hash(signed_hash)

    def _send(self, method: str, prefix: str, content: dict[str, Any], hashed: list[int]) -> dict[str, Any]:
        nonce = int(self.node.ask("starknet_getNonce", block_id="latest", contract_address=hex(self.address)), 16)
        bounds = [(short_string(name) << 192) + (amount << 128) + MAX_PRICE for name, amount in MAX_AMOUNT.items()]
        fields = [short_string(prefix), VERSION, self.address, poseidon_hash_many([0, *bounds])]
        fields += [poseidon_hash_many([]), self.chain_id, nonce, 0, poseidon_hash_many([]), *hashed]
        signature = self.signature(poseidon_hash_many(fields))
        transaction = content | _common(self.address, nonce, signature)
        named = {"invoke_transaction": transaction} if prefix == "invoke" else {"declare_transaction": transaction}
        sent = self.node.ask(f"starknet_add{method}Transaction", **named)
        receipt: dict[str, Any] = self.node.ask(
            "starknet_getTransactionReceipt", transaction_hash=sent["transaction_hash"]
        )
        if receipt["execution_status"] == "REVERTED":
            raise RevertedError(receipt["revert_reason"])
        return receipt


def _common(sender: int, nonce: int, signature: Sequence[int]) -> dict[str, Any]:
    bounds = {
        RPC_NAMES[name]: {"max_amount": hex(amount), "max_price_per_unit": hex(MAX_PRICE)}
        for name, amount in MAX_AMOUNT.items()
    }
    return {
        "version": hex(VERSION),
        "sender_address": hex(sender),
        "nonce": hex(nonce),
        "signature": _hexes(signature),
        "resource_bounds": bounds,
        "tip": "0x0",
        "paymaster_data": [],
        "account_deployment_data": [],
        "nonce_data_availability_mode": "L1",
        "fee_data_availability_mode": "L1",
    }


def _hexes(felts: Sequence[int]) -> list[str]:
    return [hex(felt) for felt in felts]
