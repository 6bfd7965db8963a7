"""What `astratrade chain devnet` does: put a token for tests and the fee contracts on a devnet.

A devnet tells the keys of its accounts, so it needs no keystore. Its seed gives the accounts, and these give the
addresses of all contracts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from eth_keyfile.keyfile import create_keyfile_json
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.clients.codec import BYTE_ARRAY, U256
from contracts.clients.contract import At, Call
from contracts.clients.shared.erc20 import ERC20Client
from contracts.deployment import Planned, Terms, carry_out, planned, planned_at, steps
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node, NodeRefusedError
from contracts.settlement.fee_contracts import TOKEN_DECIMALS
from deploy.chain import node_of, setting_of
from deploy.errors import DeployError
from deploy.settings import Settings

SHARES_PPM: Final = (600_000, 250_000, 150_000)
NEEDED: Final = 3 + len(SHARES_PPM)
"""Accounts: owner, pauser and settler, then the beneficiaries."""
SALT: Final = 1
SUPPLY: Final = 10**15
"""Units of the token, a millionth of a USD each, that the settling account gets."""
METHOD_NOT_FOUND: Final = -32601


class DevnetAccount(NamedTuple):
    """An account of a devnet."""

    address: int
    private_key: int


class Devnet(NamedTuple):
    """What is deployed on a devnet, by the addresses of its accounts."""

    token: Planned
    contracts: tuple[Planned, ...]
    settler: int

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the services that follow the contracts."""
        return {
            "ASTRA_INDEXER_CONTRACTS": setting_of(self.contracts),
            "ASTRA_SETTLEMENT_ACCOUNT": padded(self.settler),
        }


def devnet_of(accounts: Sequence[int]) -> Devnet:
    """Return the plan for a devnet with these accounts."""
    owner, pauser, settler, *beneficiaries = accounts[:NEEDED]
    token = planned_at("TestToken", [*BYTE_ARRAY.encode("US Dollar"), *BYTE_ARRAY.encode("USD"), TOKEN_DECIMALS], SALT)
    shares = list(zip(beneficiaries, SHARES_PPM, strict=True))
    return Devnet(token, planned(Terms(owner, pauser, settler, token.address, shares, SALT)), settler)


async def set_up(settings: Settings) -> AsyncIterator[str]:
    """Deploy what a devnet lacks, and give the settling account tokens; yield lines of progress, then the settings.

    Raises:
        DeployError: it cannot be done.
    """
    async with node_of(settings) as node:
        accounts = await accounts_of(node)
        plan = devnet_of([account.address for account in accounts])
        signer = KeystoreSigner(KeyPair.from_private_key(accounts[0].private_key))
        owner = Account(node, accounts[0].address, settings.starknet_chain_id, signer)
        async for step, _ in carry_out(node, owner, await steps(node, [plan.token, *plan.contracts])):
            await node.ask("devnet_createBlock", {})  # or the next transaction would wait for the node's own block
            yield f"done: {step.text}"
        if await _has_no_tokens(node, plan):
            mint = Call(plan.token.address, "mint", [plan.settler, *U256.encode(SUPPLY)])
            await owner.send(await owner.prepare([mint], await owner.nonce()))
            await node.ask("devnet_createBlock", {})
            yield f"done: give {padded(plan.settler)} {SUPPLY // 10**6} USD of the token"
        for name, value in plan.settings.items():
            yield f"{name}={value}"


async def accounts_of(node: Node) -> list[DevnetAccount]:
    """Return the accounts that a devnet began with.

    Raises:
        DeployError: the node is no devnet, or has too few.
    """
    try:
        found: list[dict[str, Any]] = await node.ask("devnet_getPredeployedAccounts", {})
    except NodeRefusedError as exc:
        if exc.code == METHOD_NOT_FOUND:
            raise DeployError("the node is no starknet-devnet") from exc
        raise
    if len(found) < NEEDED:
        raise DeployError(f"the devnet has {len(found)} accounts, and {NEEDED} are needed: start it with --accounts")
    return [DevnetAccount(int(each["address"], 16), int(each["private_key"], 16)) for each in found]


async def _has_no_tokens(node: Node, plan: Devnet) -> bool:
    at = At(node, (await node.head()).ref)
    return not await ERC20Client(padded(plan.token.address)).balance_of(at, padded(plan.settler))


async def write_keystore(settings: Settings, path: Path) -> None:
    """Write the keystore of the settling account. Its key is public, as all keys of a devnet are.

    Raises:
        DeployError: the node is no devnet, gives no answer, or no password is set.
    """
    if settings.settlement_password is None:
        raise DeployError("set ASTRA_SETTLEMENT_PASSWORD_FILE to a file with the keystore's password")
    password = settings.settlement_password.get_secret_value()
    async with node_of(settings) as node:
        key = (await accounts_of(node))[2].private_key
    made = create_keyfile_json(key.to_bytes(32, "big"), password.encode(), iterations=2)
    await asyncio.to_thread(path.write_text, json.dumps(made) + "\n", "utf-8")
