"""Wallets and a real Starknet node. Skipped where no `starknet-devnet` is installed: the other tests bring a node."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starknet_py.net.account.account import Account
from starknet_py.net.client_models import ResourceBounds, ResourceBoundsMapping
from starknet_py.net.full_node_client import FullNodeClient
from starknet_py.net.signer.key_pair import KeyPair

from api.app import create_app
from api.identity.wallets import keys
from api.identity.wallets.config import AccountClass, WalletConfig
from api.identity.wallets.node import Node, NodeUnavailableError
from tests.identity.signing_in import client_at
from tests.identity.wallets.requests import ANN, EVE, log_in, sign_in
from tests.integration.api.support import config_of
from tests.support.devnet import Devnet, devnet, find_devnet
from tests.support.starknet import ARGENT, OPENZEPPELIN, Signer, account_at

pytestmark = pytest.mark.skipif(find_devnet() is None, reason="no starknet-devnet is found; see tests/chain")

BOUND = ResourceBounds(max_amount=10**7, max_price_per_unit=2 * 10**9)
FUNDS = 10**20
FAY = Signer(0xFA)
"""A user whom no test deploys."""
TOKEN = "0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d"
"""The contract of STRK, which is deployed and no account."""


@pytest.fixture(scope="module")
def real_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    program = find_devnet()
    assert program is not None
    with devnet(program, Path(tmp_path_factory.mktemp("devnet")), "--accounts", "1", "--predeclare-argent") as node:
        yield node


@pytest.fixture
async def real(
    real_node: Devnet, broker_url: str, namespace: str, planted_url: str
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of an API with a real node."""
    config = replace(config_of(broker_url, namespace, planted_url), wallets=WalletConfig(node_url=real_node.url))
    app = create_app(config)
    async with app.router.lifespan_context(app), client_at(app, "192.0.2.1") as client:
        yield client


async def test_a_real_account_contract_signs_in(real: httpx.AsyncClient, real_node: Devnet) -> None:
    at = real_node.address
    assert (await sign_in(real, real_node.owner, with_key=False, address=at)).status_code == 201
    assert (await sign_in(real, real_node.owner, with_key=False, address=at)).status_code == 200
    assert (await sign_in(real, EVE, with_key=False, address=at)).status_code == 401, "the contract says no"
    wrong = {"nonce": f"0x{'1' * 62}", "signature": ["0x1"]}
    assert (await log_in(real, at, wrong)).status_code == 401
    assert (await sign_in(real, EVE, with_key=False, address=TOKEN)).status_code == 401, "no account contract"
    assert (await sign_in(real, FAY, with_key=False)).status_code == 401, "not deployed"
    assert (await sign_in(real, FAY)).status_code == 201, "by its key"


async def test_a_real_node_of_another_chain_is_refused(real_node: Devnet) -> None:
    node = Node(real_node.url, "SN_MAIN")
    with pytest.raises(NodeUnavailableError):
        await node.is_valid_signature(int(real_node.address, 16), 1, [1, 2])
    await node.close()


@pytest.mark.parametrize("account_class", [OPENZEPPELIN, ARGENT], ids=lambda each: each.make)
@pytest.mark.sample(1)
async def test_an_account_that_its_owner_deploys_is_at_the_address_of_the_key(
    real: httpx.AsyncClient, real_node: Devnet, account_class: AccountClass
) -> None:
    """So the constructor of each class takes what the settings say, and the key owns what it deployed."""
    address = account_at(account_class, ANN.public_key)
    client = FullNodeClient(real_node.url)
    async with httpx.AsyncClient() as rpc:
        mint = {"address": address, "amount": FUNDS, "unit": "FRI"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "devnet_mint", "params": mint}
        assert "result" in (await rpc.post(real_node.url, json=body)).json()
    deployed = await Account.deploy_account_v3(
        address=int(address, 16),
        class_hash=account_class.class_hash,
        salt=ANN.public_key,
        key_pair=KeyPair.from_private_key(ANN.private_key),
        client=client,
        constructor_calldata=account_class.constructor_calldata(ANN.public_key),
        resource_bounds=ResourceBoundsMapping(l1_gas=BOUND, l1_data_gas=BOUND, l2_gas=BOUND),
    )
    await deployed.wait_for_acceptance(check_interval=0.05)
    assert keys.is_owner(ANN.public_key, int(address, 16), [account_class])
    assert (await sign_in(real, ANN, with_key=False, address=address)).status_code == 201
    assert (await sign_in(real, ANN, address=address)).status_code == 200, "the chain confirms the key"
