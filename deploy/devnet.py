"""What `astratrade chain devnet` does: put a token for tests and the contracts on a devnet.

A devnet tells the keys of its accounts, so it needs no keystore. Its seed gives the accounts, and these give the
addresses of all contracts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from eth_keyfile.keyfile import create_keyfile_json
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.clients.codec import BYTE_ARRAY, U256
from contracts.clients.contract import At, Call, MissingContractError
from contracts.clients.shared.erc20 import ERC20Client
from contracts.deployment.plan import (
    Astra,
    Genesis,
    Plan,
    Planned,
    ShareOf,
    Sponsoring,
    Staking,
    planned_at,
)
from contracts.deployment.steps import Step, carry_out, steps, steps_of
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node, NodeRefusedError
from contracts.settlement.fee_contracts import TOKEN_DECIMALS
from deploy.chain import contracts_of, node_of, setting_of
from deploy.errors import DeployError
from deploy.settings import Settings

SHARES_PPM: Final = (600_000, 250_000, 150_000)
NEEDED: Final = 5
"""Accounts: owner, pauser, settler, the service that mints, sponsors and records, and treasury."""
SETTLER, SERVICE = 2, 3
SALT: Final = 1
SUPPLY: Final = 10**15
"""Units of the token, a millionth of a USD each, that the settling account gets."""
ASTRA_SUPPLY: Final = 10**27
"""Units of ASTRA, 1e-18 each, that the treasury gets."""
GAS_PRICE_MAX: Final = 10**12
METHOD_NOT_FOUND: Final = -32601


class DevnetAccount(NamedTuple):
    """An account of a devnet."""

    address: int
    private_key: int


class Devnet(NamedTuple):
    """What is deployed on a devnet: the settlement token, and a plan."""

    token: Planned
    plan: Plan
    minter: str

    @property
    def settings(self) -> Mapping[str, str]:
        """Return the settings of the services that follow the contracts."""
        return {
            "ASTRA_INDEXER_CONTRACTS": setting_of(contracts_of(self.plan)),
            "ASTRA_SETTLEMENT_ACCOUNT": self.plan.settler,
            "ASTRA_SINK_ACCOUNT": self.minter,
        }


def devnet_of(accounts: Sequence[int]) -> Devnet:
    """Return what is deployed on a devnet with these accounts."""
    owner, pauser, settler, service, treasury = map(padded, accounts[:NEEDED])
    token = planned_at("TestToken", [*BYTE_ARRAY.encode("US Dollar"), *BYTE_ARRAY.encode("USD"), TOKEN_DECIMALS], SALT)
    beneficiaries = (treasury, "Paymaster", "StakingManager")
    plan = Plan(
        deployer=owner,
        owner=owner,
        pauser=pauser,
        settler=settler,
        token=padded(token.address),
        shares=tuple(ShareOf(to=to, ppm=ppm) for to, ppm in zip(beneficiaries, SHARES_PPM, strict=True)),
        salt=SALT,
        astra=Astra(supply=ASTRA_SUPPLY, recipient=treasury),
        staking=Staking(),
        paymaster=Sponsoring(sponsor=service, recorder=service, max_price=GAS_PRICE_MAX),
        genesis=Genesis(minter=service),
    )
    return Devnet(token, plan, service)


async def set_up(settings: Settings) -> AsyncIterator[str]:
    """Deploy what a devnet lacks, and give the settling account tokens; yield lines of progress, then the settings.

    Raises:
        DeployError: it cannot be done.
    """
    async with node_of(settings) as node:
        accounts = await accounts_of(node)
        devnet = devnet_of([account.address for account in accounts])
        signer = KeystoreSigner(KeyPair.from_private_key(accounts[0].private_key))
        owner = Account(node, accounts[0].address, settings.starknet_chain_id, signer)
        todo = [*await steps(node, [devnet.token]), *await steps_of(node, devnet.plan), *await _gift(node, devnet)]
        make_block = partial(node.ask, "devnet_createBlock", {})  # or each step would wait for the node's own block
        async for step, _ in carry_out(owner, todo, make_block):
            yield f"done: {step.text}"
        for name, value in devnet.settings.items():
            yield f"{name}={value}"


async def _gift(node: Node, devnet: Devnet) -> list[Step]:
    """Return the step that gives the settling account tokens, unless it has some."""
    at, token, settler = At(node, (await node.head()).ref), devnet.token.address, devnet.plan.settler
    try:
        if await ERC20Client(padded(token)).balance_of(at, settler):
            return []
    except MissingContractError:
        pass
    mint = Call(token, "mint", [int(settler, 16), *U256.encode(SUPPLY)])
    return [Step(f"give {settler} {SUPPLY // 10**TOKEN_DECIMALS} USD of the token", calls=(mint,))]


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


async def write_keystore(settings: Settings, path: Path, number: int) -> None:
    """Write the keystore of one account. Its key is public, as all keys of a devnet are.

    Raises:
        DeployError: the node is no devnet, gives no answer, or no password is set.
    """
    if settings.settlement_password is None:
        raise DeployError("set ASTRA_SETTLEMENT_PASSWORD_FILE to a file with the keystore's password")
    password = settings.settlement_password.get_secret_value()
    async with node_of(settings) as node:
        key = (await accounts_of(node))[number].private_key
    made = create_keyfile_json(key.to_bytes(32, "big"), password.encode(), iterations=2)
    await asyncio.to_thread(path.write_text, json.dumps(made) + "\n", "utf-8")
